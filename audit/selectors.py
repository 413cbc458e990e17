"""Reads of the record."""

from django.db.models import Q, QuerySet

from audit.models import Record


def records_of(subject_kind: str, subject_id: str) -> QuerySet[Record]:
    """Everything recorded about one subject, newest first."""
    return Record.objects.filter(subject_kind=subject_kind, subject_id=subject_id).order_by("-id")


def records(*, verb: str = "", actor: str = "", subject: str = "", subject_kind: str = "") -> QuerySet[Record]:
    """The record, newest first; narrowed to a verb, an actor's name or id, a subject's id or label, its kind."""
    found = Record.objects.order_by("-id")
    if verb:
        found = found.filter(verb=verb)
    if actor:
        found = found.filter(Q(actor_name=actor) | Q(actor_id=actor))
    if subject:
        found = found.filter(Q(subject_id=subject) | Q(subject_label=subject))
    return found.filter(subject_kind=subject_kind) if subject_kind else found
