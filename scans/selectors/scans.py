"""What is known about one artifact, judged for a moment."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from registry.models import Artifact
from registry.selectors import runnable_images
from scans.domain.basis import Basis
from scans.domain.inventory import DATABASE_OF_SYSTEM
from scans.domain.scan_state import Attested, Cause, EndedAttestation, Judgement, ScanFacts, judge
from scans.domain.support import SupportDates
from scans.domain.versions import has_order
from scans.models import Inventory, Scan


def latest_inventory(artifact: Artifact) -> Inventory | None:
    """The newest inventory of an image; an index has none of its own."""
    return Inventory.objects.filter(artifact=artifact).order_by("-created_at", "-id").first()


def inventory_basis(artifact: Artifact) -> tuple[Basis, str]:
    """What the newest inventory of an image rests on, and the name of whoever attested it ("" = nobody)."""
    inventory = latest_inventory(artifact)
    return (Basis(inventory.basis), inventory.attested_by) if inventory else (Basis.NONE, "")


def latest_scan(artifact: Artifact) -> Scan | None:
    """The newest judgement, or None when there is none yet: not scanned is not clean."""
    return Scan.objects.filter(artifact=artifact, is_latest=True).select_related("inventory", "deciding").first()


def latest_scans(artifact_ids: Iterable[UUID]) -> dict[UUID, Scan]:
    """The newest judgement of each artifact that has one. One query."""
    rows = Scan.objects.filter(artifact_id__in=list(artifact_ids), is_latest=True).select_related("inventory")
    return {row.artifact_id: row for row in rows}


def facts_of(scan: Scan) -> ScanFacts:
    """The facts that a stored scan was judged from."""
    inventory = scan.inventory
    support = None
    if scan.is_support_known:
        os_id, os_version = (inventory.os_id, inventory.os_version) if inventory else ("", "")
        support = SupportDates(os_id, os_version, scan.support_eol, scan.support_eoes, scan.support_has_ended)
    return ScanFacts(
        failure=Cause(scan.failure),
        failure_detail=scan.failure_detail,
        os_id=inventory.os_id if inventory else "",
        os_version=inventory.os_version if inventory else "",
        component_count=inventory.component_count if inventory else 0,
        has_package_database=inventory.coverage.get("has_package_database") if inventory else None,
        is_database_empty=_is_database_empty(inventory) if inventory else False,
        is_order_known=has_order(inventory.ecosystem) if inventory else False,
        support=support,
        feed_snapshot_at=scan.feed_snapshot_at,
        feed_name=scan.feed_name,
        is_feed_frozen=scan.is_feed_frozen,
        basis=Basis(inventory.basis) if inventory else Basis.NONE,
        attested=_attested(inventory) if inventory else None,
        ended=_ended(inventory) if inventory else None,
    )


def _is_database_empty(inventory: Inventory) -> bool:
    """Whether the image's package database is there and names nothing, as one that nobody can read does."""
    kind = DATABASE_OF_SYSTEM.get(inventory.os_id, "")
    has_database = bool(inventory.coverage.get("has_package_database"))
    return has_database and not inventory.coverage.get("components_by_type", {}).get(kind)


def _attested(inventory: Inventory) -> Attested | None:
    said = inventory.coverage.get("attested")
    if not inventory.attested_by or not said:
        return None
    counts = said["by_ecosystem"]
    return Attested(
        by=inventory.attested_by,
        component_count=said["components"],
        comparable_count=sum(count for ecosystem, count in counts.items() if has_order(ecosystem)),
        remark=said["remark"],
    )


def _ended(inventory: Inventory) -> EndedAttestation | None:
    said = inventory.coverage.get("attestation_ended")
    return EndedAttestation(by=said["by"], reason=said["reason"]) if said else None


def scan_state_at(scan: Scan | None, at: datetime, max_feed_age: timedelta | None) -> Judgement:
    """What a scan is worth at ``at`` where advisories may be ``max_feed_age`` old (None: any age).

    No scan at all is *failed*, "not inventoried". An index stands as its deciding child stands; the children's own
    scans are judged, since time may have made another one the worst: four queries for an index, none otherwise.
    """
    if scan is None:
        return judge(ScanFacts(failure=Cause.NOT_INVENTORIED), at=at, max_feed_age=max_feed_age)
    if scan.inventory is None and scan.deciding_id is not None:
        return _judge_index(scan, at, max_feed_age)
    return judge(facts_of(scan), at=at, max_feed_age=max_feed_age)


def _judge_index(scan: Scan, at: datetime, max_feed_age: timedelta | None) -> Judgement:
    images = runnable_images(scan.artifact)
    scans = latest_scans([image.pk for image in images])
    judged = [scan_state_at(scans.get(image.pk), at, max_feed_age) for image in images]
    return worst_of(judged, at=at)


def worst_of(judged: list[Judgement], *, at: datetime) -> Judgement:
    """The judgement of an index by its children's: the worst one; none is *failed*."""
    if not judged:
        return judge(ScanFacts(failure=Cause.NO_RUNNABLE_CHILDREN), at=at, max_feed_age=None)
    return max(judged, key=lambda one: one.badness)
