"""Holds the API to the table of ``portal/access.py``: who the caller is, and whether the row lets them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import selectors
from accounts.models import Person, ServiceToken
from accounts.roles import Role
from portal.access import ROUTES, Access, Caller, access_to, allowed_methods, is_allowed

if TYPE_CHECKING:
    # rest_framework.views reads the setting that names this module while it is imported itself.
    from rest_framework.views import APIView


def caller_of(user: Any, auth: Any = None) -> Caller:
    """Who ``request.user`` and ``request.auth`` are to the table. One query for a person, none for others."""
    if getattr(auth, "is_gate_credential", False):
        return Caller(is_gate=True)
    if not isinstance(user, Person) or not user.is_active:
        return Caller()
    grants = selectors.grants_in_force(user, timezone.now())
    return Caller(
        is_person=True,
        scopes=frozenset(auth.scopes) if isinstance(auth, ServiceToken) else None,
        must_change_password=user.must_change_password and not isinstance(auth, ServiceToken),
        roles=frozenset(Role(grant.role) for grant in grants if grant.team_id is None),
        roles_in_teams=frozenset(Role(grant.role) for grant in grants),
    )


class TablePermission(BasePermission):
    """Holds the API to the table. Runs after authentication and before the body is read."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or raises NotAuthenticated (401), MethodNotAllowed (405) or PermissionDenied (403) with the reason."""
        match = request.resolver_match
        name = match.view_name if match else ""
        if name not in ROUTES:
            raise exceptions.PermissionDenied("This address has no row in the table of access.")
        caller = caller_of(request.user, request.auth)
        access = access_to(name, request.method or "")
        if access is not None and access.is_public:
            return True
        if not caller.is_person and not caller.is_gate:
            raise exceptions.NotAuthenticated
        if access is None:
            view.headers["Allow"] = ", ".join(allowed_methods(name))
            raise exceptions.MethodNotAllowed(request.method or "")
        if caller.must_change_password:
            raise exceptions.PermissionDenied("Change your one-time password first.", code="password_change_needed")
        if not is_allowed(access, caller):
            raise exceptions.PermissionDenied(_api_reason(access, caller))
        return True

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return True


def _api_reason(access: Access, caller: Caller) -> str:
    if caller.is_gate:
        return "A gate's token is good for a gate's own calls alone."
    if caller.scopes is not None and access.scope not in caller.scopes:
        return f"The token lacks the scope {access.scope}." if access.scope else "No token may do this; sign in."
    return needed(access)


def needed(access: Access) -> str:
    if access.is_gate:
        return "Only a gate may do this."
    roles = ", ".join(sorted(access.roles))
    return f"This needs one of the roles {roles}." if len(access.roles) > 1 else f"This needs the role {roles}."
