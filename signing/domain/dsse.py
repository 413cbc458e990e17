"""DSSE envelopes around in-toto Statements (dsse v1.0; in-toto attestation v1 Statement).

What is signed is the pre-authentication encoding of type and payload, so that the same bytes cannot be
passed off as another type.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from core.canonical import canonical_json
from signing.errors import SignatureInvalid

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
ENVELOPE_MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
PREDICATE_TYPE_ANNOTATION = "predicateType"
MAX_ENVELOPE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope with the one signature that we accept."""

    payload: bytes
    signature: bytes
    key_id: str


def statement_for(*, digest: str, repository_name: str, predicate_type: str, predicate: dict[str, Any]) -> bytes:
    """The Statement's bytes: this predicate is about this digest."""
    algorithm, _, encoded = digest.partition(":")
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": repository_name, "digest": {algorithm: encoded}}],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def pre_authentication_encoding(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """What is signed: ``DSSEv1 SP len(type) SP type SP len(payload) SP payload`` (dsse, protocol.md)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope_of(payload: bytes, *, signature: bytes, key_id: str) -> bytes:
    """The envelope's JSON as it is sent."""
    return canonical_json(
        {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
        }
    )


def parse_envelope(body: bytes) -> Envelope:
    """Raises SignatureInvalid for anything but one signature over one in-toto payload."""
    if len(body) > MAX_ENVELOPE_BYTES:
        raise SignatureInvalid(f"The envelope is larger than {MAX_ENVELOPE_BYTES} bytes.")
    try:
        document = json.loads(body)
        if document["payloadType"] != PAYLOAD_TYPE:
            raise SignatureInvalid(f"The envelope carries {document['payloadType']!r}, not {PAYLOAD_TYPE!r}.")
        (signature,) = document["signatures"]
        return Envelope(
            payload=base64.b64decode(document["payload"], validate=True),
            signature=base64.b64decode(signature["sig"], validate=True),
            key_id=str(signature.get("keyid", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
        raise SignatureInvalid("The envelope is not a DSSE envelope with one signature.") from error


def require_statement_names(payload: bytes, *, digest: str, predicate_type: str) -> dict[str, Any]:
    """The predicate. Raises SignatureInvalid unless the Statement is about exactly this digest and type."""
    try:
        statement = json.loads(payload)
        subjects = [subject["digest"] for subject in statement["subject"]]
        kind, named_type, predicate = statement["_type"], statement["predicateType"], statement["predicate"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SignatureInvalid("The attestation's payload is not an in-toto Statement.") from error
    if kind != STATEMENT_TYPE or not isinstance(predicate, dict):
        raise SignatureInvalid(f"The attestation's payload is of type {kind!r}, not {STATEMENT_TYPE!r}.")
    algorithm, _, encoded = digest.partition(":")
    if subjects != [{algorithm: encoded}]:
        raise SignatureInvalid(f"The attestation is not about {digest}.")
    if named_type != predicate_type:
        raise SignatureInvalid(f"The attestation is of type {named_type!r}, not {predicate_type!r}.")
    return predicate
