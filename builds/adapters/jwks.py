"""The public keys of an OIDC issuer, fetched from its own host and nowhere else."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from builds.errors import IssuerUnavailable
from core.errors import GoldgateError
from oci.strict_json import strict_json
from registry.adapters.settings import ConnectionSettings, authority_of
from registry.adapters.transport import Transport

MAX_KEY_SET_BYTES = 256 * 1024
MAX_KEYS = 100
SECONDS = 5.0  # to connect, and between two pieces of the answer
TOTAL_SECONDS = 10.0
# The public half of an RSA or EC key. A symmetric key in a public set would be everybody's.
_MEMBERS = frozenset({"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"})


def fetch_key_set(url: str, *, ca_pem: str = "", is_private_allowed: bool = False) -> dict[str, Any]:
    """The key set at ``url``, public members of RSA and EC keys alone. Raises IssuerUnavailable."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    settings = ConnectionSettings(
        host=parts.netloc,
        base_url=base,
        allow_private=is_private_allowed,
        ca_pem=ca_pem,
        connect_seconds=SECONDS,
        idle_seconds=SECONDS,
        total_seconds=TOTAL_SECONDS,
        max_tries=1,
    )
    transport = Transport(settings)
    try:
        answer = transport.send("GET", url, headers={"Accept": "application/json"})
        came_from = urlsplit(answer.url)
        if authority_of(came_from) != authority_of(parts) or came_from.scheme != parts.scheme:
            answer.close()
            raise IssuerUnavailable(f"The issuer's keys at {base} are said to be at another host.")
        if answer.status_code != 200:
            answer.close()
            raise IssuerUnavailable(f"The issuer's keys at {base} answer {answer.status_code}.")
        document = strict_json(transport.read(answer, max_bytes=MAX_KEY_SET_BYTES), what="key set")
    except IssuerUnavailable:
        raise
    except GoldgateError as error:
        raise IssuerUnavailable(f"The issuer's keys cannot be had: {error.detail}"[:500]) from error
    return {"keys": _public(document)}


def _public(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = document.get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise IssuerUnavailable(f"What the issuer publishes is no set of at most {MAX_KEYS} keys.")
    return [
        {name: value for name, value in key.items() if name in _MEMBERS and isinstance(value, str)}
        for key in keys
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC") and isinstance(key.get("kid"), str)
    ]
