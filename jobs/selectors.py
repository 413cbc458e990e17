"""Reads of jobs."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from jobs.domain.state import State
from jobs.models import Job, Schedule


def jobs_of(subject_id: str) -> QuerySet[Job]:
    """Every job about one subject with the record that caused it, newest first."""
    return Job.objects.select_related("caused_by").filter(subject_id=subject_id).order_by("-created_at", "-id")


def jobs(*, states: Iterable[str] = (), kind: str = "", subject_id: str = "") -> QuerySet[Job]:
    """Jobs, newest first; narrowed to some states, one kind, one subject."""
    found = Job.objects.order_by("-created_at", "-id")
    if states := tuple(states):
        found = found.filter(state__in=states)
    if kind:
        found = found.filter(kind=kind)
    return found.filter(subject_id=subject_id) if subject_id else found


def job_of_id(job_id: UUID) -> Job | None:
    """One job with the record that caused it."""
    return Job.objects.select_related("caused_by").filter(pk=job_id).first()


def oldest_due(now: datetime) -> Job | None:
    """The job that has been due the longest and is not taken: what says whether the queue moves."""
    return Job.objects.filter(state=State.QUEUED, run_at__lte=now).order_by("run_at", "id").first()


def schedules() -> QuerySet[Schedule]:
    """Every timer and what it starts, by name."""
    return Schedule.objects.select_related("timer__interval", "timer__crontab").order_by("name")


def schedule_of_id(schedule_id: UUID) -> Schedule | None:
    """One timer and what it starts."""
    return schedules().filter(pk=schedule_id).first()
