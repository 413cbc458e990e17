"""What images are made of, beside their certified neighbours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from builds.domain.profile import Neighbour, Profile, profile_from, smaller_than
from builds.models import Inspection
from builds.selectors.inspections import inspections_of
from catalog.models import Subversion
from catalog.selectors import approved_subversions
from registry.models import Artifact, ArtifactChild, ArtifactLayer
from registry.selectors import runnable_images
from scans.models import Inventory


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A subversion's profiles, one an image it pins; its neighbours; those that have less.

    ``unknown`` says of each platform that has no profile why.
    """

    subversion: Subversion
    profiles: tuple[Profile, ...]
    unknown: Mapping[str, str]
    neighbours: tuple[Neighbour, ...]
    smaller: tuple[Neighbour, ...]


def profiles_of(images: Iterable[Artifact]) -> dict[UUID, Profile]:
    """The profile of each image whose files were read. Three queries, however many there are."""
    rows = list(images)
    inspections = inspections_of([image.pk for image in rows])
    done = {pk: one for pk, one in inspections.items() if one.state == Inspection.State.COMPLETE}
    packages = _package_counts(done)
    sizes = _packed_bytes(done)
    return {
        image.pk: profile_from(
            done[image.pk].profile,
            platform=image.platform,
            packages=packages.get(image.pk),
            packed_bytes=sizes.get(image.pk, 0),
        )
        for image in rows
        if image.pk in done
    }


def profile_view(subversion: Subversion, at: datetime) -> ProfileView:
    """What ``subversion`` is made of, beside what else may be used at ``at`` for the same purpose.

    Neighbours are compared on the platform of its first image. A fixed number of queries.
    """
    images = runnable_images(subversion.artifact)
    found = profiles_of(images)
    profiles = tuple(found[image.pk] for image in images if image.pk in found)
    looked = inspections_of([image.pk for image in images])
    unknown = {image.platform: _why(looked.get(image.pk)) for image in images if image.pk not in found}
    neighbours = _neighbours(subversion, profiles[0].platform if profiles else "", at)
    smaller = smaller_than(profiles[0], neighbours) if profiles else []
    return ProfileView(subversion, profiles, unknown, tuple(neighbours), tuple(smaller))


def _why(inspection: Inspection | None) -> str:
    return inspection.failure if inspection else "Its files were not inspected yet."


def _neighbours(subversion: Subversion, platform: str, at: datetime) -> list[Neighbour]:
    others = [
        one
        for one in approved_subversions(at).filter(version__image__purpose=subversion.version.image.purpose)
        if one.version_id != subversion.version_id and (one.retiring_from is None or one.retiring_from > at)
    ]
    image_of = _image_on(others, platform)
    profiles = profiles_of(image_of.values())
    return [
        Neighbour(
            name=str(one),
            subversion_id=str(one.pk),
            digest=one.artifact.digest,
            profile=profiles.get(image_of[one.pk].pk) if one.pk in image_of else None,
        )
        for one in others
    ]


def _image_on(subversions: list[Subversion], platform: str) -> dict[UUID, Artifact]:
    """The image of each subversion on ``platform``. One query."""
    found = {one.pk: one.artifact for one in subversions if one.artifact.platform == platform}
    owners = {one.artifact_id: one.pk for one in subversions if one.artifact.is_index}
    links = ArtifactChild.objects.filter(index_id__in=owners, kind=ArtifactChild.Kind.RUNNABLE)
    for link in links.select_related("child").order_by("-position"):
        if link.child.platform == platform:
            found[owners[link.index_id]] = link.child
    return found


def _package_counts(images: Iterable[UUID]) -> dict[UUID, int]:
    rows = Inventory.objects.filter(artifact_id__in=list(images)).order_by("created_at", "id")
    return dict(rows.values_list("artifact_id", "component_count"))


def _packed_bytes(images: Iterable[UUID]) -> dict[UUID, int]:
    rows = ArtifactLayer.objects.filter(artifact_id__in=list(images)).order_by().values("artifact_id")
    return {row["artifact_id"]: row["total"] for row in rows.annotate(total=Sum("layer__size_bytes"))}
