"""The record about a thing, in words: one stream on every page."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db.models import QuerySet

from audit.models import Record
from web.visible import visible_line

LENGTH = 50  # records on a page; the rest is one click away, in the record

# Data that a record may carry and that says why, in the order in which it is looked for.
REASONS = ("reason", "answer", "cause", "detail")
CODE = re.compile(r"[a-z]+(_[a-z]+)+")


@dataclass(frozen=True, slots=True)
class Told:
    """One deed as a timeline shows it."""

    words: str
    actor_name: str
    at: datetime
    reason: str
    record_id: int


def told(records: Iterable[Record]) -> list[Told]:
    """The newest deeds of ``records`` in words. One query when it is a queryset."""
    return [
        Told(words_of(record.verb), record.actor_name, record.at, _reason(record), record.pk)
        for record in islice(records[:LENGTH] if isinstance(records, QuerySet) else records, LENGTH)
    ]


def words_of(verb: str) -> str:
    """``proposal.reviewed`` → "Proposal reviewed"."""
    return verb.replace(".", " ").replace("_", " ").capitalize()


def _reason(record: Record) -> str:
    for name in REASONS:
        if value := record.data.get(name):
            # A code of ours, such as "by_hand", reads as words; a sentence stays as it was written.
            text = str(value)[:500]
            return visible_line(text.replace("_", " ") if CODE.fullmatch(text) else text)
    return ""
