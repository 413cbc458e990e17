"""Puts a feed's contents in the place of what it held before, in the caller's transaction.

A feed states everything it knows: what it no longer has is gone with it. A record that cannot be read is listed and
left out; too many of them, none at all, or a feed that lost half of itself, is refused as a whole: a truncated file
must not read as "fixed".
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from scans.adapters.feed_files import RawRecord
from scans.domain.exploited import Exploited
from scans.domain.osv import AdvisoryMalformed, AdvisoryRecord, Interval, parse_advisory
from scans.domain.ratings import SourcedRating
from scans.domain.severity import RatedVector, VectorMalformed, rate_vector
from scans.domain.support import SupportDates
from scans.domain.versions import KEY_VERSION
from scans.errors import FeedContentsRefused
from scans.models import (
    AdvisedVulnerability,
    Advisory,
    AffectedRange,
    EndOfLife,
    Feed,
    KnownExploited,
    Rating,
    Vulnerability,
)
from scans.services.matching import hold_matching_lock, match_advisories
from scans.services.movement import Movement

_BATCH = 1000  # records, and rows a statement
MAX_PROBLEMS_LISTED = 20
MAX_PROBLEM_SHARE = 0.01  # of the records
MIN_PROBLEMS = 10  # as few as these never refuse a feed by themselves


@dataclass(slots=True)
class Applied:
    """What became of a feed's contents."""

    records: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)
    problem_count: int = 0
    ecosystems: set[str] = field(default_factory=set)

    def note_problem(self, where: str, why: str) -> None:
        """One record, or a part of it, that cannot be used."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS_LISTED:
            self.problems.append({"where": where[:200], "why": why[:300]})


def apply_advisories(
    *,
    feed: Feed,
    records: Iterable[RawRecord],
    movement: Movement,
    now: datetime,
    progress: Callable[[int], None] = lambda done: None,
) -> Applied:
    """Take over a feed's advisories and match what is new or changed. Raises FeedContentsRefused."""
    hold_matching_lock()
    applied = Applied()
    standing = dict(Advisory.objects.filter(feed=feed, absent_since=None).values_list("osv_id", "body_sha256"))
    seen: dict[str, str] = {}
    moved: list[int] = []
    batch: dict[str, tuple[RawRecord, AdvisoryRecord, str]] = {}
    for raw in records:
        parsed = _read(raw, applied)
        if parsed is None:
            continue
        sha256 = hashlib.sha256(raw.body).hexdigest()
        if seen.get(parsed.id, sha256) != sha256:
            applied.note_problem(raw.where, f"{parsed.id} stands twice, with different contents")
            continue
        seen[parsed.id] = sha256
        if standing.get(parsed.id) != sha256:
            batch[parsed.id] = (raw, parsed, sha256)
        if len(batch) >= _BATCH:
            moved += _store_batch(feed, batch, standing, movement, applied, now)
            batch = {}
        if len(seen) % _BATCH == 0:
            progress(len(seen))
    if batch:
        moved += _store_batch(feed, batch, standing, movement, applied, now)
    applied.records = len(seen)
    _require_plausible(feed, applied)
    moved += _retire_absent(feed, standing.keys() - seen.keys(), movement, applied, now)
    match_advisories(advisory_ids=moved, now=now)
    ranges = AffectedRange.objects.filter(advisory__feed=feed, advisory__absent_since=None)
    applied.ecosystems = set(ranges.order_by().values_list("ecosystem", flat=True).distinct())
    return applied


def apply_ratings(*, feed: Feed, ratings: Sequence[SourcedRating], movement: Movement) -> Applied:
    """Take over a ratings file."""
    old = set(Rating.objects.filter(feed=feed).values_list("vulnerability_id", flat=True))
    ids = vulnerability_ids({rating.vulnerability_id for rating in ratings})
    Rating.objects.filter(feed=feed).delete()
    Rating.objects.bulk_create(
        [_rating(feed, None, ids[one.vulnerability_id], one.source, one.rated) for one in ratings], batch_size=_BATCH
    )
    movement.add_vulnerabilities("rerated", roll_up_severity(old | set(ids.values())))
    applied = Applied(records=len(ratings))
    _require_plausible(feed, applied)
    return applied


def apply_exploited(*, feed: Feed, entries: Sequence[Exploited], movement: Movement) -> Applied:
    """Take over a catalogue of exploited vulnerabilities."""
    old = set(KnownExploited.objects.filter(feed=feed).values_list("vulnerability_id", flat=True))
    unique = {entry.vulnerability_id: entry for entry in entries}
    ids = vulnerability_ids(unique)
    KnownExploited.objects.filter(feed=feed).delete()
    KnownExploited.objects.bulk_create(
        [
            KnownExploited(
                feed=feed, vulnerability_id=ids[name], name=one.name, added_on=one.added_on, due_on=one.due_on
            )
            for name, one in unique.items()
        ],
        batch_size=_BATCH,
    )
    began, ended = roll_up_exploited(old | set(ids.values()))
    movement.add_vulnerabilities("now_exploited", began)
    movement.add_vulnerabilities("no_longer_exploited", ended)
    applied = Applied(records=len(unique))
    _require_plausible(feed, applied)
    return applied


def apply_support(*, feed: Feed, releases: Sequence[SupportDates]) -> Applied:
    """Take over end-of-life dates."""
    unique = {(one.product, one.cycle): one for one in releases}
    EndOfLife.objects.filter(feed=feed).delete()
    EndOfLife.objects.bulk_create(
        [
            EndOfLife(
                feed=feed, product=one.product, cycle=one.cycle, eol=one.eol, eoes=one.eoes, has_ended=one.has_ended
            )
            for one in unique.values()
        ],
        batch_size=_BATCH,
    )
    applied = Applied(records=len(unique))
    _require_plausible(feed, applied)
    return applied


def vulnerability_ids(names: Iterable[str]) -> dict[str, int]:
    """The rows of vulnerabilities by name, made where they are new."""
    ordered = sorted(set(names))
    found: dict[str, int] = {}
    for start in range(0, len(ordered), _BATCH):
        part = ordered[start : start + _BATCH]
        Vulnerability.objects.bulk_create([Vulnerability(name=name) for name in part], ignore_conflicts=True)
        found |= dict(Vulnerability.objects.filter(name__in=part).values_list("name", "pk"))
    return found


def roll_up_severity(ids: Iterable[int]) -> list[int]:
    """Write each vulnerability's highest rating onto it; which ones moved. No rating is unknown (0)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scans_vulnerability v SET severity = x.severity"
            " FROM (SELECT w.id, COALESCE(max(r.severity), 0) AS severity FROM scans_vulnerability w"
            "  LEFT JOIN (scans_rating r JOIN scans_feed f ON f.id = r.feed_id AND f.is_enabled)"
            "  ON r.vulnerability_id = w.id WHERE w.id = ANY(%s) GROUP BY w.id) x"
            " WHERE v.id = x.id AND v.severity <> x.severity RETURNING v.id",
            [list(ids)],
        )
        return [row[0] for row in cursor.fetchall()]


def roll_up_exploited(ids: Iterable[int]) -> tuple[list[int], list[int]]:
    """Write onto each vulnerability whether it is known as exploited; which began to be, and which ceased."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scans_vulnerability v SET is_exploited = x.is_exploited, exploited_due_on = x.due_on"
            " FROM (SELECT w.id, count(k.id) > 0 AS is_exploited, min(k.due_on) AS due_on FROM scans_vulnerability w"
            "  LEFT JOIN (scans_knownexploited k JOIN scans_feed f ON f.id = k.feed_id AND f.is_enabled)"
            "  ON k.vulnerability_id = w.id WHERE w.id = ANY(%s) GROUP BY w.id) x"
            " WHERE v.id = x.id AND (v.is_exploited <> x.is_exploited OR v.exploited_due_on IS DISTINCT FROM x.due_on)"
            " RETURNING v.id, v.is_exploited",
            [list(ids)],
        )
        rows = cursor.fetchall()
    return [pk for pk, is_exploited in rows if is_exploited], [pk for pk, is_exploited in rows if not is_exploited]


def _read(raw: RawRecord, applied: Applied) -> AdvisoryRecord | None:
    try:
        return parse_advisory(raw.body)
    except AdvisoryMalformed as error:
        applied.note_problem(raw.where, str(error))
        return None


def _require_plausible(feed: Feed, applied: Applied) -> None:
    if applied.records == 0:
        raise FeedContentsRefused(f"{feed.name} holds no record that can be read.")
    if applied.problem_count > max(MIN_PROBLEMS, MAX_PROBLEM_SHARE * applied.records):
        first = applied.problems[0]
        raise FeedContentsRefused(
            f"{applied.problem_count} of the records of {feed.name} cannot be read; {first['where']}: {first['why']}."
        )
    if feed.record_count >= 20 and applied.records * 2 < feed.record_count:
        raise FeedContentsRefused(
            f"{feed.name} had {feed.record_count} records and now has {applied.records}: that is no update.",
            cure="If it is meant, add it as a new feed and disable this one.",
        )


def _store_batch(
    feed: Feed,
    batch: dict[str, tuple[RawRecord, AdvisoryRecord, str]],
    standing: dict[str, str],
    movement: Movement,
    applied: Applied,
    now: datetime,
) -> list[int]:
    """Write new and changed advisories with everything derived from them; their ids."""
    known = {row.osv_id: row for row in Advisory.objects.filter(feed=feed, osv_id__in=list(batch)).defer("body")}
    movement.note([row.pk for row in known.values()])
    rows = [
        _advisory(feed, raw, parsed, sha256, first_seen_at=known[name].first_seen_at if name in known else now)
        for name, (raw, parsed, sha256) in batch.items()
    ]
    Advisory.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["feed", "osv_id"],
        update_fields=_REWRITTEN,
        batch_size=_BATCH,
    )
    ids = dict(Advisory.objects.filter(feed=feed, osv_id__in=list(batch)).values_list("osv_id", "pk"))
    movement.note_new(list(ids.values()))
    applied.changed += len(known.keys() & standing.keys())
    applied.new += len(batch) - len(known.keys() & standing.keys())
    rerated = _store_derived(feed, {ids[name]: parsed for name, (_, parsed, _) in batch.items()}, applied)
    movement.note_rerated(rerated)
    return list(ids.values())


_REWRITTEN = [
    "body",
    "body_sha256",
    "aliases",
    "summary",
    "published_at",
    "modified_at",
    "withdrawn_at",
    "absent_since",
]


def _advisory(feed: Feed, raw: RawRecord, parsed: AdvisoryRecord, sha256: str, *, first_seen_at: datetime) -> Advisory:
    return Advisory(
        feed=feed,
        osv_id=parsed.id,
        body=raw.body,
        body_sha256=sha256,
        aliases=list(parsed.aliases),
        summary=parsed.summary,
        published_at=parsed.published,
        modified_at=parsed.modified,
        withdrawn_at=parsed.withdrawn,
        absent_since=None,
        first_seen_at=first_seen_at,
    )


def store_ranges(parsed: dict[int, AdvisoryRecord]) -> None:
    """Write the ranges of advisories in the place of those that stood."""
    AffectedRange.objects.filter(advisory_id__in=list(parsed)).delete()
    rows: list[AffectedRange] = []
    for pk, one in parsed.items():
        packages = Counter((interval.ecosystem, interval.package) for interval in one.intervals)
        for interval in one.intervals:
            is_alone = packages[interval.ecosystem, interval.package] == 1
            rows.append(_range(pk, interval, is_alone=is_alone))
    AffectedRange.objects.bulk_create(rows, batch_size=_BATCH)


def store_names(parsed: dict[int, AdvisoryRecord]) -> dict[str, int]:
    """Write which vulnerabilities advisories are about, in the place of what stood; the rows of those, by name."""
    AdvisedVulnerability.objects.filter(advisory_id__in=list(parsed)).delete()
    names = vulnerability_ids(name for one in parsed.values() for name in one.vulnerability_ids)
    AdvisedVulnerability.objects.bulk_create(
        [
            AdvisedVulnerability(advisory_id=pk, vulnerability_id=names[name])
            for pk, one in parsed.items()
            for name in one.vulnerability_ids
        ],
        batch_size=_BATCH,
    )
    return names


def _store_derived(feed: Feed, parsed: dict[int, AdvisoryRecord], applied: Applied) -> list[int]:
    """Write what follows from advisories; the vulnerabilities whose severity moved."""
    ids = list(parsed)
    store_ranges(parsed)
    old = set(Rating.objects.filter(advisory_id__in=ids).values_list("vulnerability_id", flat=True))
    Rating.objects.filter(advisory_id__in=ids).delete()
    names = store_names(parsed)
    ratings = [
        _rating(feed, pk, names[name], feed.name, rated)
        for pk, one in parsed.items()
        for rated in _rated(one, applied)
        for name in one.vulnerability_ids
    ]
    Rating.objects.bulk_create(ratings, batch_size=_BATCH)
    return roll_up_severity(old | set(names.values()))


def _rated(one: AdvisoryRecord, applied: Applied) -> Iterable[RatedVector]:
    for vector in one.vectors:
        try:
            yield rate_vector(vector)
        except VectorMalformed as error:
            # The advisory stands, unrated by this vector: an unreadable rating must not hide a vulnerability.
            applied.note_problem(one.id, str(error))


def _range(advisory_id: int, interval: Interval, *, is_alone: bool) -> AffectedRange:
    return AffectedRange(
        advisory_id=advisory_id,
        ecosystem=interval.ecosystem[:100],
        package=interval.package[:300],
        introduced=interval.introduced[:300],
        fixed=interval.fixed[:300],
        last_affected=interval.last_affected[:300],
        introduced_key=interval.introduced_key,
        end_key=interval.end_key,
        is_end_inclusive=interval.is_end_inclusive,
        is_alone=is_alone,
        incomparable=interval.incomparable[:300],
        key_version=KEY_VERSION,
    )


def _rating(feed: Feed, advisory_id: int | None, vulnerability_id: int, source: str, rated: RatedVector) -> Rating:
    return Rating(
        feed=feed,
        advisory_id=advisory_id,
        vulnerability_id=vulnerability_id,
        source=source[:200],
        cvss_version=rated.version,
        vector=rated.vector[:500],
        score=rated.score,
        severity=rated.severity,
    )


def _retire_absent(feed: Feed, names: Iterable[str], movement: Movement, applied: Applied, now: datetime) -> list[int]:
    absent = Advisory.objects.filter(feed=feed, osv_id__in=list(names))
    ids = list(absent.values_list("pk", flat=True))
    movement.note(ids)
    absent.update(absent_since=now)
    applied.gone = len(ids)
    return ids
