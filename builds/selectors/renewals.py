"""Reads of *last renewed*, for one version and for many."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery

from builds.domain.renewal import Renewal, RenewalFacts, renewal_state
from builds.models import Build, Cause, Source, Watch
from catalog.models import Subversion, Version

GOOD = (Build.State.SUCCEEDED, Build.State.NO_CHANGE)
BAD = (Build.State.FAILED, Build.State.STOPPED)
OPEN = (Build.State.ASKED, Build.State.RUNNING, Build.State.BUILT)


def renewal_of(version: Version, at: datetime) -> Renewal:
    """Whether ``version`` is renewed as it should be."""
    return renewals([version.pk], at)[version.pk]


def renewals(version_ids: Iterable[UUID], at: datetime) -> dict[UUID, Renewal]:
    """The same for many, by version id. A fixed number of queries, however many there are.

    A version with a source is renewed by it; else by the tag that is followed for it. Of several sources the one that
    is not paused counts.
    """
    ids = list(dict.fromkeys(version_ids))
    found: dict[UUID, RenewalFacts] = {}
    for watch in Watch.objects.filter(version_id__in=ids).select_related("last_import").order_by("-created_at", "-pk"):
        found[watch.version_id] = _facts_of_watch(watch)
    for source in _sources(ids).order_by("-is_paused", "created_at", "pk"):
        found[source.version_id] = _facts_of_source(source)
    waiting = _candidates(ids)
    return {
        pk: renewal_state(replace(found.get(pk, RenewalFacts()), candidate_since=waiting.get(pk)), at) for pk in ids
    }


def _sources(version_ids: list[UUID]) -> QuerySet[Source]:
    renewing = Q(builds__purpose=Build.Purpose.RENEWAL)
    ended = Build.objects.filter(source=OuterRef("pk"), purpose=Build.Purpose.RENEWAL, finished_at__isnull=False)
    newest = ended.order_by("-finished_at", "-pk")
    held = Cause.objects.filter(source=OuterRef("pk"), build=None).order_by("at")
    return Source.objects.filter(version_id__in=version_ids).annotate(
        last_good_at=Max("builds__finished_at", filter=renewing & Q(builds__state__in=GOOD)),
        open_builds=Count("builds", filter=renewing & Q(builds__state__in=OPEN)),
        last_state=Subquery(newest.values("state")[:1]),
        last_ended_at=Subquery(newest.values("finished_at")[:1]),
        last_build_failure=Subquery(newest.values("failure")[:1]),
        held_since=Subquery(held.values("at")[:1]),
    )


def _facts_of_source(source: Source) -> RenewalFacts:
    facts = RenewalFacts(
        interval=timedelta(days=source.renew_every_days),
        since=source.created_at,
        last_good_at=source.last_good_at,  # type: ignore[attr-defined]
        is_running=bool(source.open_builds),  # type: ignore[attr-defined]
        is_paused=source.is_paused,
        held_since=source.held_since,  # type: ignore[attr-defined]
    )
    if source.last_state in BAD:  # type: ignore[attr-defined]
        failed = {"last_failure_at": source.last_ended_at, "last_failure": source.last_build_failure}  # type: ignore[attr-defined]
        return replace(facts, **failed)
    return facts


def _facts_of_watch(watch: Watch) -> RenewalFacts:
    facts = RenewalFacts(
        interval=timedelta(seconds=watch.every_seconds),
        since=watch.created_at,
        last_good_at=watch.last_checked_at,
        is_paused=watch.is_paused,
        is_stopped=watch.stopped_at is not None,
        unanswered=watch.last_failure,
        is_built=False,
    )
    asked = watch.last_import
    if asked is not None and asked.state == "failed":
        return replace(facts, last_failure_at=asked.finished_at, last_failure=asked.failure)
    return facts


def _candidates(version_ids: list[UUID]) -> dict[UUID, datetime]:
    """Version id to when the oldest candidate came that nobody decided about and no newer certified one replaces."""
    undecided = Q(certified_from=None, rejected_at=None, revoked_at=None)
    newest = Subversion.objects.filter(version=OuterRef("version"), certified_from__isnull=False)
    rows = Subversion.objects.filter(undecided, version_id__in=version_ids)
    rows = rows.annotate(newest=Subquery(newest.order_by("-created_at", "-pk").values("created_at")[:1]))
    rows = rows.filter(Q(newest=None) | Q(created_at__gt=F("newest"))).order_by()
    return {row["version_id"]: row["since"] for row in rows.values("version_id").annotate(since=Min("created_at"))}
