"""Looks into images: the scanner over a layout of verified blobs, its reports kept as received."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from registry.blobs import kept_blobs
from registry.models import Artifact
from registry.selectors import runnable_images
from registry.services import export_layout
from scans.adapters.scratch import scratch
from scans.adapters.syft import Reports, Scanner, SyftScanner
from scans.domain.basis import basis_of_seen
from scans.domain.ecosystems import ecosystem_of_release
from scans.domain.inventory import InventoryFacts, ReportMalformed, ReportOfOtherImage, read_reports
from scans.errors import NotScannable, OtherImageReported, ReportUnreadable, ScannerError
from scans.models import Inventory
from scans.services.composing import compose_inventory
from scans.services.scanning import Finishing, record_failure
from scans.services.storing import link_components, store_components

log = logging.getLogger(__name__)

WORKER = Actor.system("worker")


def inventory_artifact(
    *,
    artifact: Artifact,
    now: datetime,
    scanner: Scanner | None = None,
    check: Callable[[], None] = lambda: None,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
    finishing: Finishing = transaction.atomic,
) -> list[Inventory]:
    """Look into every runnable image of ``artifact`` (itself, or an index's children) that nobody has looked into.

    An image is what its digest says, so one inventory serves until the tool is newer, and a second call does nothing
    twice. A scanner that gives no report that counts leaves a failed scan with its cause, and the other children go on.
    ``finishing`` opens the deed's transaction; a job ends in it too, so that a worker which dies right after does not
    start a second time what follows.
    Raises: NotScannable; ScannerError of the last image that failed, after everything was recorded.
    """
    images = runnable_images(artifact)
    if not images and not artifact.is_index:
        raise NotScannable(f"{artifact.digest} is an {artifact.kind}: nothing in it runs.")
    scanner = scanner or SyftScanner()
    failure: ScannerError | None = None
    for position, image in enumerate(images):
        progress(position, len(images), f"looking into {image.platform or image.digest}")
        if Inventory.objects.filter(artifact=image, tool_version=scanner.version).exists():
            compose_inventory(image=image, now=now)  # whoever looked may have died before this
            continue
        try:
            facts, reports = _look(image, scanner, check)
        except ScannerError as error:
            failure = error
            record_failure(artifact=image, cause=error.cause, detail=error.detail, now=now)
            continue
        _store(image=image, facts=facts, reports=reports, now=now)
        compose_inventory(image=image, now=now)
    progress(len(images), len(images), "")
    if failure is not None:
        _record(artifact, images, now=now)
        raise failure
    with finishing():
        _record(artifact, images, now=now)
    return list(Inventory.objects.filter(artifact__in=images))


def _look(image: Artifact, scanner: Scanner, check: Callable[[], None]) -> tuple[InventoryFacts, Reports]:
    with scratch("scan-") as directory:
        layout, work = directory / "layout", directory / "work"
        layout.mkdir()
        work.mkdir()
        export_layout(image, layout)
        reports = scanner.scan(layout, work, check)
    try:
        facts = read_reports(
            syft=reports.syft, cyclonedx=reports.cyclonedx, digest=image.digest, warnings=reports.warnings
        )
    except ReportMalformed as error:
        raise ReportUnreadable(f"The scanner's report does not count: {error}.") from error
    except ReportOfOtherImage as error:
        raise OtherImageReported(f"The scanner's report does not count: {error}.") from error
    return facts, reports


def _store(*, image: Artifact, facts: InventoryFacts, reports: Reports, now: datetime) -> Inventory:
    store = kept_blobs()
    # Bytes first, outside the transaction: content-addressed, so a second time is the same.
    sbom_digest, report_digest = str(store.put(reports.cyclonedx)), str(store.put(reports.syft))
    with transaction.atomic():
        # Two workers with the same image: the second finds the first one's inventory.
        Artifact.objects.select_for_update().get(pk=image.pk)
        if existing := Inventory.objects.filter(artifact=image, tool_version=facts.tool_version).first():
            return existing
        component_ids = store_components(components=facts.components, now=now)
        link_components(image=image, component_ids=component_ids, is_seen=True)
        newest = Inventory.objects.filter(artifact=image).order_by("-created_at", "-pk").first()
        return Inventory.objects.create(
            artifact=image,
            # Never before one that was written while the scanner was at work.
            created_at=max(now, newest.created_at) if newest else now,
            tool=facts.tool,
            tool_version=facts.tool_version,
            sbom_digest=sbom_digest,
            report_digest=report_digest,
            os_id=facts.os_id[:100],
            os_version=facts.os_version[:100],
            ecosystem=ecosystem_of_release(facts.os_id, facts.os_version),
            component_count=len(facts.components),
            coverage=facts.coverage.to_json(),
            basis=basis_of_seen(facts.coverage.to_json()),
        )


@transaction.atomic
def _record(artifact: Artifact, images: Sequence[Artifact], *, now: datetime) -> None:
    found = Inventory.objects.filter(artifact__in=images)
    record(
        Verb.ARTIFACT_INVENTORIED,
        actor=WORKER,
        subject=Subject("artifact", str(artifact.pk), artifact.digest),
        at=now,
        data={
            "images": len(images),
            "inventoried": len({one.artifact_id for one in found}),
            "components": sum(one.component_count for one in found),
        },
    )
