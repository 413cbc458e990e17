"""Fetching everything that an artifact names, and storing the bytes. No transaction is open here.

Each body is fetched once, hashed by us and stored as received; whatever dies in between, what is stored is whole,
and the next try goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oci import media_types
from oci.config import ImageConfig
from oci.descriptor import Descriptor
from oci.digest import Digest
from oci.errors import MalformedDocument
from oci.manifest import Index, Manifest, parse_manifest
from oci.platform import Platform
from oci.strict_json import MAX_DOCUMENT_BYTES
from registry.adapters.interface import ArtifactSource, FetchedManifest
from registry.blobs import kept_blobs
from registry.domain.selection import select
from registry.errors import LayerNotAsClaimed, PlatformMissing
from registry.models import Artifact, Layer
from registry.services.layers import ensure_layer
from registry.services.progress import Meter

# What is neither an image's layer nor a document: an SBOM in an attestation, a signature's payload.
MAX_OTHER_BLOB_BYTES = 64 * 1024**2
MAX_IMAGE_BYTES = 20 * 1024**3


@dataclass(slots=True)
class Gathered:
    """One artifact whose bytes are all stored."""

    digest: Digest
    body_size: int
    manifest: Manifest | Index
    kind: Artifact.Kind
    descriptor: Descriptor | None = None  # what its index says of it
    config: ImageConfig | None = None
    layers: list[Layer] = field(default_factory=list)
    children: list["Gathered"] = field(default_factory=list)
    upstream_digest: str = ""
    warnings: list[str] = field(default_factory=list)

    def blobs(self) -> dict[Digest, int]:
        """Config and layers of this one and its children with their sizes, each once."""
        found: dict[Digest, int] = {}
        if isinstance(self.manifest, Manifest):
            found = {one.digest: one.size for one in (self.manifest.config, *self.manifest.layers)}
        for child in self.children:
            found |= child.blobs()
        return found

    def everything(self) -> list["Gathered"]:
        """Children first, then itself."""
        return [*self.children, self]


def gather(
    source: ArtifactSource, top: FetchedManifest, *, platforms: Sequence[Platform], meter: Meter, now: datetime
) -> Gathered:
    """Store the bytes of ``top`` and of everything it names.

    Raises MalformedDocument and its kinds; PlatformMissing; LayerNotAsClaimed; and what the source raises.
    """
    meter.say("Reading manifests.")
    found = _read_tree(source, top, platforms)
    meter.total = sum(found.blobs().values())
    if meter.total > MAX_IMAGE_BYTES:
        raise MalformedDocument(f"The image is larger than {MAX_IMAGE_BYTES} bytes.", cure="Choose fewer platforms.")
    for artifact in found.everything():
        if isinstance(artifact.manifest, Manifest):
            _store_blobs(source, artifact, artifact.manifest, meter=meter, now=now)
    if isinstance(found.manifest, Manifest):
        _require_platform(found, platforms)
    return found


def _read_tree(source: ArtifactSource, top: FetchedManifest, platforms: Sequence[Platform]) -> Gathered:
    manifest = parse_manifest(top.body, top.media_type)
    kept = kept_blobs()
    kept.put_stream(top.digest, [top.body], max_bytes=len(top.body))
    if isinstance(manifest, Manifest):
        return Gathered(top.digest, len(top.body), manifest, _kind(manifest))
    selection = select(manifest, top.body, platforms)
    chosen = parse_manifest(selection.body, manifest.media_type)
    digest = kept.put(selection.body) if selection.upstream_digest else top.digest
    found = Gathered(digest, len(selection.body), chosen, Artifact.Kind.INDEX)
    found.upstream_digest = selection.upstream_digest
    found.children = [_read_child(source, child) for child in selection.children]
    return found


def _read_child(source: ArtifactSource, child: Descriptor) -> Gathered:
    if child.media_type in media_types.INDEXES:
        raise MalformedDocument(
            f"The index lists another index, {child.digest}.", cure="Import that one by its digest."
        )
    body = source.manifest(child.digest)
    if len(body) != child.size:
        raise MalformedDocument(
            f"{child.digest} has {len(body)} bytes; the index says {child.size}.", cure="Push again."
        )
    manifest = parse_manifest(body, child.media_type)
    if not isinstance(manifest, Manifest):
        raise MalformedDocument(f"{child.digest} is not an image manifest.", cure="Push the image again.")
    kept_blobs().put_stream(child.digest, [body], max_bytes=len(body))
    return Gathered(child.digest, len(body), manifest, _kind(manifest), descriptor=child)


def _kind(manifest: Manifest) -> Artifact.Kind:
    if manifest.is_image:
        return Artifact.Kind.IMAGE
    types = {layer.media_type for layer in manifest.layers}
    is_attestation_alone = types and types <= {media_types.IN_TOTO, media_types.DSSE}
    return Artifact.Kind.ATTESTATION if is_attestation_alone else Artifact.Kind.OTHER


def _store_blobs(
    source: ArtifactSource, artifact: Gathered, manifest: Manifest, *, meter: Meter, now: datetime
) -> None:
    config = manifest.config
    meter.say(f"Fetching {_name(artifact)}.")
    _keep(source, config, meter=meter)
    if artifact.kind != Artifact.Kind.IMAGE:
        for layer in manifest.layers:
            _keep(source, layer, meter=meter)
        return
    artifact.config = ImageConfig.parse(kept_blobs().read(config.digest, MAX_DOCUMENT_BYTES))
    _compare_platform(artifact)
    if len(artifact.config.diff_ids) != len(manifest.layers):
        raise LayerNotAsClaimed(
            f"rootfs.diff_ids has {len(artifact.config.diff_ids)} entries for {len(manifest.layers)} layers.",
            cure="Build and push the image again.",
        )
    pairs = zip(manifest.layers, artifact.config.diff_ids, strict=True)
    artifact.layers = [ensure_layer(source, layer, diff_id, meter=meter, now=now) for layer, diff_id in pairs]


def _keep(source: ArtifactSource, descriptor: Descriptor, *, meter: Meter) -> None:
    limit = MAX_OTHER_BLOB_BYTES
    if descriptor.size > limit:
        raise MalformedDocument(f"{descriptor.digest} is larger than {limit} bytes.", cure="It is no part of an image.")
    kept = kept_blobs()
    if kept.has(descriptor.digest):
        meter.add(descriptor.size)
        return
    chunks = source.blob(descriptor.digest, max_bytes=descriptor.size)
    kept.put_stream(descriptor.digest, meter.count(chunks), max_bytes=descriptor.size)


def _name(artifact: Gathered) -> str:
    platform = artifact.descriptor.platform if artifact.descriptor else None
    return f"{platform or artifact.kind.value} {str(artifact.digest)[:19]}…"


def _compare_platform(artifact: Gathered) -> None:
    """The runtime chooses by what the index says, so a configuration that says otherwise is worth a word."""
    config, stated = artifact.config, artifact.descriptor.platform if artifact.descriptor else None
    if config and stated and (stated.os, stated.architecture) != (config.os, config.architecture):
        artifact.warnings.append(
            f"The index offers {artifact.digest} for {stated}; its config says {config.os}/{config.architecture}"
        )


def _require_platform(found: Gathered, platforms: Sequence[Platform]) -> None:
    config = found.config
    if not platforms or config is None:
        return
    has = Platform(config.os, config.architecture, config.variant)
    missing = [str(one) for one in platforms if not has.matches(one)]
    if missing:
        raise PlatformMissing(f"The image is for {has} alone, not for {', '.join(missing)}.", cure=f"Choose {has}.")
