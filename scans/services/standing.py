"""After a sync: what stands is as new as the feeds, and what no longer stands is judged again.

Nothing is matched here and no image is looked at: matches are kept per component, so they are right already. That is
why a daily scan of every image costs a few updates.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from registry.models import Artifact
from scans.domain.support import SupportDates
from scans.models import Feed, Inventory, Scan
from scans.selectors.feeds import covering_feeds, support_dates
from scans.services.movement import Changes, record_changes
from scans.services.scanning import indexes_of, refresh_index, refresh_scans

_BATCH = 500  # images judged at once

_TIMES_OF_INDEXES = """
UPDATE scans_scan s
SET scanned_at = %(now)s, feed_snapshot_at = x.feed_snapshot_at, is_feed_frozen = x.is_feed_frozen
FROM (
  SELECT k.index_id, min(c.feed_snapshot_at) AS feed_snapshot_at, bool_or(c.is_feed_frozen) AS is_feed_frozen
  FROM registry_artifactchild k
  JOIN scans_scan c ON c.artifact_id = k.child_id AND c.is_latest
  WHERE k.kind = 'runnable' GROUP BY k.index_id
) x
WHERE s.is_latest AND s.deciding_id IS NOT NULL AND s.artifact_id = x.index_id
"""


@transaction.atomic
def rejudge_moved(*, now: datetime) -> int:
    """Bring every standing scan up to the feeds' times; judge those again for which a feed began or ceased to cover
    them, or whose support dates moved. How many were judged again."""
    feeds = covering_feeds()
    images = _images_to_rejudge(feeds, now)
    for start in range(0, len(images), _BATCH):
        part = Artifact.objects.filter(pk__in=images[start : start + _BATCH]).order_by("pk")
        refresh_scans(images=list(part), now=now)
    for index in indexes_of(images):
        refresh_index(index=index, now=now)
    for ecosystem, feed in feeds.items():
        Scan.objects.filter(is_latest=True, failure="", inventory__ecosystem=ecosystem).update(
            scanned_at=now, feed_snapshot_at=feed.snapshot_at, feed_name=feed.name, is_feed_frozen=feed.is_frozen
        )
    with connection.cursor() as cursor:
        cursor.execute(_TIMES_OF_INDEXES, {"now": now})
    return len(images)


@transaction.atomic
def rejudge_everything(*, because: str, now: datetime) -> int:
    """Judge every standing scan again and record those whose findings moved; how many moved.

    For the rare deeds that change what all findings are: a feed disabled, the order keys encoded anew.
    """
    standing = Scan.objects.filter(is_latest=True, inventory__isnull=False).order_by("artifact_id")
    images = list(standing.values_list("artifact_id", flat=True))
    changes: Changes = {}
    for start in range(0, len(images), _BATCH):
        part = images[start : start + _BATCH]
        before = dict(standing.filter(artifact_id__in=part).values_list("artifact_id", "summary"))
        for scan in refresh_scans(images=list(Artifact.objects.filter(pk__in=part).order_by("pk")), now=now):
            if scan.summary != before[scan.artifact_id]:
                changes[scan.artifact_id] = {"recounted": []}
    record_changes(changes, because=because, now=now)
    rejudge_moved(now=now)
    return len(changes)


def _images_to_rejudge(feeds: dict[str, Feed], now: datetime) -> list[UUID]:
    standing = Scan.objects.filter(is_latest=True, failure="", inventory__isnull=False)
    uncovered = standing.filter(feed_snapshot_at=None, inventory__ecosystem__in=list(feeds))
    orphaned = standing.filter(feed_snapshot_at__isnull=False).exclude(inventory__ecosystem__in=list(feeds))
    today = now.date()
    ended = standing.filter(state=Scan.State.COMPLETE).filter(
        Q(support_eoes__lt=today) | Q(support_eoes=None, support_eol__lt=today)
    )
    found: set[UUID] = set()
    for rows in (uncovered, orphaned, ended):
        found.update(rows.values_list("artifact_id", flat=True))
    releases = set(Inventory.objects.order_by().values_list("os_id", "os_version").distinct())
    dates = support_dates(releases)
    for release in releases:
        found.update(_with_other_dates(release, dates.get(release)))
    return sorted(found)


def _with_other_dates(release: tuple[str, str], dates: SupportDates | None) -> Iterable[UUID]:
    standing = Scan.objects.filter(
        is_latest=True, failure="", inventory__os_id=release[0], inventory__os_version=release[1]
    )
    if dates is None:
        return standing.filter(is_support_known=True).values_list("artifact_id", flat=True)
    same = standing.filter(is_support_known=True, support_eol=dates.eol, support_eoes=dates.eoes)
    return standing.exclude(pk__in=same.values("pk")).values_list("artifact_id", flat=True)
