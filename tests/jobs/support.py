"""Runs jobs inside a test, through the same lease code as a worker."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from jobs import leases
from jobs.domain.state import State
from jobs.models import Job
from jobs.worker import run_job

MAX_JOBS = 1000


def run_due_jobs(now: datetime | None = None, queues: Sequence[str] = ("default", "signing")) -> list[Job]:
    """Run every due job, and those that follow from them, oldest first; the jobs as they ended.

    Without ``now``, jobs that were never tried are due whatever clock the test wrote them with,
    and run with the latest of these times; a job that waits to be tried again stays.
    """
    ran: dict[str, None] = {}
    for _ in range(MAX_JOBS):
        moment = now or _moment()
        job = Job.objects.filter(leases.due(moment), queue__in=queues).order_by("run_at", "id").first()
        if job is None:
            return [Job.objects.get(pk=pk) for pk in ran]
        run_job(job.pk, clock=lambda moment=moment: moment, is_renewed=False)
        ran[str(job.pk)] = None
    raise AssertionError(f"more than {MAX_JOBS} jobs: something starts itself again")


def _moment() -> datetime:
    latest = Job.objects.filter(state=State.QUEUED, attempts=0).aggregate(latest=Max("run_at"))["latest"]
    return max(timezone.now(), latest) if latest else timezone.now()
