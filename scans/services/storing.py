"""Components stored once, and which image has which."""

from collections.abc import Sequence
from datetime import datetime

from registry.models import Artifact
from scans.domain.ecosystems import Coordinates
from scans.domain.versions import KEY_VERSION, CannotCompare, version_key
from scans.models import ArtifactComponent, Component

_BATCH = 1000  # rows a statement


def link_components(*, image: Artifact, component_ids: Sequence[int], is_seen: bool) -> None:
    """Say that ``image`` has these components, in place of what was said before: all of it where they were seen in
    it, else what was attested of it alone. Called with the image's row locked."""
    links = ArtifactComponent.objects.filter(artifact=image)
    (links if is_seen else links.filter(is_seen=False)).delete()
    ArtifactComponent.objects.bulk_create(
        [ArtifactComponent(artifact=image, component_id=pk, is_seen=is_seen) for pk in component_ids],
        batch_size=_BATCH,
        ignore_conflicts=not is_seen,  # one that was seen stays one that was seen
    )


def store_components(*, components: Sequence[Coordinates], now: datetime) -> list[int]:
    """The rows of ``components``, each stored once whoever brings it first; their ids."""
    ordered = sorted(components, key=lambda one: one.purl)
    rows = [_component(one, now) for one in ordered]
    # Sorted, so that two workers that store the same packages cannot wait for each other in a ring.
    Component.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_BATCH)
    found: list[int] = []
    for start in range(0, len(ordered), _BATCH):
        purls = [one.purl for one in ordered[start : start + _BATCH]]
        found.extend(Component.objects.filter(purl__in=purls).values_list("pk", flat=True))
    return found


def _component(one: Coordinates, now: datetime) -> Component:
    try:
        key: bytes | None = version_key(one.ecosystem, one.source_version)
    except CannotCompare:
        key = None
    return Component(
        purl=one.purl,
        type=one.type,
        name=one.name,
        version=one.version,
        ecosystem=one.ecosystem,
        source_name=one.source_name,
        source_version=one.source_version,
        version_key=key,
        key_version=KEY_VERSION,
        created_at=now,
    )
