"""Writes of deeds."""

from datetime import datetime
from typing import Any

from django.db import transaction

from audit import pipeline
from audit.actor import Actor, Subject
from audit.domain import body
from audit.models import Pending, Record
from audit.request import current_request_id
from audit.verbs import Verb


def record(verb: Verb, *, actor: Actor, subject: Subject, at: datetime, data: dict[str, Any] | None = None) -> Record:
    """Write one deed into the record and start what follows from it, in the caller's transaction.

    Raises RuntimeError outside a transaction (the record commits with the deed or not at all) and
    ValueError for data that canonical JSON cannot hold.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{verb} must be recorded inside the deed's transaction")
    body.time_text(at)
    written = Record.objects.create(
        verb=Verb(verb),
        actor_kind=actor.kind,
        actor_id=_cut(actor.id, 200),
        actor_name=_cut(actor.name, 200),
        subject_kind=subject.kind,
        subject_id=_cut(subject.id, 200),
        subject_label=_cut(subject.label, 500),
        at=at,
        data=body.storable(data or {}),
        request_id=current_request_id.get(),
    )
    Pending.objects.create(record=written)
    pipeline.publish(written)
    return written


def _cut(text: str, length: int) -> str:
    clean = body.storable_text(text)
    return clean if len(clean) <= length else clean[: length - 1] + "…"
