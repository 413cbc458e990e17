"""Holds every page to the table of ``portal/access.py``, and the API to ``portal/permission.py``."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect
from rest_framework.views import APIView

from portal.access import ROUTES, Access, access_to, allowed_methods, is_allowed
from portal.permission import TablePermission, caller_of, needed
from portal.problem import problem_response

log = logging.getLogger(__name__)

PASSWORD_PAGE = "web:password"  # noqa: S105
SIGN_IN_PAGE = "web:signin"
# What a person with a one-time password may still reach.
BEFORE_PASSWORD_CHANGE = frozenset({PASSWORD_PAGE, "web:signout"})


def _api_view_of(view: Callable[..., Any]) -> type[APIView] | None:
    found = getattr(view, "cls", None)
    return found if isinstance(found, type) and issubclass(found, APIView) else None


class AccessMiddleware:
    """Holds every page to the table, and sees to it that no API view steps around its own check.

    ``request.roles`` is the frozenset of roles held anywhere, for what a page shows; a deed's service asks again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.roles = frozenset()  # type: ignore[attr-defined]
        _fix_session_end(request)
        response = self.get_response(request)
        if request.path.startswith("/api/"):
            # An answer depends on who asked and on the moment: no cache may give it to somebody else, or later.
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if any("\0" in value for value in kwargs.values() if isinstance(value, str)):
            raise Http404  # nothing has a name that no column holds
        match = request.resolver_match
        name = match.view_name if match else ""
        if name not in ROUTES:
            log.error("%s has no row in portal/access.py and is refused", name or request.path)
            raise PermissionDenied("This address has no row in the table of access.")
        if api_view := _api_view_of(view):
            if list(api_view.permission_classes) != [TablePermission]:
                log.error("%s sets permission_classes and is refused", name)
                raise PermissionDenied("This address does not keep to the table of access.")
            return None
        access = access_to(name, request.method or "")
        if access is None:
            return _method_refused(request, name)
        if request.method == "HEAD":
            # RFC 9110, 9.3.2: HEAD is GET without the body, which the server leaves out. Views name GET alone.
            request.method = "GET"
        return None if access.is_public else _page_refusal(request, name, access)


def _fix_session_end(request: HttpRequest) -> None:
    """Give a session its absolute end: Django's own moves with every change of the session."""
    session = request.session
    if SESSION_KEY in session and "_session_expiry" not in session:
        session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))


def _method_refused(request: HttpRequest, name: str) -> HttpResponse:
    methods = allowed_methods(name)
    if request.path.startswith("/api/"):
        detail = f"Method {request.method} is not allowed here."
        response = problem_response(request, status_code=405, code="method_not_allowed", detail=detail)
        response["Allow"] = ", ".join(methods)
        return response
    return HttpResponseNotAllowed(methods)


def _page_refusal(request: HttpRequest, name: str, access: Access) -> HttpResponse | None:
    caller = caller_of(request.user)
    request.roles = caller.roles_in_teams  # type: ignore[attr-defined]
    if not caller.is_person:
        return _to_sign_in(request)
    if caller.must_change_password and name not in BEFORE_PASSWORD_CHANGE:
        return _redirect(request, resolve_url(PASSWORD_PAGE))
    if not is_allowed(access, caller):
        raise PermissionDenied(needed(access))
    return None


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(request, status_code=401, code="not_authenticated", detail="Sign in first.")
    address = resolve_url(SIGN_IN_PAGE)
    # Only a GET is worth coming back to: the body of a form is gone by then.
    if request.method == "GET" and not getattr(request, "htmx", False):
        address = f"{address}?{urlencode({'next': request.get_full_path()})}"
    return _redirect(request, address)


def _redirect(request: HttpRequest, address: str) -> HttpResponse:
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    response = HttpResponseRedirect(address)
    response.status_code = 303 if request.method not in ("GET", "HEAD") else 302
    return response
