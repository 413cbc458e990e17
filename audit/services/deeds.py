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
from core.canonical import canonical_json


def record(verb: Verb, *, actor: Actor, subject: Subject, at: datetime, data: dict[str, Any] | None = None) -> Record:
    """Write one deed into the record and start what follows from it, in the caller's transaction.

    Raises RuntimeError outside a transaction (the record commits with the deed or not at all) and
    ValueError for data that canonical JSON cannot hold, or of more than 1 MiB.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{verb} must be recorded inside the deed's transaction")
    body.time_text(at)
    content = body.storable(data or {})
    if len(canonical_json(content)) > body.MAX_DATA_BYTES:
        raise ValueError(f"{verb}: more than {body.MAX_DATA_BYTES} bytes of data; record its digest instead")
    written = Record.objects.create(
        verb=Verb(verb),
        actor_kind=actor.kind,
        actor_id=_cut(actor.id, 200),
        actor_name=_cut(actor.name, 200),
        subject_kind=subject.kind,
        subject_id=_cut(subject.id, 200),
        subject_label=_cut(subject.label, 500),
        at=at,
        data=content,
        request_id=current_request_id.get(),
    )
    Pending.objects.create(record=written)
    pipeline.publish(written)
    return written


def _cut(text: str, length: int) -> str:
    clean = body.storable_text(text)
    return clean if len(clean) <= length else clean[: length - 1] + "…"
