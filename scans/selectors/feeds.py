"""How old what we know is, and which feeds answer for which release."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from scans.domain.ecosystems import is_rolling, normal_ecosystem, release_cycle
from scans.domain.support import SupportDates, product_of
from scans.errors import FeedMissing
from scans.models import EndOfLife, Feed

# Ages at which a feed is worth a warning where no policy says otherwise (docs/reference/scans.md).
WARN_AGE = {
    Feed.Kind.OSV: timedelta(hours=48),
    Feed.Kind.RATINGS: timedelta(days=30),
    Feed.Kind.KEV: timedelta(days=7),
    Feed.Kind.ENDOFLIFE: timedelta(days=120),
}


@dataclass(frozen=True, slots=True)
class FeedAge:
    """One feed, how old its contents are, and whether that is too old."""

    feed: Feed
    age: timedelta | None  # None: never synced
    allowed: timedelta
    is_late: bool

    @property
    def is_blocking(self) -> bool:
        """Whether scans become stale by it: only advisories do that, the other kinds warn."""
        return self.is_late and self.feed.kind == Feed.Kind.OSV


def feed_of_id(feed_id: UUID) -> Feed:
    """Raises FeedMissing."""
    feed = Feed.objects.filter(pk=feed_id).first()
    if feed is None:
        raise FeedMissing(f"There is no feed {feed_id}.")
    return feed


def feed_ages(at: datetime) -> list[FeedAge]:
    """Every enabled feed with its age at ``at``, oldest first, never synced ones before all. One query."""
    found = [_age(feed, at) for feed in Feed.objects.filter(is_enabled=True)]
    return sorted(found, key=lambda one: (one.age is not None, -(one.age or timedelta()), one.feed.name))


def _age(feed: Feed, at: datetime) -> FeedAge:
    allowed = WARN_AGE[Feed.Kind(feed.kind)]
    age = at - feed.snapshot_at if feed.snapshot_at else None
    return FeedAge(feed=feed, age=age, allowed=allowed, is_late=age is None or age > allowed)


def covered_ecosystems(feed: Feed) -> list[str]:
    """The releases that a feed answers for: what somebody declared, else what its records name."""
    return [normal_ecosystem(name) for name in feed.declared_ecosystems or feed.ecosystems]


def covering_feeds() -> dict[str, Feed]:
    """For each release, of the enabled advisory feeds that cover it the one with the oldest snapshot. One query.

    The oldest decides: a fresh feed of fixes says nothing about what the stale one beside it would have said.
    """
    found: dict[str, Feed] = {}
    feeds = Feed.objects.filter(is_enabled=True, kind=Feed.Kind.OSV, snapshot_at__isnull=False)
    for feed in feeds.order_by("-snapshot_at", "name"):
        for ecosystem in covered_ecosystems(feed):
            found[ecosystem] = feed
    return found


def covering_feed(ecosystem: str) -> Feed | None:
    """The feed whose age counts for ``ecosystem``; None when nothing covers it."""
    return covering_feeds().get(ecosystem)


def support_dates(releases: Iterable[tuple[str, str]]) -> dict[tuple[str, str], SupportDates]:
    """For each ``(os-release ID, VERSION_ID)`` its dates, where the newest end-of-life data names it. One query.

    A distribution that rolls is supported without a day, unless the data names one.
    """
    wanted: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for os_id, version in releases:
        wanted.setdefault((product_of(os_id), release_cycle(os_id, version)), []).append((os_id, version))
    rows = EndOfLife.objects.filter(
        feed__is_enabled=True, product__in={product for product, _ in wanted}, cycle__in={cycle for _, cycle in wanted}
    ).order_by("feed__snapshot_at", "feed__name")
    # What rolls has no end: that somebody still writes advisories for it is said by its feed's age.
    found = {release: SupportDates(*key) for key, same in wanted.items() for release in same if is_rolling(release[0])}
    for row in rows:
        for release in wanted.get((row.product, row.cycle), ()):
            found[release] = SupportDates(row.product, row.cycle, row.eol, row.eoes, row.has_ended)
    return found


def feeds() -> QuerySet[Feed]:
    """Every feed, by name, those that are switched off among them."""
    return Feed.objects.order_by("name", "id")
