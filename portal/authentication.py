"""Who is asking the API: a person's session, or a service token. And from which address."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import selectors, services
from accounts.models import Person, ServiceToken

REALM = "goldgate"
LONGEST_TOKEN = 200  # characters; ours have 47


class PersonSessionAuthentication(SessionAuthentication):
    """The browser's session. Unsafe methods need the CSRF token."""


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer ggt_…`` (RFC 6750, 2.1).

    A bearer token that is not live is a 401 and never falls back to the session that may have come with it. Unknown,
    expired, ended and a closed owner read the same.
    """

    def authenticate(self, request: Request) -> tuple[Person, ServiceToken] | None:
        secret = bearer_secret(request)
        if secret is None:
            return None
        now = timezone.now()
        token = selectors.live_token(secret, now)
        # Whoever left the directory, or a group of it, is noticed here too: a program never signs in again.
        if token is None or services.keep_current(person=token.owner, now=now) is None:
            raise AuthenticationFailed("The token is not valid.", code="invalid_token")
        services.note_token_use(token=token, now=now)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return f'Bearer realm="{REALM}"'


def bearer_secret(request: HttpRequest | Request) -> str | None:
    """What stands after ``Authorization: Bearer``; None for another scheme or no header at all."""
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    return secret.strip()[:LONGEST_TOKEN]


def client_address(request: HttpRequest) -> str:
    """The address that sign-ins are counted by.

    Only behind a proxy that was named (``GOLDGATE_BEHIND_PROXY=1``) does X-Forwarded-For count, and of it only the
    last entry: that one the proxy wrote, the others are the caller's own claim.
    """
    if settings.GOLDGATE_BEHIND_PROXY:
        header: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
        forwarded = header.rsplit(",", 1)[-1].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR", ""))


def folded_name(request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """The name that failed sign-ins are counted by: ``Admin`` and ``admin`` are one."""
    return selectors.folded((credentials or {}).get("username") or "")


def keep_response(request: HttpRequest, original: HttpResponse | None, credentials: Any) -> HttpResponse:
    """What axes answers a locked-out sign-in with: the view's own page, which says it in our words."""
    return original if original is not None else HttpResponse(status=429)
