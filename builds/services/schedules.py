"""What is due: renewals of sources, looks at watched tags, and builds whose job died without telling them.

One job on one timer does it for all, with the same number of statements for one thing as for a thousand: it writes a
job for each thing that is due and when that is due next, and goes. What follows, each thing does by itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from builds.domain.jitter import next_due
from builds.models import Build, Cause, Source, Watch
from builds.selectors.sources_due import sources_due, watches_due
from builds.services.causes import note_cause
from builds.services.ending import end_build
from jobs.domain.state import State
from jobs.models import Job
from jobs.services import enqueue_many, ensure_schedule

SCHEDULE = "Renew what is due"
EVERY_SECONDS = 60
GOING = (Build.State.ASKED, Build.State.RUNNING, Build.State.BUILT)
BUILD_JOBS = ("builds.begin", "builds.run", "builds.take_in", "builds.take_submission")
GAVE_UP = (State.FAILED, State.CANCELLED)
# A build whose last job ended this long ago without ending it is given up.
GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Started:
    """How much one look at the clock started."""

    renewals: int
    looks: int
    given_up: int


def ensure_schedules() -> None:
    """The timer that looks at what is due; people may edit it in the page."""
    ensure_schedule(SCHEDULE, "builds.due", every_seconds=EVERY_SECONDS)
    ensure_schedule("Sweep what killed builds left", "builds.sweep", every_seconds=3600)


def start_due(*, now: datetime) -> Started:
    """Write a job for each source and each watch that is due, and say when it is due next.

    A source that was never planned is planned: its first build is started by a person or an approved recipe.
    """
    with transaction.atomic():
        renewals = _start_renewals(now)
    with transaction.atomic():
        looks = _start_looks(now)
    return Started(renewals, looks, _give_up(now))


def renew(*, source_id: str, due: str, now: datetime) -> Cause | None:
    """Note that a source is due; None where it no longer is: paused, or built elsewhere since."""
    source = Source.objects.filter(pk=source_id).exclude(builder=Source.Builder.EXTERNAL).first()
    if source is None or source.is_paused:
        return None
    detail = {"due": due, "every_days": source.renew_every_days}
    return note_cause(source=source, reason=Cause.Reason.SCHEDULE, key=due, detail=detail, now=now)


def _start_renewals(now: datetime) -> int:
    found = list(sources_due(now).select_for_update(skip_locked=True, no_key=True, of=("self",)))
    due = {str(one.pk): {"due": one.next_due_at.isoformat()} for one in found if one.next_due_at is not None}
    enqueue_many("builds.renew", args_of=due, now=now)
    for one in found:
        one.next_due_at = next_due(one.pk, now=now, interval=timedelta(days=one.renew_every_days))
    Source.objects.bulk_update(found, ["next_due_at"])
    return len(due)


def _start_looks(now: datetime) -> int:
    found = list(watches_due(now).select_for_update(skip_locked=True, no_key=True, of=("self",)))
    enqueue_many("builds.look", args_of={str(one.pk): {} for one in found}, now=now)
    for one in found:
        one.next_due_at = next_due(one.pk, now=now, interval=timedelta(seconds=one.every_seconds))
    Watch.objects.bulk_update(found, ["next_due_at"])
    return len(found)


def _give_up(now: datetime) -> int:
    """End builds whose last job was cancelled, or failed without a word on the build: they would wait for ever."""
    open_ones = Build.objects.filter(state__in=GOING, asked_at__lt=now - GRACE)
    going = {str(pk): pk for pk in open_ones.values_list("pk", flat=True)}
    if not going:
        return 0
    last: dict[str, Job] = {}
    for job in Job.objects.filter(kind__in=BUILD_JOBS, subject_id__in=going).order_by("created_at", "id"):
        last[job.subject_id] = job
    dead = [job for job in last.values() if job.state in GAVE_UP and job.finished_at and job.finished_at < now - GRACE]
    for job in dead:
        is_stopped = job.state == State.CANCELLED
        failure = f"Its job was cancelled: {job.kind}." if is_stopped else f"{job.kind} ended: {job.error_text}"
        state = Build.State.STOPPED if is_stopped else Build.State.FAILED
        end_build(build_id=going[job.subject_id], state=state, code=job.error_code, failure=failure, now=now)
    return len(dead)
