"""Reasons to rebuild, each noted once; many at once make one build.

- The same reason with the same key was noted before: nothing happens.
- A build of the source waits already: the cause joins it. What runs may have read its inputs before the cause came, so
  then another one waits behind it.
- The source is paused, or the breaker is tripped: the cause is held, and told. It joins the next build that starts.
- A held *fix* does not wait for another reason: it is built when the breaker's day is over. What moved too often may be
  a loop that only a person ends; a fix that nobody builds is a hole that stays open.

A source's row is locked while its causes are counted: of three at once each sees what the others wrote.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from builds.domain import breaker
from builds.errors import BuiltElsewhere
from builds.models import Build, Cause, Source
from builds.selectors.sources import source_subject
from jobs.services import enqueue

WORKER = Actor.system("worker")
MAX_DETAIL_ITEMS = 50  # fixes, packages and the like that one cause names; its key stands for all of them


@transaction.atomic
def note_cause(
    *, source: Source, reason: str, key: str, detail: dict[str, Any], now: datetime, actor: Actor | None = None
) -> Cause:
    """Note a reason to rebuild ``source``; the cause with the build that answers it, or held without one.

    Raises BuiltElsewhere for a source whose images a pipeline submits.
    """
    source = locked_source(source)
    if source.builder == Source.Builder.EXTERNAL:
        raise BuiltElsewhere(f"{source} is built by a pipeline elsewhere.", cure="Start that pipeline.")
    if known := Cause.objects.select_related("build").filter(source=source, reason=reason, key=key).first():
        return known
    waiting = waiting_build(source)
    held = _why_held(source, reason, waiting, now)
    build = None if held else waiting or new_build(source, now=now)
    cause = Cause.objects.create(
        source=source, build=build, reason=Cause.Reason(reason), key=key, detail=detail, at=now
    )
    _tell(cause, source, held, actor or WORKER, now)
    if held:
        _build_later(source, reason, now)
    if build is not None:
        take_up(build, is_new=waiting is None, actor=actor or WORKER, now=now)
    return cause


@transaction.atomic
def build_held(*, source_id: UUID | str, now: datetime) -> Build | None:
    """Build the fixes that the breaker held, now that its day is over; None where nothing is held or may start."""
    source = Source.objects.select_for_update(of=("self",), no_key=True).filter(pk=source_id).first()
    if source is None or source.is_paused or source.builder == Source.Builder.EXTERNAL:
        return None
    if not Cause.objects.filter(source=source, build=None, reason=Cause.Reason.FIX_AVAILABLE).exists():
        return None
    waiting = waiting_build(source)
    if _why_held(source, Cause.Reason.FIX_AVAILABLE, waiting, now):
        _build_later(source, Cause.Reason.FIX_AVAILABLE, now)
        return None
    build = waiting or new_build(source, now=now)
    take_up(build, is_new=waiting is None, actor=WORKER, now=now)
    return build


def locked_source(source: Source) -> Source:
    """The row, locked until the transaction ends."""
    return Source.objects.select_for_update(of=("self",), no_key=True).get(pk=source.pk)


def waiting_build(source: Source) -> Build | None:
    """The build that waits for the builder, locked: it cannot begin before the caller's transaction ends."""
    waiting = Build.objects.filter(source=source, state=Build.State.ASKED, purpose=Build.Purpose.RENEWAL)
    return waiting.select_for_update(of=("self",)).first()


def new_build(source: Source, *, now: datetime, **fields: Any) -> Build:
    """A build of a locked source, asked for."""
    last = source.builds.aggregate(last=Max("number"))["last"] or 0
    return Build.objects.create(source=source, number=last + 1, asked_at=now, **fields)


def take_up(build: Build, *, is_new: bool, actor: Actor, now: datetime) -> None:
    """Start a new build, or have one that waits read its inputs again; what was held for its source joins it."""
    Cause.objects.filter(source_id=build.source_id, build=None).update(build=build)
    if is_new:
        record(Verb.BUILD_ASKED, actor=actor, subject=subject_of(build), at=now, data={"purpose": build.purpose})
    elif build.recipe_id is not None:
        # Its source was fetched before this cause came: what is queued for the builder finds no recipe and ends.
        build.recipe, build.is_reviewed = None, False
        build.save(update_fields=["recipe", "is_reviewed"])
        enqueue("builds.begin", subject_id=build.pk, now=now, key=f"builds.begin:{build.pk}")


def builds_for(source: Source, reason: str, now: datetime) -> list[datetime]:
    """When builds of ``source`` were asked for because of ``reason``, within the breaker's window."""
    because = Cause.objects.filter(source=source, reason=reason, build__isnull=False)
    found = Build.objects.filter(pk__in=because.values("build_id"), asked_at__gt=now - breaker.WINDOW)
    return list(found.order_by("asked_at").values_list("asked_at", flat=True))


def subject_of(build: Build) -> Subject:
    """How the record names a build."""
    return Subject("build", str(build.pk), str(build))


def _why_held(source: Source, reason: str, waiting: Build | None, now: datetime) -> str:
    """The sentence to tell, or "" when it may go on. Joining a build that waits is no further build."""
    if source.is_paused:
        return f"{source} is paused."
    if waiting is not None or not breaker.is_tripped(earlier := builds_for(source, reason, now), now):
        return ""
    until = breaker.free_at(earlier, now)
    return (
        f"{len(earlier)} builds for this reason within 24 hours: none is started for it before"
        f" {until:%Y-%m-%d %H:%M} UTC.{_then(reason)} A person may start one by hand."
    )


def _then(reason: str) -> str:
    return " It starts by itself then." if reason == Cause.Reason.FIX_AVAILABLE else ""


def _build_later(source: Source, reason: str, now: datetime) -> None:
    """Come back to held fixes when the breaker lets one more start. A paused source is let go on by a person."""
    if reason == Cause.Reason.FIX_AVAILABLE and not source.is_paused:
        free = breaker.free_at(builds_for(source, reason, now), now)
        enqueue("builds.build_held", subject_id=source.pk, now=now, run_at=free, key=f"builds.build_held:{source.pk}")


def _tell(cause: Cause, source: Source, held: str, actor: Actor, now: datetime) -> None:
    verb = Verb.CAUSE_HELD if held else Verb.CAUSE_NOTED
    told = {"why": held} if held else {"build": str(cause.build_id)}
    data = {"cause": str(cause.pk), "reason": cause.reason, "detail": cause.detail, **told}
    record(verb, actor=actor, subject=source_subject(source), at=now, data=data)
