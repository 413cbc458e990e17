"""Reads about registries, artifacts and lineage."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from oci.config import ImageConfig
from oci.digest import Digest
from oci.strict_json import MAX_DOCUMENT_BYTES, strict_json
from registry.adapters.sides import side_for as side_for
from registry.blobs import kept_blobs
from registry.domain.lineage import Certainty
from registry.errors import ArtifactUnknown, ImportUnknown, RegistryUnknown
from registry.models import (
    Artifact,
    ArtifactChild,
    ArtifactLayer,
    Import,
    Lineage,
    Registry,
    Repository,
    RepositoryArtifact,
    TagSeen,
)


@dataclass(frozen=True, slots=True)
class LineageView:
    """On which images one stands. ``nearest`` names the base; where it has several, the worst decides."""

    certainty: Certainty
    nearest: tuple[Artifact, ...] = ()
    all_ancestors: tuple[Artifact, ...] = ()


def registries() -> QuerySet[Registry]:
    """All, by name."""
    return Registry.objects.order_by("name", "pk")


def trusted_registries() -> QuerySet[Registry]:
    """Those whose images may run where the policy trusts registries, by name."""
    return registries().filter(is_trusted=True)


def registry_by_id(registry_id: UUID | str) -> Registry:
    """Raises RegistryUnknown."""
    found = Registry.objects.filter(pk=registry_id).first()
    if found is None:
        raise RegistryUnknown("There is no such registry.", cure="See the list of registries.")
    return found


def default_certified_registry() -> Registry | None:
    """Where certified images go: the oldest registry on the certified side; None when there is none."""
    return Registry.objects.filter(side=Registry.Side.CERTIFIED).order_by("created_at", "pk").first()


def registry_for_host(host: str) -> Registry:
    """The registry whose images are named ``host/…``, the source side first. Raises RegistryUnknown."""
    rows = sorted(Registry.objects.filter(host=host), key=lambda row: (row.side != Registry.Side.SOURCE, row.pk))
    if not rows:
        raise RegistryUnknown(
            f"No registry with the host {host!r} is listed.", cure="Ask a platform administrator to add it."
        )
    return rows[0]


def repositories() -> QuerySet[Repository]:
    """All, with their registry, by path."""
    return Repository.objects.select_related("registry").order_by("path", "pk")


def artifact_by_digest(digest: Digest | str) -> Artifact:
    """Raises ArtifactUnknown."""
    found = Artifact.objects.filter(digest=str(digest)).first()
    if found is None:
        raise ArtifactUnknown(f"No artifact with the digest {str(digest)[:140]} is known.", cure="Import it first.")
    return found


def artifact_by_id(artifact_id: UUID | str) -> Artifact:
    """Raises ArtifactUnknown."""
    found = Artifact.objects.filter(pk=artifact_id).first()
    if found is None:
        raise ArtifactUnknown("There is no such artifact.", cure="Import it first.")
    return found


def children_of(artifact: Artifact) -> list[ArtifactChild]:
    """The entries of an index with their artifacts, in its order; empty for others. One query."""
    return list(artifact.child_links.select_related("child").order_by("position"))


def runnable_images(artifact: Artifact) -> list[Artifact]:
    """What a runtime may run of it: the runnable children of an index, or the image itself. One query at most."""
    if artifact.kind == Artifact.Kind.IMAGE:
        return [artifact]
    links = children_of(artifact)
    found = {link.child_id: link.child for link in links if link.kind == ArtifactChild.Kind.RUNNABLE}
    return list(found.values())


def parents_of(artifact: Artifact) -> list[Artifact]:
    """The indexes that list it, newest first. One query."""
    return list(Artifact.objects.filter(child_links__child=artifact).distinct().order_by("-created_at", "-pk"))


def repositories_of(artifact: Artifact) -> list[Repository]:
    """Where it was seen, first place first. One query."""
    links = RepositoryArtifact.objects.filter(artifact=artifact).select_related("repository__registry")
    return [link.repository for link in links.order_by("first_seen_at", "pk")]


def is_known_in(digest: str, *, repository_name: str) -> bool:
    """Whether an artifact of that digest was seen in ``host/path``."""
    host, _, path = repository_name.partition("/")
    return RepositoryArtifact.objects.filter(
        artifact__digest=digest, repository__registry__host=host, repository__path=path
    ).exists()


def image_config(artifact: Artifact) -> ImageConfig:
    """The image's configuration, from its bytes. Raises BlobMissing for what is not an image."""
    return ImageConfig.parse(kept_blobs().read(artifact.config_digest, MAX_DOCUMENT_BYTES))


def config_documents(artifact: Artifact) -> dict[str, dict[str, Any]]:
    """Platform to image configuration as parsed JSON, of all that is runnable; "" for an image that stands for itself.

    Raises BlobMissing.
    """
    if artifact.kind == Artifact.Kind.IMAGE:
        return {"": _config_document(artifact)}
    links = [link for link in children_of(artifact) if link.kind == ArtifactChild.Kind.RUNNABLE]
    return {link.platform: _config_document(link.child) for link in links}


def _config_document(image: Artifact) -> dict[str, Any]:
    body = kept_blobs().read(image.config_digest, MAX_DOCUMENT_BYTES)
    return strict_json(body, what="image configuration")


def manifest_bytes(artifact: Artifact) -> bytes:
    """The manifest as received. Raises BlobMissing."""
    return kept_blobs().read(artifact.digest, MAX_DOCUMENT_BYTES)


def lineage_of(artifact: Artifact) -> LineageView:
    """On which images it stands. One query. An index has no lineage; its children have."""
    return lineages_of([artifact])[artifact.pk]


def lineages_of(artifacts: Iterable[Artifact]) -> dict[UUID, LineageView]:
    """``lineage_of`` for many, by artifact id. One query."""
    ids = [artifact.pk for artifact in artifacts]
    rows: dict[UUID, list[Lineage]] = {artifact_id: [] for artifact_id in ids}
    found = Lineage.objects.filter(artifact_id__in=ids).select_related("ancestor")
    for row in found.order_by("-shared_layers", "ancestor__created_at", "pk"):
        rows[row.artifact_id].append(row)
    return {artifact_id: _view(links) for artifact_id, links in rows.items()}


def descendants_of(artifact: Artifact) -> QuerySet[Artifact]:
    """The images that stand on it, newest first."""
    return Artifact.objects.filter(ancestor_links__ancestor=artifact).order_by("-created_at", "-pk")


def artifacts() -> QuerySet[Artifact]:
    """All, newest first, with where they were seen."""
    links = RepositoryArtifact.objects.select_related("repository__registry").order_by("first_seen_at", "pk")
    return Artifact.objects.order_by("-created_at", "-pk").prefetch_related(Prefetch("repository_links", links))


def imports() -> QuerySet[Import]:
    """All, newest first."""
    rows = Import.objects.select_related("repository__registry", "artifact", "requested_by")
    return rows.order_by("-created_at", "-pk")


def import_by_id(import_id: UUID | str) -> Import:
    """Raises ImportUnknown."""
    found = imports().filter(pk=import_id).first()
    if found is None:
        raise ImportUnknown("There is no such import.", cure="See the list of imports.")
    return found


def tags_seen(repository: Repository, *, tag: str = "") -> QuerySet[TagSeen]:
    """What tags of it named, and when, newest first."""
    rows = TagSeen.objects.filter(repository=repository).select_related("artifact").order_by("-seen_at", "-pk")
    return rows.filter(tag=tag) if tag else rows


def _view(links: list[Lineage]) -> LineageView:
    nearest = [link for link in links if link.is_nearest]
    if not nearest:
        return LineageView(Certainty.CANNOT_TELL)
    return LineageView(
        certainty=Certainty(nearest[0].certainty),
        nearest=tuple(link.ancestor for link in nearest),
        all_ancestors=tuple(link.ancestor for link in links),
    )


def layers_of(artifact: Artifact) -> list[ArtifactLayer]:
    """The layers of an image with their bytes' sizes, lowest first. One query."""
    return list(artifact.layer_links.select_related("layer").order_by("position"))


def artifacts_beginning(digest: str) -> list[Artifact]:
    """Artifacts whose digest begins with ``digest`` (``sha256:ab12…``). At most 20."""
    return list(Artifact.objects.filter(digest__startswith=digest).order_by("digest")[:20])
