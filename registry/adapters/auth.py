"""Signing in to a registry: Basic, and the token flow (distribution-spec v1.1.1; distribution's token specification).

The registry says where its token service is (``realm``). A password goes there only when that host is the
registry's own or one that somebody listed; without a password any public https host may be asked for a token.
"""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from registry.adapters.settings import ConnectionSettings, authority_of
from registry.adapters.transport import Transport
from registry.errors import AddressRefused, RegistryMisbehaved, RegistryRefused

MAX_TOKEN_CHARS = 64 * 1024
MAX_CHALLENGE_CHARS = 8192
_TOKEN = re.compile(r"\A[\x21-\x7e]+\Z")
_SCHEME = re.compile(r"\A\s*([A-Za-z]+)(?:\s+|\Z)")
_PARAMETER = re.compile(r'\A\s*([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|\Z)')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One offer of a ``WWW-Authenticate`` header (RFC 9110, 11.6.1)."""

    scheme: str  # lower case
    parameters: dict[str, str] = field(default_factory=dict)


def challenges(header: str) -> list[Challenge]:
    """Every offer in ``header``, in order; what cannot be read ends it."""
    found: list[Challenge] = []
    rest = header[:MAX_CHALLENGE_CHARS]
    while rest.strip():
        parameter = _PARAMETER.match(rest)
        if parameter and found:
            value = parameter[2] if parameter[2] is not None else parameter[3]
            found[-1].parameters.setdefault(parameter[1].lower(), re.sub(r"\\(.)", r"\1", value))
            rest = rest[parameter.end() :]
            continue
        scheme = _SCHEME.match(rest)
        if not scheme:
            break
        found.append(Challenge(scheme[1].lower()))
        rest = rest[scheme.end() :]
    return found


class Authenticator:
    """Finds the Authorization header for a registry's requests, and keeps tokens while this client lives."""

    def __init__(self, settings: ConnectionSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._tokens: dict[frozenset[str], str] = {}
        self._is_basic = False

    def header(self, scopes: Iterable[str]) -> str:
        """What is known to work for ``scopes``; "" where nothing is."""
        if self._is_basic:
            return self._basic()
        token = self._tokens.get(frozenset(scopes))
        return f"Bearer {token}" if token else ""

    def answer(self, www_authenticate: str, scopes: Iterable[str]) -> str:
        """The header that answers a 401.

        Raises RegistryRefused when there is no way to sign in; AddressRefused for a token service that must not
        have our password; RegistryMisbehaved.
        """
        offers = {one.scheme: one for one in reversed(challenges(www_authenticate))}
        if "bearer" in offers:
            token = self._fetch_token(offers["bearer"], sorted(scopes))
            self._tokens[frozenset(scopes)] = token
            return f"Bearer {token}"
        if "basic" in offers and self._settings.username:
            self._is_basic = True
            return self._basic()
        if "basic" in offers:
            raise RegistryRefused(f"{self._settings.host} asks for a name and password.", cure="Enter them for it.")
        raise RegistryRefused(
            f"{self._settings.host} offers no way to sign in that we know ({www_authenticate[:100]!r}).",
            cure="Use a registry with Basic or token authentication.",
        )

    def _basic(self) -> str:
        pair = f"{self._settings.username}:{self._settings.secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _fetch_token(self, offer: Challenge, scopes: list[str]) -> str:
        realm = self._realm(offer)
        query = [("service", offer.parameters["service"])] if offer.parameters.get("service") else []
        query += [("scope", scope) for scope in scopes]
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
        headers = {"Authorization": self._basic()} if self._settings.username else {}
        answer = self._transport.send("GET", url, headers=headers, credentials_for=authority_of(urlsplit(realm)))
        body = self._transport.read(answer)
        if answer.status_code in (400, 401, 403):
            raise RegistryRefused(
                f"The token service {_host(realm)} refuses to sign {self._settings.username or 'nobody'} in"
                f" ({answer.status_code}).",
                cure="Check user name and password, and that the account may read this repository.",
            )
        try:
            found = json.loads(body)
            token = found.get("token") or found.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if answer.status_code != 200 or not isinstance(token, str) or not _is_token(token):
            raise RegistryMisbehaved(f"The token service {_host(realm)} gave no token ({answer.status_code}).")
        return token

    def _realm(self, offer: Challenge) -> str:
        if not offer.parameters.get("realm"):
            raise RegistryMisbehaved(f"{self._settings.host} does not say where its token service is.")
        realm = self._transport.checked(offer.parameters["realm"], base=self._settings.base_url)
        if self._settings.username and not self._settings.is_listed(authority_of(urlsplit(realm))):
            raise AddressRefused(
                f"{self._settings.host} wants our password to be sent to {_host(realm)}.",
                cure=f"If that is its token service, list {_host(realm)} for this registry.",
            )
        return realm


def _is_token(text: str) -> bool:
    return len(text) <= MAX_TOKEN_CHARS and _TOKEN.match(text) is not None


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
