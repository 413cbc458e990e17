"""Reads an SBOM attestation: a DSSE envelope around an in-toto Statement, as ``cosign attest`` makes it.

Two forms come in: the envelope itself, and the bundle of cosign 3 that holds one (``dsseEnvelope``; sigstore
protobuf-specs, bundle v0.3). Of a bundle only the envelope is read: who signed is decided by the keys that somebody
named here, not by the hints in it. Statements are v0.1 and v1 of in-toto, which differ in ``_type`` alone here.
"""

import json
from dataclasses import dataclass

import msgspec

from signing.domain import dsse
from signing.domain.dsse import Envelope
from signing.errors import SignatureInvalid

MAX_BYTES = dsse.MAX_ENVELOPE_BYTES
STATEMENT_TYPES = ("https://in-toto.io/Statement/v0.1", dsse.STATEMENT_TYPE)
CYCLONEDX_TYPE = "https://cyclonedx.org/bom"
SPDX_TYPE = "https://spdx.dev/Document"
PREDICATE_TYPES = frozenset({CYCLONEDX_TYPE, SPDX_TYPE})


class AttestationRefused(ValueError):
    """Why an attestation does not count: a stable code, the member that is wrong, and words."""

    def __init__(self, code: str, detail: str, where: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.where = where  # a JSON path in the document at fault, "" = the whole


class _Subject(msgspec.Struct):
    digest: dict[str, str]


class _Statement(msgspec.Struct):
    kind: str = msgspec.field(name="_type")
    subject: list[_Subject]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Statement:
    """What an attestation says about our image, not read further."""

    predicate_type: str
    predicate: bytes  # JSON


def read_envelope(body: bytes) -> Envelope:
    """The envelope with its one signature; nothing in it is verified. Raises AttestationRefused."""
    if len(body) > MAX_BYTES:
        raise AttestationRefused("too_large", f"The attestation is larger than {MAX_BYTES} bytes.")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AttestationRefused("envelope_malformed", "The attestation is not JSON.") from error
    if isinstance(document, dict) and isinstance(document.get("dsseEnvelope"), dict):
        document = document["dsseEnvelope"]
        body = json.dumps(document).encode()
    kind = document.get("payloadType") if isinstance(document, dict) else None
    if isinstance(kind, str) and kind != dsse.PAYLOAD_TYPE:
        raise AttestationRefused(
            "payload_type", f"The envelope carries {kind[:100]!r}, not {dsse.PAYLOAD_TYPE!r}.", "payloadType"
        )
    try:
        return dsse.parse_envelope(body)
    except SignatureInvalid as error:
        raise AttestationRefused("envelope_malformed", error.detail) from error


def require_about(payload: bytes, *, digest: str) -> Statement:
    """The statement about the image ``digest``, and no other. Raises AttestationRefused.

    Exactly one subject: an inventory of several images at once is the inventory of none of them.
    """
    try:
        statement = msgspec.json.decode(payload, type=_Statement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AttestationRefused("statement_malformed", f"The payload is no in-toto Statement: {error}.") from error
    if statement.kind not in STATEMENT_TYPES:
        raise AttestationRefused(
            "statement_malformed", f"The payload is of type {statement.kind[:100]!r}, no Statement.", "_type"
        )
    algorithm, _, encoded = digest.partition(":")
    if len(statement.subject) != 1 or statement.subject[0].digest.get(algorithm) != encoded:
        raise AttestationRefused("other_subject", f"The attestation is not about {digest} alone.", "subject")
    if statement.predicate_type not in PREDICATE_TYPES:
        raise AttestationRefused(
            "predicate_type",
            f"The attestation is of type {statement.predicate_type[:100]!r}, neither CycloneDX nor SPDX.",
            "predicateType",
        )
    return Statement(statement.predicate_type, bytes(statement.predicate))
