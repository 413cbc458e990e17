"""The lease: who works on a job now, and who may write its outcome (docs/adr/0002).

Every write of a run names its lease token. Once another worker has taken the job, the token in the row
is another one, and whatever the first still writes touches no row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from jobs.domain.state import State
from jobs.errors import LeaseLost
from jobs.models import Job

ONE_QUEUED = "job_one_queued_per_key"  # the constraint
MAX_LAPSES = 25  # leases of one job that may run out before it is taken for a killer of workers


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one job for a while."""

    job_id: UUID
    token: UUID
    seconds: float


class Standing(Enum):
    """What the database says about a lease."""

    HELD = auto()
    CANCEL_ASKED = auto()
    LOST = auto()


def due(now: datetime) -> Q:
    """Jobs that somebody should start: waiting long enough, or left by a worker that vanished."""
    return Q(state=State.QUEUED, run_at__lte=now) | Q(state=State.RUNNING, lease_until__lte=now)


def _held(lease: Lease) -> QuerySet[Job]:
    return Job.objects.filter(pk=lease.job_id, state=State.RUNNING, lease_token=lease.token)


@transaction.atomic
def take(job_id: UUID, *, seconds: float, worker: str, now: datetime) -> tuple[Lease, Job] | None:
    """Lease one due job, or None: not due, ended, taken by another at this moment, or given up here."""
    # SKIP LOCKED: of two workers rung for one job, the second goes away instead of waiting.
    job = Job.objects.select_for_update(skip_locked=True).filter(due(now), pk=job_id).first()
    if job is None or _is_same_running(job, now):
        return None
    if job.state == State.RUNNING:
        job.lapses += 1
        if job.cancel_asked_at:
            _close(job, State.CANCELLED, now=now)
            return None
        if job.lapses > MAX_LAPSES:
            text = f"The worker vanished {job.lapses} times while it did this."
            _close(job, State.FAILED, now=now, code="abandoned", text=text)
            return None
    lease = Lease(job_id=job.pk, token=uuid4(), seconds=seconds)
    job.state = State.RUNNING
    job.attempts += 1
    job.lease_token = lease.token
    job.lease_until = now + timedelta(seconds=seconds)
    job.leased_by = worker
    job.started_at = job.started_at or now
    job.save()
    return lease, job


def _is_same_running(job: Job, now: datetime) -> bool:
    """Whether a job of the same key is being worked on: this one then waits behind it."""
    if not job.key:
        return False
    with connection.cursor() as cursor:
        # Until the commit: two workers must not both find that the other has not begun.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [job.key])
    return Job.objects.filter(key=job.key, state=State.RUNNING, lease_until__gt=now).exclude(pk=job.pk).exists()


def renew(lease: Lease, *, now: datetime) -> Standing:
    """Hold the lease for another span from ``now``.

    A row that is locked at this moment is in this run's own ``fence`` or under somebody's cancel:
    it is still held, and nobody can take it (SKIP LOCKED).
    """
    with transaction.atomic():
        held = _held(lease).select_for_update(skip_locked=True).only("pk", "cancel_asked_at").first()
        if held is None:
            return Standing.HELD if _held(lease).exists() else Standing.LOST
        _held(lease).update(lease_until=now + timedelta(seconds=lease.seconds))
    return Standing.CANCEL_ASKED if held.cancel_asked_at else Standing.HELD


def lock(lease: Lease) -> None:
    """Lock the job for the open transaction. Raises LeaseLost when this lease no longer holds."""
    if not _held(lease).select_for_update().exists():
        raise LeaseLost(str(lease.job_id))


def write_progress(lease: Lease, *, done: int | None, total: int | None, unit: str, text: str | None) -> bool:
    """Store how far the run is. False when the lease is lost."""
    changes: dict[str, Any] = {"done": done, "total": total, "unit": unit, "text": text}
    changes = {name: value for name, value in changes.items() if value not in (None, "")}
    if text is not None:
        changes["text"] = text[:500]
    return bool(_held(lease).update(**changes)) if changes else True


@transaction.atomic
def succeed(lease: Lease, *, now: datetime) -> None:
    """End the job well. Raises LeaseLost."""
    _close(_own(lease), State.SUCCEEDED, now=now)


@transaction.atomic
def cancel(lease: Lease, *, now: datetime) -> None:
    """End the job because somebody asked for it. Raises LeaseLost."""
    _close(_own(lease), State.CANCELLED, now=now)


@transaction.atomic
def fail(lease: Lease, *, code: str, text: str, now: datetime) -> None:
    """End the job badly, and record it. Raises LeaseLost."""
    _close(_own(lease), State.FAILED, now=now, code=code, text=text)


@transaction.atomic
def try_later(lease: Lease, *, code: str, text: str, delay_seconds: float, now: datetime) -> State:
    """Queue the job again after ``delay_seconds``; failed when its tries are used up. Raises LeaseLost."""
    job = _own(lease)
    if job.cancel_asked_at:
        _close(job, State.CANCELLED, now=now)
    elif job.attempts - job.lapses >= job.max_attempts:
        _close(job, State.FAILED, now=now, code=code, text=f"{text} (after {job.attempts} tries)")
    elif not _queue_again(job, code=code, text=text, run_at=now + timedelta(seconds=delay_seconds)):
        _close(job, State.CANCELLED, now=now, code="superseded", text="A later job does the same.")
    return State(job.state)


def _queue_again(job: Job, *, code: str, text: str, run_at: datetime) -> bool:
    """False when another job of the same key is queued already: it does what this one would do again."""
    job.state = State.QUEUED
    job.run_at = run_at
    job.rung_at = None
    job.error_code, job.error_text = code, text
    _drop_lease(job)
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError as error:
        if ONE_QUEUED not in str(error):
            raise
        return False
    return True


def _own(lease: Lease) -> Job:
    job = _held(lease).select_for_update().first()
    if job is None:
        raise LeaseLost(str(lease.job_id))
    return job


def _drop_lease(job: Job) -> None:
    job.lease_token = None
    job.lease_until = None
    job.leased_by = ""


def _close(job: Job, state: State, *, now: datetime, code: str = "", text: str = "") -> None:
    job.state = state
    job.finished_at = now
    job.error_code, job.error_text = code, text
    _drop_lease(job)
    job.save()
    if state is State.FAILED:
        record(
            Verb.JOB_FAILED,
            actor=Actor.system("worker"),
            subject=Subject("job", str(job.pk), str(job)),
            at=now,
            data={"kind": job.kind, "subject_id": job.subject_id, "code": code, "attempts": job.attempts},
        )


def reset(job: Job, *, now: datetime) -> None:
    """Put an ended job back to its beginning. The caller holds the row's lock."""
    job.state = State.QUEUED
    job.attempts = job.lapses = 0
    job.run_at = now
    job.rung_at = job.finished_at = job.started_at = job.cancel_asked_at = None
    job.error_code = job.error_text = job.text = ""
    job.done = job.total = None
    job.save()


def drop_queued(job: Job, *, now: datetime) -> None:
    """Cancel a job that nobody has begun. The caller holds the row's lock."""
    _close(job, State.CANCELLED, now=now)


def ask_to_stop(job: Job, *, now: datetime) -> None:
    """Leave word for the run; it is read at its next ``check``. The caller holds the row's lock."""
    Job.objects.filter(pk=job.pk).update(cancel_asked_at=now)
