"""What a snapshot says about each digest: facts read from every room's tables, set by set.

One read model across rooms (docs/adr/0024): a snapshot of a million digests cannot ask each room's selectors
about one artifact at a time. Nothing here judges; the engine does, from these facts alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from admission.findings import finding_facts
from admission.inventory_waivers import waived_until
from catalog import selectors as catalog_selectors
from catalog.models import Subversion
from gate.facts import ArtifactKind, DigestFacts, Lineage, ScanState
from jobs.domain.state import OPEN
from jobs.models import Job
from registry.models import Artifact, ArtifactChild, RepositoryArtifact
from registry.models import Lineage as LineageRow
from scans.models import Scan
from signing import selectors as signing_selectors

CHUNK = 1_000  # artifacts read at a time: bounds memory, and how long one query runs

_SCAN_STATES = {
    "complete": ScanState.COMPLETE,
    "failed": ScanState.FAILED,
    "unsupported": ScanState.UNSUPPORTED,
    "stale": ScanState.STALE,
}


def all_facts(at: datetime) -> Iterator[DigestFacts]:
    """The facts of every artifact we know, in no promised order."""
    last: UUID | None = None
    while True:
        rows = Artifact.objects.order_by("pk")
        if last is not None:
            rows = rows.filter(pk__gt=last)
        chunk = list(rows[:CHUNK])
        if not chunk:
            return
        yield from _facts_of(chunk, at)
        last = chunk[-1].pk


def facts_of_artifacts(artifact_ids: Iterable[UUID], at: datetime) -> Iterator[DigestFacts]:
    """The facts of these artifacts; ids that name none are passed over."""
    ids = sorted(set(artifact_ids))
    for start in range(0, len(ids), CHUNK):
        chunk = list(Artifact.objects.filter(pk__in=ids[start : start + CHUNK]).order_by("pk"))
        yield from _facts_of(chunk, at)


def _facts_of(artifacts: Sequence[Artifact], at: datetime) -> Iterator[DigestFacts]:
    ids = [artifact.pk for artifact in artifacts]
    repositories = _repositories(ids)
    members, member_of = _members(ids)
    bases = _bases(ids)
    scans = _scans(ids)
    waived = waived_until(artifacts, scans)
    running = _running(ids)
    findings = finding_facts(ids)
    subversions = _subversions(ids, at)
    signed = signing_selectors.verified_signatures([artifact.digest for artifact in artifacts])
    for artifact in artifacts:
        pk = artifact.pk
        certainty, base_digests = bases.get(pk, (Lineage.UNKNOWN, ()))
        yield DigestFacts(
            digest=artifact.digest,
            kind=ArtifactKind(artifact.kind),
            repositories=repositories.get(pk, ()),
            members=members.get(pk, ()),
            member_of=member_of.get(pk, ()),
            user=artifact.user,
            lineage=certainty,
            bases=base_digests,
            signed_repositories=tuple(sorted({each.repository_name for each in signed.get(artifact.digest, ())})),
            **_scan_facts(scans.get(pk), is_running=str(pk) in running, waived_until=waived.get(pk)),
            **findings.get(pk, {}),
            **subversions.get(pk, {}),
        )


def _repositories(ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    found: dict[UUID, list[str]] = defaultdict(list)
    links = RepositoryArtifact.objects.filter(artifact_id__in=ids).select_related("repository__registry")
    for link in links.order_by("first_seen_at", "pk"):
        found[link.artifact_id].append(link.repository.name)
    return {pk: tuple(names) for pk, names in found.items()}


def _members(ids: Sequence[UUID]) -> tuple[dict[UUID, tuple[str, ...]], dict[UUID, tuple[str, ...]]]:
    """Of each index its runnable children, of each child its indexes: digests."""
    members: dict[UUID, list[str]] = defaultdict(list)
    member_of: dict[UUID, list[str]] = defaultdict(list)
    links = ArtifactChild.objects.filter(Q(index_id__in=ids) | Q(child_id__in=ids), kind="runnable")
    wanted = set(ids)
    for link in links.select_related("index", "child").order_by("index", "position"):
        if link.index_id in wanted and link.child.digest not in members[link.index_id]:
            members[link.index_id].append(link.child.digest)
        if link.child_id in wanted and link.index.digest not in member_of[link.child_id]:
            member_of[link.child_id].append(link.index.digest)
    return (
        {pk: tuple(digests) for pk, digests in members.items()},
        {pk: tuple(digests) for pk, digests in member_of.items()},
    )


def _bases(ids: Sequence[UUID]) -> dict[UUID, tuple[Lineage, tuple[str, ...]]]:
    found: dict[UUID, list[LineageRow]] = defaultdict(list)
    rows = LineageRow.objects.filter(artifact_id__in=ids, is_nearest=True).select_related("ancestor")
    for row in rows.order_by("artifact", "ancestor"):
        found[row.artifact_id].append(row)
    return {
        pk: (
            Lineage.EXACT if len(links) == 1 and links[0].certainty == "exact" else Lineage.AMBIGUOUS,
            tuple(link.ancestor.digest for link in links),
        )
        for pk, links in found.items()
    }


def _scans(ids: Sequence[UUID]) -> dict[UUID, Scan]:
    return {scan.artifact_id: scan for scan in Scan.objects.filter(artifact_id__in=ids, is_latest=True)}


def _running(ids: Sequence[UUID]) -> set[str]:
    """Artifacts that a scan job is open for, as texts."""
    jobs = Job.objects.filter(subject_id__in=[str(pk) for pk in ids], kind__startswith="scans.", state__in=OPEN)
    return set(jobs.values_list("subject_id", flat=True))


def _scan_facts(scan: Scan | None, *, is_running: bool, waived_until: datetime | None) -> dict[str, Any]:
    # What lets it run stands while the next look is under way: a complete report, or a waiver of its absence.
    if scan is None or (is_running and scan.state != "complete" and waived_until is None):
        return {"scan": ScanState.RUNNING if is_running else ScanState.NONE}
    return {
        "scan": _SCAN_STATES[scan.state],
        "scan_cause": "" if scan.state == "complete" else scan.sentence,
        "scanned_at": seconds(scan.scanned_at),
        "feed_at": seconds(scan.feed_snapshot_at),
        "is_feed_frozen": scan.is_feed_frozen,
        "inventory_waived_until": seconds(waived_until),
    }


def _subversions(ids: Sequence[UUID], at: datetime) -> dict[UUID, dict[str, Any]]:
    rows = list(Subversion.objects.filter(artifact_id__in=ids).select_related("version__image"))
    after = Successors({row.version_id for row in rows}, at)
    return {row.artifact_id: _subversion_facts(row, after.of(row)) for row in rows}


class Successors:
    """What to move to, for many subversions at once: one query where ``catalog`` asks one each."""

    def __init__(self, version_ids: Iterable[UUID], at: datetime) -> None:
        self._by_version: dict[UUID, list[Subversion]] = defaultdict(list)
        usable = catalog_selectors.approved_subversions(at).filter(version_id__in=list(version_ids))
        is_kept = Q(retiring_from=None) | Q(retiring_from__gt=at)
        for row in usable.filter(is_kept).order_by("-certified_from", "-pk"):
            self._by_version[row.version_id].append(row)

    def of(self, subversion: Subversion) -> Subversion | None:
        """The newest certified one of the same version, other than itself."""
        others = self._by_version.get(subversion.version_id, ())
        return next((row for row in others if row.pk != subversion.pk), None)


def _subversion_facts(subversion: Subversion, successor: Subversion | None) -> dict[str, Any]:
    ends = [end for end in (subversion.certified_until, subversion.retiring_until) if end is not None]
    return {
        "subversion": f"{subversion.version} {subversion.name}",
        "certified_from": seconds(subversion.certified_from),
        "certified_until": seconds(min(ends)) if subversion.certified_from and ends else 0,
        "retiring_from": seconds(subversion.retiring_from),
        "suspended_from": seconds(subversion.suspended_from),
        "suspended_until": seconds(subversion.suspended_until),
        "revoked_at": seconds(subversion.revoked_at),
        "rejected_at": seconds(subversion.rejected_at),
        "reason": subversion.reason,
        "use_instead": reference_to(successor) if successor else "",
        "use_instead_name": successor.name if successor else "",
    }


def reference_to(subversion: Subversion) -> str:
    """The full reference by digest that teams pull."""
    return f"{subversion.certified_repository}@{subversion.certified_digest}"


def seconds(moment: datetime | None) -> int:
    """Unix seconds; 0 for no moment."""
    return int(moment.timestamp()) if moment else 0
