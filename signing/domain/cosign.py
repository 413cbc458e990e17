"""The two manifests that cosign looks for beside a digest: ``sha256-<hex>.sig`` and ``sha256-<hex>.att``.

The form of cosign 2, which cosign 3 still verifies. The same layers give the same bytes, so sending twice
is sending once.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.canonical import canonical_json
from signing.domain import dsse, simple_signing

MANIFEST_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_MEDIA_TYPE = "application/vnd.oci.image.config.v1+json"
NEVER = "0001-01-01T00:00:00Z"  # cosign's own placeholder: a real time would make other bytes each time


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes and what a descriptor says of them."""

    body: bytes
    media_type: str
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.body).hexdigest()

    def descriptor(self) -> dict[str, object]:
        found: dict[str, object] = {"mediaType": self.media_type, "size": len(self.body), "digest": self.digest}
        if self.annotations:
            found["annotations"] = dict(self.annotations)
        return found


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is pushed under one tag: blobs first, then the manifest."""

    tag: str
    blobs: tuple[Blob, ...]
    manifest: bytes

    @property
    def manifest_digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.manifest).hexdigest()


def signature_tag(digest: str) -> str:
    return digest.replace(":", "-") + ".sig"


def attestation_tag(digest: str) -> str:
    return digest.replace(":", "-") + ".att"


def signature_layer(*, payload: bytes, signature: bytes) -> Blob:
    encoded = base64.b64encode(signature).decode()
    return Blob(payload, simple_signing.MEDIA_TYPE, {simple_signing.SIGNATURE_ANNOTATION: encoded})


def attestation_layer(*, envelope: bytes, predicate_type: str) -> Blob:
    # cosign asks for the signature annotation on every layer; in an envelope it is empty.
    annotations = {simple_signing.SIGNATURE_ANNOTATION: "", dsse.PREDICATE_TYPE_ANNOTATION: predicate_type}
    return Blob(envelope, dsse.ENVELOPE_MEDIA_TYPE, annotations)


def bundle(tag: str, layers: Sequence[Blob], *, kept: Sequence[dict[str, object]] = ()) -> Bundle:
    """The manifest under ``tag`` with ``kept`` (descriptors of other signers, already there) and our ``layers``."""
    descriptors = [*kept, *(layer.descriptor() for layer in layers)]
    config = Blob(
        canonical_json(
            {
                "architecture": "",
                "config": {},
                "created": NEVER,
                "history": [{"created": NEVER} for _ in descriptors],
                "os": "",
                "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in descriptors]},
            }
        ),
        CONFIG_MEDIA_TYPE,
    )
    manifest = canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_MEDIA_TYPE,
            "config": config.descriptor(),
            "layers": descriptors,
        }
    )
    return Bundle(tag=tag, blobs=(*layers, config), manifest=manifest)


def other_layers(manifest: bytes, *, ours: Sequence[Blob]) -> list[dict[str, object]]:
    """The layers of a manifest found under the tag that are not among ``ours``; none when it cannot be read.

    Another signer's signature on the same digest is not ours to lose.
    """
    own = {(layer.digest, json.dumps(layer.annotations, sort_keys=True)) for layer in ours}
    try:
        layers = json.loads(manifest).get("layers", [])
    except (ValueError, AttributeError, RecursionError):
        return []
    return [
        layer
        for layer in layers
        if isinstance(layer, dict)
        and isinstance(layer.get("digest"), str)
        and (layer["digest"], json.dumps(layer.get("annotations", {}), sort_keys=True)) not in own
    ]
