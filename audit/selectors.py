"""Reads of the record."""

from django.db.models import QuerySet

from audit.models import Record


def records_of(subject_kind: str, subject_id: str) -> QuerySet[Record]:
    """Everything recorded about one subject, newest first."""
    return Record.objects.filter(subject_kind=subject_kind, subject_id=subject_id).order_by("-id")
