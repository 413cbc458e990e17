"""Feeds: adding, changing, syncing, importing a file.

A sync is: fetch (no transaction), learn from when the contents are, refuse what goes back, then put everything in
place, match it and write who moved, in one transaction. Nothing of a refused file is kept but the reason.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from core.errors import FieldError, GoldgateError
from jobs.services import ensure_schedule
from scans.adapters.feed_files import digest_of, document_of, guess_kind, records_of
from scans.adapters.publisher import fetch_feed, fetch_index
from scans.adapters.scratch import scratch
from scans.domain.exploited import CatalogueMalformed, parse_catalogue
from scans.domain.ratings import RatingsMalformed, parse_ratings
from scans.domain.snapshot_time import SnapshotTimeRefused, accepted_time, stated_by_header, stated_in
from scans.domain.support import SupportDataMalformed, parse_support_data
from scans.errors import (
    FeedContentsRefused,
    FeedHasNoUrl,
    FeedMalformed,
    FeedMissing,
    FeedNameTaken,
    SnapshotRefused,
    SnapshotTimeMissing,
)
from scans.models import AdvisedVulnerability, Advisory, AffectedRange, Feed, Match, Vulnerability
from scans.services.applying import (
    Applied,
    apply_advisories,
    apply_exploited,
    apply_ratings,
    apply_support,
    roll_up_exploited,
    roll_up_severity,
)
from scans.services.matching import hold_matching_lock
from scans.services.movement import Movement, record_changes
from scans.services.standing import rejudge_everything, rejudge_moved

T = TypeVar("T")

WORKER = Actor.system("worker")
# The timer that people may edit; half the age at which advisories are too old to certify with would still do.
SCHEDULE = "Sync feeds"
SYNC_EVERY_SECONDS = 6 * 3600
ANALYZED_FROM = 500  # advisories, new or changed in one sync
_CHANGEABLE = ("url", "index_url", "allow_private", "is_enabled", "is_frozen", "declared_ecosystems")


@dataclass(frozen=True, slots=True)
class Stated:
    """From when contents are, and who says so."""

    at: datetime
    source: str


@transaction.atomic
def add_feed(
    *,
    name: str,
    kind: str,
    actor: Actor,
    now: datetime,
    url: str = "",
    index_url: str = "",
    allow_private: bool = False,
    is_frozen: bool = False,
    declared_ecosystems: Sequence[str] = (),
) -> Feed:
    """Name a source. Raises FeedMalformed; FeedNameTaken."""
    feed = Feed(
        name=name.strip(),
        kind=kind,
        url=url.strip(),
        index_url=index_url.strip(),
        allow_private=allow_private,
        is_frozen=is_frozen,
        declared_ecosystems=list(declared_ecosystems),
        created_at=now,
    )
    _require_sound(feed)
    try:
        with transaction.atomic():
            feed.save(force_insert=True)
    except IntegrityError as error:
        if "feed_name_unique" not in str(error):
            raise
        raise FeedNameTaken(
            f"There is a feed {name!r} already.", cure="Change that one, or take another name."
        ) from error
    _record(Verb.FEED_ADDED, feed, actor, now, {"kind": feed.kind, "url": feed.url})
    if feed.url:
        ensure_schedule(SCHEDULE, "scans.sync_all_feeds", every_seconds=SYNC_EVERY_SECONDS)
    return feed


@transaction.atomic
def change_feed(*, feed_id: UUID, actor: Actor, now: datetime, **changes: Any) -> Feed:
    """Change where a feed comes from or whether it counts. Raises FeedMissing; FeedMalformed.

    Disabling a feed takes its advisories, ratings and entries out of every finding at once, and is recorded.
    """
    feed = _locked(feed_id)
    moved = {name: value for name, value in changes.items() if name in _CHANGEABLE and getattr(feed, name) != value}
    if unknown := set(changes) - set(_CHANGEABLE):
        raise ValueError(f"a feed has no {sorted(unknown)[0]}")
    if not moved:
        return feed
    for name, value in moved.items():
        setattr(feed, name, value)
    _require_sound(feed)
    feed.save(update_fields=list(moved))
    _record(Verb.FEED_CHANGED, feed, actor, now, {name: moved[name] for name in sorted(moved)})
    if {"is_enabled", "is_frozen", "declared_ecosystems"} & set(moved):
        hold_matching_lock()
        roll_up_severity(feed.ratings.values_list("vulnerability_id", flat=True).distinct())
        roll_up_exploited(feed.exploited.values_list("vulnerability_id", flat=True).distinct())
        rejudge_everything(because=f"feed {feed.name} changed", now=now)
    return feed


@transaction.atomic
def ask_sync(*, feed_id: UUID, actor: Actor, now: datetime) -> Feed:
    """Have a feed synced soon; the job follows from the record. Raises FeedMissing; FeedHasNoUrl."""
    feed = _locked(feed_id)
    _require_url(feed)
    _record(Verb.FEED_SYNC_ASKED, feed, actor, now, {})
    return feed


@transaction.atomic
def ask_sync_of_all(*, now: datetime) -> int:
    """Have every enabled feed with an address synced soon; how many."""
    feeds = list(Feed.objects.filter(is_enabled=True).exclude(url="").order_by("name"))
    for feed in feeds:
        _record(Verb.FEED_SYNC_ASKED, feed, WORKER, now, {"because": "schedule"})
    return len(feeds)


def sync_feed(
    *,
    feed_id: UUID,
    now: datetime,
    check: Callable[[], None] = lambda: None,
    progress: Callable[[int, str], None] = lambda done, text: None,
) -> Feed:
    """Fetch a feed from its publisher and take it over.

    Raises: FeedMissing; FeedHasNoUrl; FeedUnavailable (tried again by itself); FeedAddressRefused; SnapshotTimeMissing;
    SnapshotRefused; FeedContentsRefused. Each of them is kept on the feed and in the record.
    """
    feed = Feed.objects.filter(pk=feed_id).first()
    if feed is None:
        raise FeedMissing(f"There is no feed {feed_id}.")
    _require_url(feed)
    with _failure_kept(feed, now), scratch("feed-") as directory:
        target = directory / (Path(urlsplit(feed.url).path).name[-100:] or "feed")
        progress(0, "fetching")
        index = fetch_index(feed.index_url, allow_private=feed.allow_private) if feed.index_url else None
        fetched = fetch_feed(feed.url, target, allow_private=feed.allow_private, check=check)
        stated = _stated_by_publisher(feed, fetched.last_modified, index)
        return _take_over(feed, target, stated, actor=WORKER, now=now, progress=progress)


def import_feed_file(
    *,
    path: Path,
    actor: Actor,
    now: datetime,
    name: str = "",
    kind: str = "",
    snapshot_at: datetime | None = None,
    source: str = "",
    is_frozen: bool = False,
    declared_ecosystems: Sequence[str] = (),
    progress: Callable[[int, str], None] = lambda done, text: None,
) -> Feed:
    """Take over a file, or a directory of them, into the feed ``name`` (made when it is new; default: the file's name).

    From when it is: ``snapshot_at``, else the sidecar ``FILE.meta.json``, else what the contents state themselves.
    Raises: SnapshotTimeMissing; SnapshotRefused; FeedContentsRefused; FeedMalformed when the feed is of another kind.
    """
    kind = kind or guess_kind(path)
    name = name or path.name.split(".")[0]
    stated = _stated_for_file(path, snapshot_at, source)
    feed = Feed.objects.filter(name=name).first()
    if feed is not None and feed.kind != kind:
        raise FeedMalformed(f"The feed {name} holds {feed.get_kind_display()}, and this is {kind}.")
    if feed is None:
        feed = add_feed(
            name=name, kind=kind, actor=actor, now=now, is_frozen=is_frozen, declared_ecosystems=declared_ecosystems
        )
    with _failure_kept(feed, now):
        return _take_over(feed, path, stated, actor=actor, now=now, progress=progress)


def _take_over(
    feed: Feed,
    path: Path,
    stated: Stated | None,
    *,
    actor: Actor,
    now: datetime,
    progress: Callable[[int, str], None],
) -> Feed:
    digest = digest_of(path)
    document = b"" if feed.kind == Feed.Kind.OSV else document_of(path)
    if stated is None and feed.kind == Feed.Kind.KEV:
        stated = Stated(_malformed_refused(parse_catalogue, document)[0], "the catalogue's dateReleased")
    if stated is None:
        raise SnapshotTimeMissing(
            f"Nobody states from when the contents of {feed.name} are.",
            cure="State it: --snapshot-at, a sidecar FILE.meta.json with snapshot_at, an index file, or Last-Modified.",
        )
    with transaction.atomic():
        feed = _locked(feed.pk)
        at = _accepted(feed, stated, now)
        movement = Movement()
        applied = _apply(feed, path, document, movement, now, progress)
        _keep(feed, applied, at, stated, digest, now)
        if applied.new + applied.changed >= ANALYZED_FROM:
            _analyze()
        progress(applied.records, "writing down what moved")
        moved = record_changes(movement.changes, because=f"feed {feed.name}", now=now)
        moved += rejudge_moved(now=now)
        data = {
            "kind": feed.kind,
            "snapshot_at": at.isoformat(),
            "stated_by": stated.source,
            "content": digest,
            "records": applied.records,
            "new": applied.new,
            "changed": applied.changed,
            "gone": applied.gone,
            "problems": applied.problem_count,
            "moved_artifacts": moved,
        }
        _record(Verb.FEED_SYNCED, feed, actor, now, data)
    return feed


def _apply(
    feed: Feed,
    path: Path,
    document: bytes,
    movement: Movement,
    now: datetime,
    progress: Callable[[int, str], None],
) -> Applied:
    match Feed.Kind(feed.kind):
        case Feed.Kind.OSV:
            applied = apply_advisories(
                feed=feed,
                records=records_of(path),
                movement=movement,
                now=now,
                progress=lambda done: progress(done, "reading advisories"),
            )
            movement.add_pairs()
            return applied
        case Feed.Kind.RATINGS:
            return apply_ratings(feed=feed, ratings=_malformed_refused(parse_ratings, document), movement=movement)
        case Feed.Kind.KEV:
            _, entries = _malformed_refused(parse_catalogue, document)
            return apply_exploited(feed=feed, entries=entries, movement=movement)
        case Feed.Kind.ENDOFLIFE:
            return apply_support(feed=feed, releases=_malformed_refused(parse_support_data, document))


def _analyze() -> None:
    """Have the planner look at what was taken over.

    By what it knows of nearly empty tables a list of findings may take minutes, and PostgreSQL looks by itself a minute
    after the commit, never before it.
    """
    tables = [model._meta.db_table for model in (Advisory, AffectedRange, AdvisedVulnerability, Vulnerability, Match)]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


def _malformed_refused(parse: Callable[[bytes], T], document: bytes) -> T:
    try:
        return parse(document)
    except (CatalogueMalformed, RatingsMalformed, SupportDataMalformed) as error:
        raise FeedContentsRefused(f"The file cannot be taken over: {error}.") from error


def _keep(feed: Feed, applied: Applied, at: datetime, stated: Stated, digest: str, now: datetime) -> None:
    feed.snapshot_at, feed.snapshot_source = at, stated.source[:500]
    feed.content_digest, feed.record_count, feed.problems = digest, applied.records, applied.problems
    feed.ecosystems = sorted(applied.ecosystems)
    feed.state, feed.error_code, feed.error = Feed.State.OK, "", ""
    feed.synced_at = feed.attempted_at = now
    feed.save()


def _accepted(feed: Feed, stated: Stated, now: datetime) -> datetime:
    try:
        return accepted_time(stated.at, now=now, last_used=feed.snapshot_at)
    except SnapshotTimeRefused as error:
        raise SnapshotRefused(f"{feed.name}: {error} (stated by {stated.source}).") from error


def _stated_by_publisher(feed: Feed, last_modified: str, index: bytes | None) -> Stated | None:
    try:
        if index is not None:
            at, source = stated_in(index)
            return Stated(at, source or f"the index file {feed.index_url}")
        return Stated(stated_by_header(last_modified), "HTTP Last-Modified") if last_modified else None
    except SnapshotTimeRefused as error:
        raise SnapshotRefused(f"{feed.name}: {error}.") from error


def _stated_for_file(path: Path, snapshot_at: datetime | None, source: str) -> Stated | None:
    if snapshot_at is not None:
        return Stated(snapshot_at, source or "whoever imported the file")
    sidecar = path.with_name(f"{path.name}.meta.json")
    if not sidecar.is_file():
        return None
    try:
        at, stated_source = stated_in(sidecar.read_bytes()[: 64 * 1024])
    except SnapshotTimeRefused as error:
        raise SnapshotRefused(f"{sidecar.name}: {error}.") from error
    return Stated(at, source or stated_source or f"the sidecar {sidecar.name}")


@contextmanager
def _failure_kept(feed: Feed, now: datetime) -> Iterator[None]:
    """What refuses a feed stands on it, and in the record, for those who look later; then it is raised."""
    try:
        yield
    except GoldgateError as error:
        with transaction.atomic():
            Feed.objects.filter(pk=feed.pk).update(
                state=Feed.State.FAILED, error_code=error.code, error=error.detail[:2000], attempted_at=now
            )
            _record(Verb.FEED_FAILED, feed, WORKER, now, {"code": error.code, "detail": error.detail[:500]})
        raise


def _locked(feed_id: UUID) -> Feed:
    feed = Feed.objects.select_for_update().filter(pk=feed_id).first()
    if feed is None:
        raise FeedMissing(f"There is no feed {feed_id}.")
    return feed


def _require_url(feed: Feed) -> None:
    if not feed.url:
        raise FeedHasNoUrl(f"{feed.name} has no address to sync from.", cure="Import a newer file, or give it a URL.")


def _require_sound(feed: Feed) -> None:
    wrong: list[FieldError] = []
    if not 1 <= len(feed.name) <= 100:
        wrong.append(FieldError("/name", "invalid", "A feed has a name of 1 to 100 characters."))
    if feed.kind not in Feed.Kind.values:
        wrong.append(FieldError("/kind", "invalid", f"The kind is one of {', '.join(Feed.Kind.values)}."))
    for name in ("url", "index_url"):
        text = getattr(feed, name)
        if text and not _is_web_address(text):
            wrong.append(FieldError(f"/{name}", "invalid", "It must be an http or https address without a password."))
    if wrong:
        raise FeedMalformed(" ".join(one.detail for one in wrong), errors=wrong)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(
            parts.scheme in ("http", "https")
            and parts.hostname
            and not parts.username
            and len(text) <= 1000
            and (parts.port is None or parts.port > 0)
            and text.isprintable()
        )
    except ValueError:
        return False


def _record(verb: Verb, feed: Feed, actor: Actor, now: datetime, data: dict[str, Any]) -> None:
    record(verb, actor=actor, subject=Subject("feed", str(feed.pk), feed.name), at=now, data=data)
