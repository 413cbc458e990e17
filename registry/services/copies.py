"""Copying an artifact to another repository, digest for digest."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from oci.digest import Digest
from oci.manifest import Index, Manifest, parse_manifest
from oci.strict_json import MAX_DOCUMENT_BYTES
from registry.adapters.interface import RegistrySide
from registry.adapters.sides import side_for
from registry.blobs import kept_blobs, layer_cache
from registry.errors import BlobMissing, DigestMismatch
from registry.models import Artifact, Layer, Repository, RepositoryArtifact
from registry.services.layers import ensure_cached
from registry.services.progress import Meter, Report, silent
from registry.services.records import record_place


def copy_artifact(
    *,
    artifact: Artifact,
    to: Repository,
    progress: Report = silent,
    tag: str = "",
    actor: Actor | None = None,
    now: datetime | None = None,
) -> Digest:
    """Bring ``artifact``, with its children, to the repository ``to``; the digest as it stands there.

    Blobs first (mounted where the registry has them already, else sent), then children, then the manifest by
    digest, then the tag: a name never stands before what it names. Copying again sends nothing twice. What stands
    there is read back and hashed.
    Raises BlobMissing; DigestMismatch; and what the registry's side raises.
    """
    side = side_for(to.registry)
    parts = _parts(artifact)
    meter = Meter(progress, total=sum(size for manifest, _ in parts for size in _blobs(manifest).values()))
    mounts = _mountable(artifact, to)
    for manifest, one in parts:
        for digest, size in _blobs(manifest).items():
            _send_blob(side, to.path, digest, size, mounts=mounts, meter=meter)
        side.put_manifest(to.path, one.digest, _body(one), one.media_type)
    if tag:
        side.put_manifest(to.path, tag, _body(artifact), artifact.media_type)
    found = side.get_manifest(to.path, artifact.digest)
    if str(found.digest) != artifact.digest:
        raise DigestMismatch(f"{to.name} holds {found.digest} where {artifact.digest} was sent.", cure="Copy again.")
    _record(artifact, [one for _, one in parts], to, actor=actor or Actor.system("worker"), now=now or timezone.now())
    return found.digest


def _record(artifact: Artifact, copied: list[Artifact], to: Repository, *, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        if RepositoryArtifact.objects.filter(repository=to, artifact=artifact).exists():
            return
        record_place(copied, to, now=now)
        subject = Subject("artifact", str(artifact.pk), artifact.digest)
        record(Verb.ARTIFACT_COPIED, actor=actor, subject=subject, at=now, data={"repository": to.name})


def _parts(artifact: Artifact) -> list[tuple[Manifest | Index, Artifact]]:
    """Children first, then itself, each with its parsed manifest."""
    links = artifact.child_links.select_related("child").order_by("position")
    children = list({link.child_id: link.child for link in links}.values())
    return [(parse_manifest(_body(one), one.media_type), one) for one in (*children, artifact)]


def _body(artifact: Artifact) -> bytes:
    return kept_blobs().read(artifact.digest, MAX_DOCUMENT_BYTES)


def _blobs(manifest: Manifest | Index) -> dict[Digest, int]:
    if isinstance(manifest, Index):
        return {}
    return {one.digest: one.size for one in (manifest.config, *manifest.layers)}


def _mountable(artifact: Artifact, to: Repository) -> list[str]:
    """Other repositories of the same registry that have it."""
    links = RepositoryArtifact.objects.filter(artifact=artifact, repository__registry=to.registry)
    return list(links.exclude(repository=to).values_list("repository__path", flat=True)[:3])


def _send_blob(side: RegistrySide, path: str, digest: Digest, size: int, *, mounts: list[str], meter: Meter) -> None:
    meter.say(f"Sending {str(digest)[:19]}….")
    if side.has_blob(path, digest) or any(side.mount_blob(path, digest, other) for other in mounts):
        meter.add(size)
        return
    store = kept_blobs()
    if not store.has(digest):
        layer = Layer.objects.filter(digest=str(digest)).first()
        if layer is None:
            raise BlobMissing(f"The bytes of {digest} are not in the store.", cure="Import the image again.")
        ensure_cached(layer, meter=Meter(meter.report, text=f"Fetching {str(digest)[:19]}… again."))
        store = layer_cache()
    side.put_blob(path, digest, size, meter.count(store.chunks(digest)))
