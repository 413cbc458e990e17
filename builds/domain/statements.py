"""A pipeline's own provenance: read, and held against the digest and the commit that were verified otherwise.

Whoever signed it is not asked: the pipeline's token says who submits it, so its words are that pipeline's claims. What
is checked is that they are about the submitted digest and name the commit that the token names.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from builds.domain.provenance import PREDICATE_TYPE
from oci.errors import DocumentTooLarge, MalformedDocument
from oci.strict_json import strict_json

STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_STATEMENT_BYTES = 1024 * 1024
MAX_BASES = 50
_HEX = re.compile(r"[0-9a-f]{64}")


class StatementRefused(Exception):
    """A statement that is none, or says something else than what was verified."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class NamedBase:
    """An image that the statement names among what went into the build."""

    reference: str
    digest: str

    def as_json(self) -> dict[str, str]:
        """As it is kept, and as provenance names it."""
        return {"reference": self.reference, "digest": self.digest, "kind": "claimed"}


def statement_in(document: Mapping[str, Any]) -> dict[str, Any]:
    """The in-toto Statement in a DSSE envelope, in a Sigstore bundle, or by itself. Raises StatementRefused."""
    inner = document.get("dsseEnvelope", document)
    if isinstance(inner, dict) and "payload" in inner:
        inner = _payload(inner)
    if not isinstance(inner, dict) or inner.get("_type") not in STATEMENT_TYPES:
        raise StatementRefused("statement_malformed", "The provenance is no in-toto Statement, nor an envelope of one.")
    if inner.get("predicateType") != PREDICATE_TYPE:
        kind = str(inner.get("predicateType"))[:100]
        raise StatementRefused("statement_type", f"The provenance is of type {kind!r}, not {PREDICATE_TYPE}.")
    if not isinstance(inner.get("predicate"), dict):
        raise StatementRefused("statement_malformed", "The provenance has no predicate.")
    return inner


def require_about(statement: Mapping[str, Any], *, digest: str, commit: str) -> list[NamedBase]:
    """The bases that it names. Raises StatementRefused unless it is about ``digest`` and names ``commit``."""
    algorithm, _, encoded = digest.partition(":")
    subjects = [one.get("digest") for one in _dicts(statement.get("subject"))]
    if not any(isinstance(one, dict) and one.get(algorithm) == encoded for one in subjects):
        raise StatementRefused("statement_subject", f"The provenance is not about {digest}.")
    definition = statement["predicate"].get("buildDefinition")
    if not isinstance(definition, dict) or not isinstance(definition.get("buildType"), str):
        raise StatementRefused("statement_malformed", "The provenance has no buildDefinition with a buildType.")
    dependencies = _dicts(definition.get("resolvedDependencies"))
    if not any(_commit(one) == commit for one in dependencies):
        raise StatementRefused(
            "statement_commit", f"The provenance does not name commit {commit} among its resolved dependencies."
        )
    return [base for one in dependencies if (base := _base(one))][:MAX_BASES]


def _payload(envelope: Mapping[str, Any]) -> dict[str, Any]:
    if envelope.get("payloadType") != PAYLOAD_TYPE or not isinstance(envelope.get("payload"), str):
        raise StatementRefused("statement_malformed", f"The envelope does not carry {PAYLOAD_TYPE}.")
    try:
        body = base64.b64decode(envelope["payload"], validate=True)
        return strict_json(body, what="provenance", max_bytes=MAX_STATEMENT_BYTES)
    except (binascii.Error, ValueError) as error:
        raise StatementRefused("statement_malformed", "The envelope's payload is not base64.") from error
    except (MalformedDocument, DocumentTooLarge) as error:
        raise StatementRefused("statement_malformed", error.detail) from error


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _commit(dependency: Mapping[str, Any]) -> str:
    digests = dependency.get("digest")
    if not isinstance(digests, dict):
        return ""
    return str(digests.get("gitCommit") or digests.get("sha1") or "")


def _base(dependency: Mapping[str, Any]) -> NamedBase | None:
    """An image, by its package URL (pkg:oci, pkg:docker) or by an OCI reference; None for anything else."""
    uri, digests = dependency.get("uri"), dependency.get("digest")
    if not isinstance(uri, str) or not isinstance(digests, dict) or len(uri) > 1000:
        return None
    encoded = digests.get("sha256")
    if not isinstance(encoded, str) or not _HEX.fullmatch(encoded):
        return None
    if not uri.startswith(("pkg:oci/", "pkg:docker/", "oci://", "docker://", "docker-image://")):
        return None
    reference = _reference(uri)
    if not reference.isprintable():
        # Shown to reviewers; and a NUL, which percent signs can hide, is no text for the database.
        raise StatementRefused("statement_malformed", "The provenance names an image with signs that cannot be shown.")
    return NamedBase(reference, f"sha256:{encoded}")


def _reference(uri: str) -> str:
    if not uri.startswith("pkg:"):
        return uri.partition("://")[2]
    path, _, query = uri.partition("?")
    at = parse_qs(query).get("repository_url")
    name = unquote(path.partition("/")[2].partition("@")[0])
    return at[0] if at and uri.startswith("pkg:oci/") else name
