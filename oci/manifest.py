"""Manifests and indexes, read so that nobody can read them differently.

The rules (each refusal names the key):

- at most 4 MiB, one JSON object, no duplicate or case-variant keys (``oci/strict_json.py``);
- ``schemaVersion`` is 2; Docker's schema 1 is refused;
- the media type is told from outside (Content-Type, or the descriptor that led here); where the document
  names one too, they are equal. umoci writes none, which is allowed by the specification;
- a manifest has ``config`` and ``layers`` and no ``manifests``; an index the reverse (CVE-2021-41190);
- a layer's bytes are in the registry, never at a URL of the manifest's choosing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oci import media_types
from oci.descriptor import Descriptor, text_of, texts_of
from oci.errors import ForeignLayer, MalformedDocument, UnsupportedMediaType
from oci.strict_json import require_exact_case, strict_json

_KEYS = (
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
    "history",
    "signatures",
)
_SCHEMA_1_KEYS = ("fsLayers", "history", "signatures")
MAX_LAYERS = 1000
MAX_CHILDREN = 1000
# Who a child of an index speaks about; BuildKit writes it on attestation manifests.
ATTESTED_DIGEST = "vnd.docker.reference.digest"
ATTESTATION_TYPE = "vnd.docker.reference.type"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image or other artifact (OCI image-spec v1.1.1, manifest.md; Docker schema 2)."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_image(self) -> bool:
        """Whether a runtime could run it: an image configuration, and every layer a file system."""
        has_layers = all(layer.media_type in media_types.LAYERS for layer in self.layers)
        return self.config.media_type in media_types.IMAGE_CONFIGS and has_layers


@dataclass(frozen=True, slots=True)
class Index:
    """Several manifests under one digest (OCI image-index.md; Docker manifest list)."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def runnable(self) -> tuple[Descriptor, ...]:
        """The children that a runtime may choose."""
        return tuple(child for child in self.manifests if not is_attestation(child))


def is_attestation(child: Descriptor) -> bool:
    """Whether a child of an index is known and never run: its platform is ``unknown/unknown``.

    The annotation ``vnd.docker.reference.digest`` alone does not make it one: a runtime chooses by platform,
    so a child that claims to be an attestation *and* a platform would be run, and counts as runnable.
    """
    return child.platform is not None and child.platform.is_unknown


def parse_manifest(body: bytes, content_type: str) -> Manifest | Index:
    """Read ``body``, which came as ``content_type`` (parameters are ignored).

    Raises MalformedDocument and its kinds: DocumentTooLarge, UnsupportedMediaType, ForeignLayer.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    found = strict_json(body, what="manifest")
    require_exact_case(found, _KEYS, where="The manifest")
    _require_schema_2(found, media_type)
    stated = text_of(found, "mediaType", where="manifest", default="")
    if stated and stated != media_type:
        raise MalformedDocument(
            f"manifest.mediaType is {stated[:120]!r}, but it came as {media_type[:120]!r}.",
            cure="Push the image again; two programs would read this one differently.",
        )
    if media_type in media_types.INDEXES:
        return _index(found, media_type)
    if media_type in media_types.MANIFESTS:
        return _manifest(found, media_type)
    raise UnsupportedMediaType(
        f"A manifest of type {media_type[:120]!r} cannot be read.",
        cure="Push it as an OCI image manifest or index, or as Docker schema 2.",
    )


def _require_schema_2(found: dict[str, Any], media_type: str) -> None:
    version = found.get("schemaVersion")
    old_key = next((key for key in _SCHEMA_1_KEYS if key in found), None)
    if media_type in media_types.SCHEMA_1 or version == 1 or old_key:
        named = f"the key {old_key!r}" if old_key else "schemaVersion 1"
        raise UnsupportedMediaType(
            f"This is a Docker schema 1 manifest ({named}).", cure="Push the image again with a current tool."
        )
    if version != 2 or isinstance(version, bool | float):
        raise MalformedDocument("manifest.schemaVersion must be 2.", cure="Push the image again with a current tool.")


def _refuse_keys(found: dict[str, Any], *keys: str, what: str) -> None:
    for key in keys:
        if key in found:
            raise MalformedDocument(
                f"The {what} has the key {key!r}, which belongs to another kind of document.",
                cure="Push the image again; two programs would read this one differently.",
            )


def _descriptors(found: dict[str, Any], key: str, *, most: int) -> tuple[Descriptor, ...]:
    value = found.get(key)
    if not isinstance(value, list):
        raise MalformedDocument(f"manifest.{key} must be a list.", cure="Push the image again with a current tool.")
    if len(value) > most:
        raise MalformedDocument(f"manifest.{key} has more than {most} entries.", cure="Make the image smaller.")
    return tuple(Descriptor.from_json(one, where=f"manifest.{key}[{index}]") for index, one in enumerate(value))


def _subject(found: dict[str, Any]) -> Descriptor | None:
    value = found.get("subject")
    return None if value is None else Descriptor.from_json(value, where="manifest.subject")


def _manifest(found: dict[str, Any], media_type: str) -> Manifest:
    _refuse_keys(found, "manifests", what="image manifest")
    layers = _descriptors(found, "layers", most=MAX_LAYERS)
    for index, layer in enumerate(layers):
        if layer.urls or layer.media_type in media_types.FOREIGN_LAYERS:
            raise ForeignLayer(
                f"manifest.layers[{index}] is to be fetched from elsewhere.",
                cure="Push the image with its foreign layers included (--allow-nondistributable-artifacts).",
            )
    return Manifest(
        media_type=media_type,
        config=Descriptor.from_json(found.get("config"), where="manifest.config"),
        layers=layers,
        artifact_type=text_of(found, "artifactType", where="manifest", default=""),
        subject=_subject(found),
        annotations=texts_of(found, "annotations", where="manifest"),
    )


def _index(found: dict[str, Any], media_type: str) -> Index:
    _refuse_keys(found, "layers", "config", what="index")
    return Index(
        media_type=media_type,
        manifests=_descriptors(found, "manifests", most=MAX_CHILDREN),
        artifact_type=text_of(found, "artifactType", where="manifest", default=""),
        subject=_subject(found),
        annotations=texts_of(found, "annotations", where="manifest"),
    )
