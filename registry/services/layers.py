"""Layers: fetched once, checked once, kept while there is room."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from oci.descriptor import Descriptor
from oci.digest import Digest
from registry.adapters.interface import ArtifactSource, RepositorySource
from registry.adapters.sides import side_for
from registry.blobs import kept_blobs, layer_cache
from registry.domain.unpacking import unpack
from registry.errors import BlobMissing, BodyTooLarge, LayerNotAsClaimed, NotInRegistry
from registry.models import ArtifactLayer, Layer, Registry, RepositoryArtifact
from registry.services.progress import Meter

MAX_LAYER_BYTES = 10 * 1024**3
DEFAULT_CACHE_BYTES = 20 * 1024**3
# A layer used this recently may be in use by a job that is running now.
IN_USE = timedelta(hours=1)
HALF_WRITTEN_STAY = timedelta(days=1)


def ensure_layer(
    source: ArtifactSource, descriptor: Descriptor, claimed: Digest, *, meter: Meter, now: datetime
) -> Layer:
    """The layer, its bytes in the cache and its ``diff_id`` computed by us and equal to ``claimed``.

    What is here already is neither fetched nor unpacked again. Raises LayerNotAsClaimed, and what the source raises.
    """
    known = Layer.objects.filter(digest=str(descriptor.digest)).first()
    if known and known.diff_id != str(claimed):
        raise _not_as_claimed(descriptor.digest, known.diff_id, claimed)
    fetch_layer(source, descriptor.digest, descriptor.size, meter=meter)
    if known:
        Layer.objects.filter(pk=known.pk).update(last_used_at=now)
        return known
    with layer_cache().open(descriptor.digest) as file:
        found = unpack(file, packed_bytes=descriptor.size, digest=descriptor.digest, algorithm=claimed.algorithm)
    if found.diff_id != claimed:
        layer_cache().discard(descriptor.digest)
        raise _not_as_claimed(descriptor.digest, str(found.diff_id), claimed)
    # Two imports may end here at once: what both found of the same bytes is the same.
    layer, _ = Layer.objects.get_or_create(
        digest=str(descriptor.digest),
        defaults={
            "diff_id": str(found.diff_id),
            "media_type": descriptor.media_type,
            "size_bytes": descriptor.size,
            "unpacked_bytes": found.size_bytes,
            "last_used_at": now,
            "created_at": now,
        },
    )
    return layer


def fetch_layer(source: ArtifactSource, digest: Digest, size: int, *, meter: Meter) -> None:
    """Bring a layer's bytes into the cache if they are not there.

    Raises BodyTooLarge when more come than its descriptor says; LayerNotAsClaimed when fewer do.
    """
    if size > MAX_LAYER_BYTES:
        raise BodyTooLarge(f"The layer {digest} is larger than {MAX_LAYER_BYTES} bytes.", cure="Split it.")
    cache = layer_cache()
    if cache.has(digest):
        meter.add(size)
        return
    stored = cache.put_stream(digest, meter.count(source.blob(digest, max_bytes=size)), max_bytes=size)
    if stored != size:
        cache.discard(digest)
        raise LayerNotAsClaimed(
            f"The layer {digest} has {stored} bytes; its descriptor says {size}.", cure="Push it again."
        )


def ensure_cached(layer: Layer, *, meter: Meter) -> None:
    """Bring a known layer back into the cache, from any registry that we saw it in. Raises BlobMissing."""
    digest = Digest.parse(layer.digest)
    Layer.objects.filter(pk=layer.pk).update(last_used_at=timezone.now())
    if layer_cache().has(digest):
        meter.add(layer.size_bytes)
        return
    holders = RepositoryArtifact.objects.filter(artifact__layer_links__layer=layer).select_related(
        "repository__registry"
    )
    for link in holders.order_by("first_seen_at", "pk")[:10]:
        source = RepositorySource(side_for(link.repository.registry), link.repository.path)
        try:
            fetch_layer(source, digest, layer.size_bytes, meter=meter)
        except NotInRegistry:
            continue
        return
    raise BlobMissing(
        f"The layer {layer.digest} was dropped from the cache and no registry has it any more.",
        cure="Import the image again.",
    )


def prune_layers(*, limit_bytes: int = DEFAULT_CACHE_BYTES, now: datetime) -> int:
    """Drop the least recently used layers until the cache is within ``limit_bytes``; the bytes freed.

    Only what can be fetched again is dropped: a layer that came in an archive alone stays. Manifests,
    configurations, inventories and reports are in another store and are never touched.
    """
    cache = layer_cache()
    rows = [(row, cache.size(row.digest)) for row in _by_age() if cache.has(row.digest)]
    held = sum(size for _, size in rows)
    freed = 0
    for layer, _size in rows:
        if held - freed <= limit_bytes:
            break
        if layer.can_be_fetched and layer.last_used_at < now - IN_USE:  # type: ignore[attr-defined]
            freed += cache.discard(layer.digest)
    return freed


def prune_half_written(*, now: datetime) -> int:
    """Remove what killed workers had begun to write, in both stores; how many files. Nobody writes a blob for a day."""
    return sum(store.drop_half_written(before=now - HALF_WRITTEN_STAY) for store in (kept_blobs(), layer_cache()))


def _by_age() -> list[Layer]:
    remote = ArtifactLayer.objects.filter(
        layer=OuterRef("pk"), artifact__repository_links__repository__registry__kind=Registry.Kind.REMOTE
    )
    return list(Layer.objects.annotate(can_be_fetched=Exists(remote)).order_by("last_used_at", "pk"))


def _not_as_claimed(digest: Digest, found: str, claimed: Digest) -> LayerNotAsClaimed:
    return LayerNotAsClaimed(
        f"rootfs.diff_ids claims {claimed} for the layer {digest}, but its bytes unpack to {found}.",
        cure="Build and push the image again; a configuration that claims other layers cannot be trusted.",
    )
