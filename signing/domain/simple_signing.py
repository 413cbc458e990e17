"""The payload that a cosign ``.sig`` signs: which digest, under which repository.

containers/image, docs/containers-signature.5.md ("simple signing"). cosign itself checks only the digest;
we hold the repository to it as well, so that a signature cannot be carried to another repository.
"""

import json
from typing import Any

from core.canonical import canonical_json
from signing.errors import SignatureInvalid

MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
TYPE = "cosign container image signature"
MAX_PAYLOAD_BYTES = 64 * 1024


def payload_for(*, digest: str, repository_name: str) -> bytes:
    """The bytes to sign. The same input gives the same bytes."""
    return canonical_json(
        {
            "critical": {
                "identity": {"docker-reference": repository_name},
                "image": {"docker-manifest-digest": digest},
                "type": TYPE,
            },
            "optional": None,
        }
    )


def require_payload_names(payload: bytes, *, digest: str, repository_name: str) -> None:
    """Raises SignatureInvalid unless the payload names exactly this digest and this repository."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise SignatureInvalid(f"The signature's payload is larger than {MAX_PAYLOAD_BYTES} bytes.")
    critical = _critical(payload)
    if critical.get("type") != TYPE:
        raise SignatureInvalid(f"The payload is of type {critical.get('type')!r}, not {TYPE!r}.")
    named_digest = _member(critical, "image", "docker-manifest-digest")
    if named_digest != digest:
        raise SignatureInvalid(f"The signature is over {named_digest}, not over {digest}.")
    named_repository = _member(critical, "identity", "docker-reference")
    if named_repository != repository_name:
        raise SignatureInvalid(f"The signature is for {named_repository}, not for {repository_name}.")


def _critical(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise SignatureInvalid("The signature's payload is not JSON.") from error
    critical = document.get("critical") if isinstance(document, dict) else None
    if not isinstance(critical, dict):
        raise SignatureInvalid("The signature's payload has no part called critical.")
    return critical


def _member(critical: dict[str, Any], outer: str, inner: str) -> object:
    part = critical.get(outer)
    return part.get(inner) if isinstance(part, dict) else None
