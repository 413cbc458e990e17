"""Reads of the record."""

from datetime import datetime

from django.db import connection
from django.db.models import Max, Q, QuerySet

from audit.models import Checkpoint, CheckpointKey, Pending, Record, Seal


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


def last_seal_number() -> int:
    """The newest seal's number; 0 when nothing is sealed yet."""
    return Seal.objects.aggregate(last=Max("number"))["last"] or 0


def checkpoints() -> QuerySet[Checkpoint]:
    """Every checkpoint with its seal, key and deliveries, newest first."""
    return Checkpoint.objects.select_related("seal", "key").prefetch_related("deliveries").order_by("-seal_id")


def checkpoints_of_seal(number: int) -> QuerySet[Checkpoint]:
    """The checkpoint over one seal, if one was signed."""
    return Checkpoint.objects.select_related("seal", "key").filter(seal_id=number)


def checkpoint_keys() -> QuerySet[CheckpointKey]:
    """The public halves of the keys that signed checkpoints, oldest first."""
    return CheckpointKey.objects.order_by("first_used_at", "key_id")


def pending_count() -> int:
    """Records that no seal covers yet."""
    return Pending.objects.count()


def stray_records() -> QuerySet[Record]:
    """Records that are neither sealed nor waiting for it: put there past the services."""
    return Record.objects.filter(leaf=None, pending=None).order_by("id")


def database_now() -> datetime:
    """PostgreSQL's clock: the one that all processes share, whatever their own say."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment


def last_seal() -> Seal | None:
    """The newest seal; None before the first."""
    return Seal.objects.order_by("-number").first()
