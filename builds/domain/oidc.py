"""Whether a token of a pipeline's OIDC issuer is what a source trusts. Pure: keys and the time are handed in.

The rules, in this order; the first that is broken names the refusal:

1. At most 16 KiB, three base64url parts, header and claims one JSON object each, no key twice.
2. The algorithm is RS256 or ES256; whatever the header says of other keys or of other processing is refused
   (``jku``, ``jwk``, ``x5u``, ``x5c``, ``crit``, ``b64``), and ``typ`` is JWT where it is given (RFC 7515, 4.1;
   RFC 8725).
3. Issuer, audience and subject are the pinned ones, character by character; an audience that names others too is not.
4. It is not older or longer than it may be: ``exp``, ``iat`` and, where given, ``nbf``, with 60 s for clocks.
5. It has an id, and the claims that its kind of issuer always writes; it was not issued to a run for a pull request.
6. The signature is that of the issuer's own key with that ``kid``, of a type that fits the algorithm.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import jwt
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from oci.errors import DocumentTooLarge, MalformedDocument
from oci.strict_json import strict_json

ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
MAX_TOKEN_BYTES = 16 * 1024
MAX_PART_BYTES = 12 * 1024
SKEW_SECONDS = 60
MAX_LIFETIME_SECONDS = 3600
MAX_BACKDATED_SECONDS = 900  # ``nbf`` before ``iat``: GitLab writes 5 s, GitHub some minutes
MIN_RSA_BITS = 2048
MAX_TEXT = 500  # characters of kid, jti and the pinned claims
# Each would have the verifier take a key, or a way of reading, from whoever wrote the token.
_FORBIDDEN_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PART = re.compile(r"[A-Za-z0-9_-]+")


class Refusal(StrEnum):
    """Why a token is not accepted."""

    MALFORMED = "token_malformed"
    TOO_LARGE = "token_too_large"
    ALGORITHM = "token_algorithm"
    HEADER = "token_header"
    ISSUER = "token_issuer"
    AUDIENCE = "token_audience"
    SUBJECT = "token_subject"
    EXPIRED = "token_expired"
    NOT_YET = "token_not_yet_valid"
    LIFETIME = "token_lifetime"
    CLAIM_MISSING = "token_claim_missing"
    KEY_UNKNOWN = "token_key_unknown"
    KEY_UNFIT = "token_key_unfit"
    SIGNATURE = "token_signature"
    REPLAYED = "token_replayed"


class TokenRefused(Exception):
    """A token that is not accepted, and why, in a sentence for whoever runs the pipeline."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a source trusts: each exact."""

    kind: str  # github, gitlab
    issuer: str
    audience: str
    subject: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was read. Nothing in it is believed before ``require_signed``."""

    text: str
    algorithm: str
    key_id: str
    claims: Mapping[str, Any]

    @property
    def token_id(self) -> str:
        return str(self.claims.get("jti", ""))


def read_token(text: str) -> Token:
    """Read a token, and refuse what no issuer writes. Raises TokenRefused (rules 1 and 2)."""
    if len(text) > MAX_TOKEN_BYTES:
        raise TokenRefused(Refusal.TOO_LARGE, f"The token is larger than {MAX_TOKEN_BYTES} bytes.")
    parts = text.split(".")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        raise TokenRefused(Refusal.MALFORMED, "The token is no signed JWT: three base64url parts with dots.")
    header, claims = _document(parts[0], "header"), _document(parts[1], "claims")
    if forbidden := sorted(_FORBIDDEN_HEADERS & set(header)):
        raise TokenRefused(Refusal.HEADER, f"The token's header says {forbidden[0]!r}, which is not followed.")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused(Refusal.ALGORITHM, f"The token is signed by {str(algorithm)[:40]!r}, not RS256 or ES256.")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise TokenRefused(Refusal.HEADER, f"The token is of type {str(kind)[:40]!r}, not JWT.")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_TEXT:
        raise TokenRefused(Refusal.HEADER, "The token does not name its key (kid).")
    return Token(text, algorithm, key_id, claims)


def choose_pinned(token: Token, trusted: Iterable[Pinned]) -> Pinned:
    """The one of ``trusted`` that the token claims to come from. Raises TokenRefused (rule 3)."""
    issuer = _text(token, "iss", Refusal.ISSUER)
    of_issuer = [one for one in trusted if one.issuer == issuer]
    if not of_issuer:
        raise TokenRefused(Refusal.ISSUER, "The source trusts no pipeline of this token's issuer.")
    audience = token.claims.get("aud")
    if isinstance(audience, list):
        # A token for several is good for each of the others as well: it is not this source's alone.
        audience = audience[0] if len(audience) == 1 else None
    of_audience = [one for one in of_issuer if isinstance(audience, str) and one.audience == audience]
    if not of_audience:
        raise TokenRefused(Refusal.AUDIENCE, "The token is not for the audience that the source trusts, or not alone.")
    subject = _text(token, "sub", Refusal.SUBJECT)
    found = next((one for one in of_audience if one.subject == subject), None)
    if found is None:
        raise TokenRefused(Refusal.SUBJECT, "The token is of another subject than the source trusts.")
    return found


def require_current(token: Token, now: datetime) -> None:
    """Raises TokenRefused (rule 4)."""
    at = now.timestamp()
    expires, issued = _moment(token, "exp"), _moment(token, "iat")
    starts = _moment(token, "nbf") if "nbf" in token.claims else issued
    if issued > at + SKEW_SECONDS or starts > at + SKEW_SECONDS:
        raise TokenRefused(Refusal.NOT_YET, "The token is not valid yet.")
    if expires <= at - SKEW_SECONDS:
        raise TokenRefused(Refusal.EXPIRED, "The token has expired.")
    if not 0 < expires - issued <= MAX_LIFETIME_SECONDS or issued - starts > MAX_BACKDATED_SECONDS:
        raise TokenRefused(Refusal.LIFETIME, f"The token is valid for longer than {MAX_LIFETIME_SECONDS} s, or never.")


def require_claims(token: Token, kind: str) -> None:
    """Raises TokenRefused (rule 5)."""
    _text(token, "jti", Refusal.CLAIM_MISSING)
    for name in REQUIRED_CLAIMS[kind]:
        _text(token, name, Refusal.CLAIM_MISSING)
    if not _COMMIT.fullmatch(commit_of(token.claims)):
        raise TokenRefused(Refusal.CLAIM_MISSING, "The token's claim 'sha' names no commit.")
    # GitHub gives such a run the subject of the branch (pull_request_target), and its author the files.
    if kind == "github" and token.claims.get("event_name") in UNMERGED_EVENTS:
        raise TokenRefused(Refusal.SUBJECT, "The run is one for a pull request: nobody merged what it builds.")


def require_same_repository(token: Token, kind: str, before: Mapping[str, Any]) -> None:
    """Raises TokenRefused for another repository than the one whose claims are ``before``, under the same name.

    A name that its owner gave up can be taken by others. The numbers that an issuer gives are not given again.
    """
    for name in REPOSITORY_NUMBERS[kind]:
        if name in before and token.claims.get(name) != before[name]:
            detail = f"The token's {name} is not that of the repository that submitted first: the name has a new owner."
            raise TokenRefused(Refusal.SUBJECT, detail)


def require_signed(token: Token, keys: Mapping[str, Any]) -> None:
    """Raises TokenRefused (rule 6). ``keys`` is the issuer's JWKS."""
    key = _public_key(key_of(token, keys), token.algorithm)
    try:
        jwt.PyJWS().decode_complete(token.text, key=key, algorithms=[token.algorithm])
    except jwt.PyJWTError as error:
        raise TokenRefused(Refusal.SIGNATURE, "The token's signature is not that of its issuer.") from error


def key_of(token: Token, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The one key of the set that the token names. Raises TokenRefused: KEY_UNKNOWN, KEY_UNFIT."""
    named = [key for key in keys.get("keys", ()) if isinstance(key, dict) and key.get("kid") == token.key_id]
    if not named:
        raise TokenRefused(Refusal.KEY_UNKNOWN, "The token names a key that its issuer does not publish.")
    fit = [key for key in named if key.get("kty") == ALGORITHMS[token.algorithm]]
    if len(fit) != 1:
        raise TokenRefused(Refusal.KEY_UNFIT, f"The key that the token names is not one for {token.algorithm}.")
    return fit[0]


def commit_of(claims: Mapping[str, Any]) -> str:
    """The commit that the pipeline ran for; "" where none is named."""
    return str(claims.get("sha", ""))


def source_uri_of(kind: str, issuer: str, claims: Mapping[str, Any]) -> str:
    """The repository that the pipeline belongs to, as an address."""
    if kind == "github":
        return f"{_github_server(issuer)}/{claims['repository']}"
    return f"{issuer.rstrip('/')}/{claims['project_path']}"


def builder_of(kind: str, issuer: str, claims: Mapping[str, Any]) -> str:
    """SLSA's builder.id of a pipeline: the workflow file that ran, at the ref it was read from."""
    if kind == "github":
        workflow = claims.get("job_workflow_ref") or claims.get("workflow_ref")
        return f"{_github_server(issuer)}/{workflow}" if workflow else source_uri_of(kind, issuer, claims)
    configuration = str(claims.get("ci_config_ref_uri", ""))
    return f"https://{configuration}" if configuration else source_uri_of(kind, issuer, claims)


def _github_server(issuer: str) -> str:
    """GitHub's own issuer has a host of its own; an Enterprise Server's is below the server."""
    host = urlsplit(issuer).netloc
    return "https://github.com" if host == "token.actions.githubusercontent.com" else f"https://{host}"


# What GitHub and GitLab write into every token, as far as it is needed here.
REQUIRED_CLAIMS = {"github": ("repository", "ref", "sha"), "gitlab": ("project_path", "ref", "sha")}
REPOSITORY_NUMBERS = {"github": ("repository_id", "repository_owner_id"), "gitlab": ("project_id",)}
UNMERGED_EVENTS = frozenset({"pull_request", "pull_request_target"})


def _document(part: str, what: str) -> dict[str, Any]:
    try:
        body = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        return strict_json(body, what=f"token's {what}", max_bytes=MAX_PART_BYTES)
    except (binascii.Error, ValueError) as error:
        raise TokenRefused(Refusal.MALFORMED, f"The token's {what} is not base64url.") from error
    except (MalformedDocument, DocumentTooLarge) as error:
        raise TokenRefused(Refusal.MALFORMED, error.detail) from error


def _text(token: Token, name: str, refusal: Refusal) -> str:
    value = token.claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise TokenRefused(refusal, f"The token has no claim {name!r} that is a text.")
    return value


def _moment(token: Token, name: str) -> int:
    value = token.claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**40:
        raise TokenRefused(Refusal.CLAIM_MISSING, f"The token has no claim {name!r} that is a time.")
    return value


def _public_key(key: Mapping[str, Any], algorithm: str) -> Any:
    unfit = TokenRefused(Refusal.KEY_UNFIT, f"The key that the token names is not one for {algorithm}.")
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm or "d" in key:
        raise unfit
    try:
        found: Any = (RSAAlgorithm if algorithm == "RS256" else ECAlgorithm).from_jwk(dict(key))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise unfit from error
    if algorithm == "RS256" and found.key_size < MIN_RSA_BITS:
        raise unfit
    if algorithm == "ES256" and found.curve.name != "secp256r1":
        raise unfit
    return found
