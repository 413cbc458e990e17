"""Which versions stand on which: what a renewal of one sets going."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q

from builds.models import Recipe
from catalog import selectors as catalog
from catalog.models import Subversion
from registry.models import ArtifactChild, Lineage


@dataclass(frozen=True, slots=True)
class Standing:
    """The edges between versions, both ways, as they are at one moment."""

    bases_of: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    children_of: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))

    def add(self, version_id: UUID, base_id: UUID) -> None:
        """``version_id`` stands on ``base_id``; nothing stands on itself."""
        if version_id != base_id:
            self.bases_of[version_id].add(base_id)
            self.children_of[base_id].add(version_id)


def standing(at: datetime) -> Standing:
    """Every version on the ones that it stands on: by the layers of what is certified, and by what its recipe names.

    Six queries, however many there are.
    """
    found = Standing()
    images = _certified_images(at)
    for version_id, base_id in _by_layers(images):
        found.add(version_id, base_id)
    for version_id, base_id in _by_recipes():
        found.add(version_id, base_id)
    return found


def latest_recipes() -> list[Recipe]:
    """The newest recipe of each source, with its source. One query.

    Also of those that are paused: that they are not renewed is to be seen.
    """
    newest = Recipe.objects.order_by("source_id", "-number").distinct("source_id")
    return list(newest.select_related("source__version__image").defer("dockerfile", "files"))


def _certified_images(at: datetime) -> dict[UUID, UUID]:
    """Image to version, of what is certified in each version now. Two queries."""
    not_retiring = Q(retiring_from=None) | Q(retiring_from__gt=at)
    rows = Subversion.objects.filter(catalog.usable_at(at), not_retiring).order_by("-certified_from", "-pk")
    current: dict[UUID, UUID] = {}
    for version_id, artifact_id in rows.values_list("version_id", "artifact_id"):
        current.setdefault(version_id, artifact_id)
    version_of = {artifact_id: version_id for version_id, artifact_id in current.items()}
    links = ArtifactChild.objects.filter(index_id__in=version_of, kind=ArtifactChild.Kind.RUNNABLE)
    for index_id, child_id in links.values_list("index_id", "child_id"):
        version_of.setdefault(child_id, version_of[index_id])
    return version_of


def _by_layers(images: dict[UUID, UUID]) -> list[tuple[UUID, UUID]]:
    """The nearest ancestor of each image that belongs to another version. Two queries."""
    links = Lineage.objects.filter(artifact_id__in=images).order_by("artifact_id", "-shared_layers", "pk")
    pairs = list(links.values_list("artifact_id", "ancestor_id"))
    versions = _versions_of({ancestor for _, ancestor in pairs})
    nearest: dict[UUID, UUID] = {}
    for artifact_id, ancestor_id in pairs:
        base = versions.get(ancestor_id)
        if base is not None and base != images[artifact_id]:
            nearest.setdefault(artifact_id, base)
    return [(images[artifact_id], base_id) for artifact_id, base_id in nearest.items()]


def _versions_of(artifact_ids: set[UUID]) -> dict[UUID, UUID]:
    """The version that an artifact, or an index that lists it, belongs to. One query."""
    is_held = Q(artifact_id__in=artifact_ids) | Q(artifact__child_links__child_id__in=artifact_ids)
    rows = Subversion.objects.filter(is_held).annotate(child_id=F("artifact__child_links__child_id"))
    found: dict[UUID, UUID] = {}
    for version_id, artifact_id, child_id in rows.values_list("version_id", "artifact_id", "child_id"):
        found[artifact_id] = version_id
        if child_id is not None:
            found.setdefault(child_id, version_id)
    return found


def _by_recipes() -> list[tuple[UUID, UUID]]:
    """Certified bases by their subversion, adopted ones by their digest. Two queries."""
    named = [
        (recipe.source.version_id, base)
        for recipe in latest_recipes()
        for base in recipe.bases
        if base.get("kind") in ("certified", "adopted")
    ]
    ids = {base["subversion"] for _, base in named if base.get("subversion")}
    digests = {base["digest"] for _, base in named if base.get("digest")}
    versions: dict[str, UUID] = {}
    rows = Subversion.objects.filter(Q(pk__in=ids) | Q(artifact__digest__in=digests))
    for pk, digest, version_id in rows.values_list("pk", "artifact__digest", "version_id"):
        versions[str(pk)] = versions[digest] = version_id
    found = [(version_id, versions.get(base.get("subversion") or base.get("digest", ""))) for version_id, base in named]
    return [(version_id, base_id) for version_id, base_id in found if base_id is not None]
