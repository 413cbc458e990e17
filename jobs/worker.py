"""Runs one job: lease, handler, outcome. Celery's task and the tests' helper call the same code."""

import logging
import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from core.errors import GoldgateError
from jobs import leases
from jobs.domain.backoff import delay_seconds
from jobs.errors import JobCancelled, LeaseLost, TimeLimitReached
from jobs.handlers import Handler, Run, handler_of
from jobs.models import Job

log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3
# The queue's own database: a restart of PostgreSQL, a deadlock. Worth another try for every kind.
DATABASE_AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError)


def worker_name() -> str:
    """Host and process, as shown on a running job."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_job(job_id: UUID, *, clock: Callable[[], datetime], is_renewed: bool = True) -> bool:
    """Run one due job to an outcome. False when there was nothing to do: a doubled or late message.

    ``is_renewed=False`` leaves out the renewing thread, for callers whose transaction it could not see.
    """
    seconds = settings.GOLDGATE_LEASE_SECONDS
    taken = leases.take(job_id, seconds=seconds, worker=worker_name(), now=clock())
    if taken is None:
        return False
    lease, job = taken
    handler = handler_of(job.kind)
    if handler is None:
        leases.fail(lease, code="no_handler", text=f"No room handles {job.kind}.", now=clock())
        return True
    run = Run(
        lease=lease,
        subject_id=job.subject_id,
        args=job.args,
        attempt=job.attempts,
        clock=clock,
        limit_seconds=job.limit_seconds,
    )
    try:
        if is_renewed:
            with _renewing(run):
                _run_handler(handler, run, job)
        else:
            _run_handler(handler, run, job)
    except LeaseLost:
        log.warning("job %s (%s): the lease was lost; what this run did last was not counted", job_id, job.kind)
    return True


def _run_handler(handler: Handler, run: Run, job: Job) -> None:
    try:
        handler.call(run)
    except JobCancelled:
        leases.cancel(run.lease, now=run.now())
    except (TimeLimitReached, SoftTimeLimitExceeded):
        text = f"It took longer than {run.limit_seconds:g} s."
        leases.fail(run.lease, code="time_limit", text=text, now=run.now())
    except LeaseLost:
        raise
    except handler.retry_on + DATABASE_AWAY as error:
        _try_later(run, error)
    except GoldgateError as error:
        leases.fail(run.lease, code=error.code, text=str(error), now=run.now())
    except Exception as error:
        log.exception("job %s (%s) failed", job.pk, job.kind)
        text = f"{type(error).__name__}: {error}"[:2000]
        leases.fail(run.lease, code="unexpected", text=text, now=run.now())
    else:
        if not run.is_finished:
            leases.succeed(run.lease, now=run.now())


def _try_later(run: Run, error: Exception) -> None:
    if isinstance(error, DATABASE_AWAY):
        connection.close_if_unusable_or_obsolete()
    asked = float(getattr(error, "retry_after_seconds", None) or 0)
    delay = delay_seconds(attempt=run.attempt, draw=random.random(), asked_seconds=asked)  # noqa: S311 — not a secret
    code = error.code if isinstance(error, GoldgateError) else "unavailable"
    log.info("job %s: %s; again in %.1f s", run.job_id, error, delay)
    leases.try_later(run.lease, code=code, text=str(error)[:2000], delay_seconds=delay, now=run.now())


@contextmanager
def _renewing(run: Run) -> Iterator[None]:
    """Renew the lease from a second thread while the handler works, however it blocks."""
    is_over = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(is_over, run), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _renew_until(is_over: threading.Event, run: Run) -> None:
    try:
        while not is_over.wait(run.lease.seconds / RENEWALS_PER_LEASE):
            # A handler that hangs past its limit loses the job instead of holding it for ever.
            if run.is_over_limit:
                return
            try:
                run.note(leases.renew(run.lease, now=run.now()))
            except DatabaseError as error:
                # The lease runs on; if PostgreSQL stays away, it runs out and another takes the job.
                log.warning("job %s: the lease could not be renewed: %s", run.job_id, error)
                connection.close()
    finally:
        connection.close()
