"""The export: the record with its seals and checkpoints as JSON lines (docs/reference/record.md)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from audit import selectors
from audit.actor import Actor, Subject
from audit.domain.body import time_text
from audit.models import Leaf, Pending, Record, Seal
from audit.services.deeds import record
from audit.services.seals import body_of
from audit.verbs import Verb
from core.canonical import canonical_json

FORMAT = "goldgate-record/1"


def export(*, actor: Actor, now: datetime, after: int = 0) -> Iterator[bytes]:
    """The record as lines of canonical JSON, after seal number ``after``; the export itself is recorded.

    Read seal by seal, so that memory does not grow with the record; all of it only grows, so no snapshot
    is needed for the parts to fit together.
    """
    through = selectors.last_seal_number()
    with transaction.atomic():
        record(
            Verb.RECORD_EXPORTED,
            actor=actor,
            subject=Subject("record", "record", "record"),
            at=now,
            data={"after": after, "through": through},
        )
    return _lines(now=now, after=after, through=through)


def _lines(*, now: datetime, after: int, through: int) -> Iterator[bytes]:
    counts = {"records": 0, "seals": 0, "checkpoints": 0, "unsealed": 0}
    yield _line("header", format=FORMAT, exported_at=time_text(now), after=after, through=through, keys=_keys())
    for seal in Seal.objects.filter(number__gt=after, number__lte=through).order_by("number").iterator(chunk_size=50):
        leaves = list(Leaf.objects.filter(seal=seal).order_by("position"))
        # Not a join: a leaf whose record somebody removed must stand in the export, without its record.
        records = Record.objects.in_bulk([leaf.record_id for leaf in leaves])
        for leaf in leaves:
            if found := records.get(leaf.record_id):
                yield _line("record", position=leaf.position, seal=seal.number, record=found.body())
                counts["records"] += 1
        yield _line("seal", seal=seal.body(), hash=seal.hash, leaves=[leaf.hash for leaf in leaves])
        counts["seals"] += 1
        for checkpoint in selectors.checkpoints_of_seal(seal.number):
            yield _line("checkpoint", checkpoint=body_of(checkpoint), signature=checkpoint.signature)
            counts["checkpoints"] += 1
    for row in Pending.objects.select_related("record").order_by("record_id").iterator(chunk_size=500):
        yield _line("unsealed", record=row.record.body(), is_pending=True)
        counts["unsealed"] += 1
    for stray in selectors.stray_records().iterator(chunk_size=500):
        yield _line("unsealed", record=stray.body(), is_pending=False)
        counts["unsealed"] += 1
    yield _line("end", **counts)


def _keys() -> list[dict[str, str]]:
    return [{"key_id": key.key_id, "public_key": key.public_key} for key in selectors.checkpoint_keys()]


def _line(kind: str, **content: Any) -> bytes:
    return canonical_json({"type": kind, **content}) + b"\n"
