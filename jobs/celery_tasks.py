"""Celery's two tasks. They carry ids only; what is true stands in PostgreSQL (docs/adr/0002)."""

from uuid import UUID

from celery import shared_task

from audit.selectors import database_now
from jobs import services, worker


@shared_task(name="jobs.run", ignore_result=True)  # type: ignore[untyped-decorator]
def run(job_id: str) -> None:
    """Run one due job. A message that comes twice, late or for an ended job does nothing."""
    worker.run_job(UUID(job_id), clock=database_now)


@shared_task(name="jobs.due", ignore_result=True)  # type: ignore[untyped-decorator]
def due(schedule_id: str) -> None:
    """Write the job of a timer that went off. The work itself is that job's."""
    services.enqueue_due(schedule_id=UUID(schedule_id), now=database_now())
