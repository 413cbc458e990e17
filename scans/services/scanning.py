"""Scans: what the matches and the facts of an inventory come to for one artifact, written down when it moves."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from registry.models import Artifact, ArtifactChild
from registry.selectors import runnable_images
from scans.domain.scan_state import Cause, Judgement, ScanFacts, judge
from scans.domain.support import SupportDates
from scans.errors import NotInventoried
from scans.models import ArtifactComponent, Feed, Inventory, Scan
from scans.selectors.feeds import covering_feeds, support_dates
from scans.selectors.findings import finding_summaries
from scans.selectors.scans import facts_of, latest_inventory, latest_scan, latest_scans, worst_of
from scans.services.matching import match_components

WORKER = Actor.system("worker")
Finishing = Callable[[], AbstractContextManager[None]]


def match_artifact(*, artifact: Artifact, now: datetime, finishing: Finishing = transaction.atomic) -> Scan:
    """Hold every image of ``artifact`` against the advisories and write what follows for it and for its images.

    Components that were matched before are not matched again. ``finishing`` opens the transaction of the deed; a job
    ends in it too. Raises NotInventoried.
    """
    images = runnable_images(artifact)
    for image in images:
        if latest_inventory(image) is None and latest_scan(image) is None:
            raise NotInventoried(f"{image.digest} has no inventory.", cure="Wait for its inventory, or scan it again.")
    links = ArtifactComponent.objects.filter(artifact__in=images, component__matched_at__isnull=True)
    match_components(component_ids=list(links.values_list("component_id", flat=True)), now=now)
    with finishing():
        refresh_scans(images=images, now=now)
        scan = refresh_index(index=artifact, now=now) if artifact.is_index else latest_scan(artifact)
        if scan is None:
            raise NotInventoried(f"{artifact.digest} has no inventory.", cure="Scan it again.")
        _record_scanned(scan, now=now)
    return scan


@transaction.atomic
def record_failure(*, artifact: Artifact, cause: Cause, detail: str, now: datetime) -> Scan:
    """Write that an image could not be looked into: a scan that failed, never an absence."""
    facts = ScanFacts(failure=cause, failure_detail=detail[:500])
    return _write_if_moved([_row(artifact, None, facts, {}, {}, now)])[0]


@transaction.atomic
def refresh_scans(*, images: Sequence[Artifact], now: datetime) -> list[Scan]:
    """Judge images that have an inventory again; a new row for each where something moved. Six queries."""
    inventories: dict[UUID, Inventory] = {}
    for inventory in Inventory.objects.filter(artifact__in=images).order_by("created_at", "id"):
        inventories[inventory.artifact_id] = inventory
    feeds = covering_feeds()
    supports = support_dates({(one.os_id, one.os_version) for one in inventories.values()})
    summaries = finding_summaries({pk: [pk] for pk in inventories})
    uncovered = _uncovered_components(inventories, covered=set(feeds))
    rows = []
    for image in images:
        if image.pk not in inventories:
            continue
        inventory = inventories[image.pk]
        support = supports.get((inventory.os_id, inventory.os_version))
        facts = _facts(inventory, feeds.get(inventory.ecosystem), support)
        rests_on = {"basis": inventory.basis, "attested_by": inventory.attested_by}
        coverage = {**inventory.coverage, **rests_on, "not_covered": uncovered.get(image.pk, {})}
        rows.append(_row(image, inventory, facts, coverage, summaries[image.pk], now))
    return _write_if_moved(rows)


@transaction.atomic
def refresh_index(*, index: Artifact, now: datetime) -> Scan:
    """The scan of an index: its findings are its images' together, its state is that of the worst of them."""
    images = runnable_images(index)
    scans = latest_scans([image.pk for image in images])
    judged = [_judgement(scans.get(image.pk), now) for image in images]
    worst = worst_of(judged, at=now)
    deciding = images[judged.index(worst)] if judged else None
    base = scans.get(deciding.pk) if deciding else None
    summary = finding_summaries({index.pk: [image.pk for image in images]})[index.pk]
    coverage = {"images": {image.digest: _line(judgement) for image, judgement in zip(images, judged, strict=True)}}
    feed_times = [scan.feed_snapshot_at for scan in scans.values() if scan.feed_snapshot_at]
    scan = Scan(
        artifact=index,
        deciding=deciding,
        failure=worst.cause if base is None else base.failure,
        failure_detail=worst.sentence[:500] if base is None else base.failure_detail,
        feed_snapshot_at=min(feed_times, default=None),
        feed_name=base.feed_name if base else "",
        is_feed_frozen=any(one.is_feed_frozen for one in scans.values()),
        coverage=coverage,
        summary=summary,
    )
    _judge(scan, worst, now)
    return _write_if_moved([scan])[0]


@transaction.atomic
def ask_scan(*, artifact: Artifact, actor: Actor, now: datetime) -> None:
    """Have an artifact looked into and matched again; the jobs follow from the record."""
    record(
        Verb.SCAN_ASKED,
        actor=actor,
        subject=Subject("artifact", str(artifact.pk), artifact.digest),
        at=now,
    )


def indexes_of(images: Iterable[UUID]) -> QuerySet[Artifact]:
    """The scanned indexes that list any of ``images``."""
    parents = ArtifactChild.objects.filter(child_id__in=list(images), kind=ArtifactChild.Kind.RUNNABLE)
    return Artifact.objects.filter(pk__in=parents.values("index_id"), scans__is_latest=True).distinct().order_by("pk")


def _facts(inventory: Inventory, feed: Feed | None, support: SupportDates | None) -> ScanFacts:
    blank = Scan(inventory=inventory)
    _take_facts(blank, feed, support)
    return facts_of(blank)


def _take_facts(scan: Scan, feed: Feed | None, support: SupportDates | None) -> None:
    scan.feed_snapshot_at = feed.snapshot_at if feed else None
    scan.feed_name = feed.name if feed else ""
    scan.is_feed_frozen = feed.is_frozen if feed else False
    scan.is_support_known = support is not None
    scan.support_eol = support.eol if support else None
    scan.support_eoes = support.eoes if support else None
    scan.support_has_ended = support.has_ended if support else False


def _row(
    artifact: Artifact,
    inventory: Inventory | None,
    facts: ScanFacts,
    coverage: dict[str, Any],
    summary: dict[str, Any],
    now: datetime,
) -> Scan:
    scan = Scan(
        artifact=artifact,
        inventory=inventory,
        failure=facts.failure,
        failure_detail=facts.failure_detail,
        feed_snapshot_at=facts.feed_snapshot_at,
        feed_name=facts.feed_name,
        is_feed_frozen=facts.is_feed_frozen,
        is_support_known=facts.support is not None,
        support_eol=facts.support.eol if facts.support else None,
        support_eoes=facts.support.eoes if facts.support else None,
        support_has_ended=facts.support.has_ended if facts.support else False,
        coverage=coverage,
        summary=summary,
    )
    _judge(scan, judge(facts, at=now, max_feed_age=None), now)
    return scan


def _judge(scan: Scan, judgement: Judgement, now: datetime) -> None:
    scan.state, scan.cause, scan.sentence = judgement.state, judgement.cause, judgement.sentence[:500]
    scan.scanned_at = scan.created_at = now


# What makes a new row; times alone only move the row that stands.
_MOVING = ("inventory_id", "deciding_id", "state", "cause", "failure", "failure_detail", "coverage", "summary")
_TIMES = ("scanned_at", "sentence", "feed_snapshot_at", "feed_name", "is_feed_frozen", "is_support_known")
_DATES = ("support_eol", "support_eoes", "support_has_ended")


def _write_if_moved(scans: Sequence[Scan]) -> list[Scan]:
    """Write the rows that say something new; move the times of those that stand. Five statements for all of them."""
    # Artifacts are locked first, in one order: two writers neither both make the newest scan nor wait in a ring.
    ids = sorted(scan.artifact_id for scan in scans)
    list(Artifact.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    standing = latest_scans(ids)
    moved, kept, result = [], [], []
    for scan in scans:
        old = standing.get(scan.artifact_id)
        if old is None or any(getattr(old, name) != getattr(scan, name) for name in _MOVING):
            moved.append(scan)
            result.append(scan)
            continue
        for name in (*_TIMES, *_DATES):
            setattr(old, name, getattr(scan, name))
        kept.append(old)
        result.append(old)
    Scan.objects.bulk_update(kept, [*_TIMES, *_DATES], batch_size=500)
    Scan.objects.filter(artifact_id__in=[scan.artifact_id for scan in moved], is_latest=True).update(is_latest=False)
    Scan.objects.bulk_create(moved, batch_size=500)
    return result


def _judgement(scan: Scan | None, now: datetime) -> Judgement:
    facts = facts_of(scan) if scan else ScanFacts(failure=Cause.NOT_INVENTORIED)
    return judge(facts, at=now, max_feed_age=None)


def _line(judgement: Judgement) -> dict[str, str]:
    return {"state": judgement.state, "cause": judgement.cause, "sentence": judgement.sentence}


def _uncovered_components(inventories: dict[UUID, Inventory], *, covered: set[str]) -> dict[UUID, dict[str, int]]:
    """For each image, how many of its components no feed speaks about, by ecosystem. One query."""
    found: dict[UUID, dict[str, int]] = {}
    links = ArtifactComponent.objects.filter(artifact_id__in=list(inventories)).exclude(
        component__ecosystem__in=covered
    )
    for artifact_id, ecosystem, kind in links.values_list("artifact_id", "component__ecosystem", "component__type"):
        counts = found.setdefault(artifact_id, {})
        word = ecosystem or f"{kind} (no known ecosystem)"
        counts[word] = counts.get(word, 0) + 1
    return found


def _record_scanned(scan: Scan, *, now: datetime) -> None:
    artifact = scan.artifact
    record(
        Verb.ARTIFACT_SCANNED,
        actor=WORKER,
        subject=Subject("artifact", str(artifact.pk), artifact.digest),
        at=now,
        data={
            "scan": str(scan.pk),
            "state": scan.state,
            "cause": scan.cause,
            "fixable": scan.summary.get("fixable_pairs", 0),
            "unfixed": scan.summary.get("unfixed_pairs", 0),
        },
    )
