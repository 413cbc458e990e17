"""Reads of jobs."""

from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from jobs.models import Job


def jobs_of(subject_id: str) -> QuerySet[Job]:
    """Every job about one subject, newest first."""
    return Job.objects.filter(subject_id=subject_id).order_by("-created_at", "-id")


def database_now() -> datetime:
    """PostgreSQL's clock: the one that all workers share, whatever their own say."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment
