"""Writes of jobs: queue, cancel, try again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from jobs import leases
from jobs.domain.asking import Asker
from jobs.domain.state import State
from jobs.errors import JobClosed, JobMissing, JobNotCancellable, JobNotRetryable, JobOfOthers
from jobs.handlers import handler_of
from jobs.models import Job

CHANNEL = "goldgate_jobs"  # PostgreSQL's NOTIFY; the relay listens


def enqueue(
    kind: str,
    *,
    subject_id: str | UUID,
    now: datetime,
    args: dict[str, Any] | None = None,
    key: str | None = None,
    caused_by: int | None = None,
    run_at: datetime | None = None,
) -> Job:
    """Write a job in the caller's transaction: it exists if and only if the deed does.

    With ``key``, a queued job of the same key is returned instead of a second one, held until the
    caller's transaction ends: it cannot begin without seeing what the caller wrote. One that runs already
    may have read its input before; so another is queued behind it, and the two never run side by side.
    ``caused_by`` is a record's id. Raises RuntimeError for a kind without handler.
    """
    known = handler_of(kind)
    if known is None:
        raise RuntimeError(f"no room handles the job kind {kind!r}")
    job = Job(
        kind=kind,
        queue=known.queue,
        subject_id=str(subject_id),
        args=args or {},
        key=key or "",
        max_attempts=known.max_attempts,
        limit_seconds=known.limit_seconds,
        run_at=run_at or now,
        created_at=now,
        caused_by_id=caused_by,
    )
    with transaction.atomic():
        written = _write_once(job)
        ring()
    return written


def enqueue_many(kind: str, *, args_of: Mapping[str, dict[str, Any]], now: datetime) -> None:
    """Write one job for each subject id of ``args_of``, in one statement however many there are.

    Where a job of the same kind is queued for a subject already, that one will do.
    Raises RuntimeError for a kind without handler.
    """
    known = handler_of(kind)
    if known is None:
        raise RuntimeError(f"no room handles the job kind {kind!r}")
    rows = [
        Job(
            kind=kind,
            queue=known.queue,
            subject_id=subject_id,
            args=args,
            key=f"{kind}:{subject_id}",
            max_attempts=known.max_attempts,
            limit_seconds=known.limit_seconds,
            run_at=now,
            created_at=now,
        )
        for subject_id, args in args_of.items()
    ]
    if not rows:
        return
    with transaction.atomic():
        # Nothing but the key can be there already: ids are made here.
        Job.objects.bulk_create(rows, ignore_conflicts=True)
        ring()


def _write_once(job: Job) -> Job:
    while True:
        if job.key and (same := Job.objects.select_for_update().filter(key=job.key, state=State.QUEUED).first()):
            return same
        try:
            with transaction.atomic():
                job.save(force_insert=True)
            return job
        except IntegrityError as error:
            # Another transaction wrote the same between the two statements: look again.
            if leases.ONE_QUEUED not in str(error):
                raise


def ring() -> None:
    """Wake the relay when the open transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


@transaction.atomic
def cancel_job(*, job_id: UUID, asker: Asker, now: datetime) -> Job:
    """End a queued job at once; ask a running one to stop.

    Raises JobMissing, JobOfOthers, JobClosed, JobNotCancellable.
    """
    job = _locked(job_id)
    _require_own(job, asker)
    if not job.is_open:
        raise JobClosed(f"The job has ended: {job.state}.")
    known = handler_of(job.kind)
    if known is not None and not known.is_cancellable:
        raise JobNotCancellable(f"{job.kind} completes a decision that was taken; it is not cancelled.")
    if job.state == State.QUEUED:
        leases.drop_queued(job, now=now)
    else:
        leases.ask_to_stop(job, now=now)
    _record(Verb.JOB_CANCELLED, job, actor=asker.actor, now=now)
    job.refresh_from_db()
    return job


@transaction.atomic
def retry_job(*, job_id: UUID, asker: Asker, now: datetime) -> Job:
    """Queue a failed or cancelled job again, from its beginning. It stays the job of who asked for it first.

    Raises JobMissing, JobOfOthers, JobNotRetryable.
    """
    job = _locked(job_id)
    _require_own(job, asker)
    if job.state not in (State.FAILED, State.CANCELLED):
        raise JobNotRetryable(f"Only a failed or cancelled job is tried again; this one is {job.state}.")
    if job.key and Job.objects.filter(key=job.key, state=State.QUEUED).exists():
        raise JobNotRetryable("Another job that does the same is already queued.")
    leases.reset(job, now=now)
    _record(Verb.JOB_RETRIED, job, actor=asker.actor, now=now)
    ring()
    return job


def _locked(job_id: UUID) -> Job:
    job = Job.objects.select_for_update(of=("self",)).select_related("caused_by").filter(pk=job_id).first()
    if job is None:
        raise JobMissing(f"There is no job {job_id}.")
    return job


def _require_own(job: Job, asker: Asker) -> None:
    if not asker.may_change(job.asked_by):
        whose = job.caused_by.actor_name if job.caused_by else "a schedule, or another job"
        raise JobOfOthers(
            f"This job was caused by {whose}.",
            cure="Only who asked for a job, or a platform administrator, cancels it or has it tried again.",
        )


def _record(verb: Verb, job: Job, *, actor: Actor, now: datetime) -> None:
    record(
        verb,
        actor=actor,
        subject=Subject("job", str(job.pk), str(job)),
        at=now,
        data={"kind": job.kind, "subject_id": job.subject_id},
    )
