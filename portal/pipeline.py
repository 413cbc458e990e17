"""What happens when: from a verb of the record to the jobs that follow from it.

A service writes its record; the rows named here are written in that same transaction. There is no
other way to start work, apart from the schedule.
"""

import importlib
import importlib.util
import logging
from dataclasses import dataclass, field
from typing import Any

from audit import pipeline
from audit.models import Record
from audit.verbs import Verb
from jobs.handlers import handler_of
from jobs.services import enqueue, ensure_schedule

log = logging.getLogger(__name__)

# The rooms that may have handlers (their ``tasks`` module), in import order.
ROOMS = ["accounts", "policies", "registry", "catalog", "signing", "scans", "approvals", "admission"]


@dataclass(frozen=True, slots=True)
class JobRule:
    """One job that follows from a verb. Its subject is the record's subject, unless ``subject`` names
    a key of the record's data. With ``is_once``, a second one for the same subject waits for none."""

    kind: str
    subject: str = ""
    is_once: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """One job that a timer starts. People may change the timer in the page; this is what it begins with."""

    name: str
    kind: str
    every_seconds: int | None = None
    crontab: str | None = None  # five fields, UTC
    args: dict[str, Any] = field(default_factory=dict)


PIPELINE: dict[Verb, list[JobRule]] = {
    # registry
    Verb.IMPORT_ASKED: [JobRule("registry.import")],
    Verb.REGISTRY_TEST_ASKED: [JobRule("registry.test", is_once=True)],
    # scans
    Verb.ARTIFACT_IMPORTED: [JobRule("scans.inventory", is_once=True)],
    Verb.SCAN_ASKED: [JobRule("scans.inventory", is_once=True)],
    Verb.ARTIFACT_INVENTORIED: [JobRule("scans.match", is_once=True)],
    Verb.FEED_SYNC_ASKED: [JobRule("scans.sync_feed", is_once=True)],
    # signing
    Verb.PUBLICATION_BEGUN: [JobRule("signing.copy")],
    Verb.PUBLICATION_COPIED: [JobRule("signing.sign")],
    Verb.PUBLICATION_SIGNED: [JobRule("signing.send")],
    Verb.PUBLICATION_WITHDRAWAL_BEGUN: [JobRule("signing.withdraw")],
    # approvals
    Verb.PUBLICATION_SENT: [JobRule("approvals.finalise")],
    Verb.ARTIFACT_SCANNED: [JobRule("approvals.refresh", is_once=True)],
    Verb.FINDINGS_CHANGED: [JobRule("approvals.refresh", is_once=True)],
}

SCHEDULES: list[Schedule] = [
    # scans
]


def connect() -> None:
    """Load every room's handlers and register every rule with the record.

    Raises RuntimeError for a job kind that no room handles: the process must not start.
    """
    for room in ROOMS:
        try:
            if importlib.util.find_spec(f"{room}.tasks"):
                importlib.import_module(f"{room}.tasks")
        except ImportError as error:
            log.warning("the handlers of %s are not loaded: %s", room, error)
    for verb, rules in PIPELINE.items():
        for rule in rules:
            if handler_of(rule.kind) is None:
                log.warning("%s starts %r, which no room handles", verb, rule.kind)
                continue
            pipeline.subscribe(verb, _Starter(rule))


def ensure_schedules() -> None:
    """Make the schedules that are not there yet. Raises RuntimeError for a job kind that no room handles."""
    for rule in SCHEDULES:
        ensure_schedule(rule.name, rule.kind, every_seconds=rule.every_seconds, crontab=rule.crontab, args=rule.args)


@dataclass(frozen=True, slots=True)
class _Starter:
    """Writes one rule's job for a record. Equal rules are equal: connecting twice starts nothing twice."""

    rule: JobRule

    def __call__(self, record: Record) -> None:
        subject_id = str(record.data[self.rule.subject]) if self.rule.subject else record.subject_id
        enqueue(
            self.rule.kind,
            subject_id=subject_id,
            now=record.at,
            key=f"{self.rule.kind}:{subject_id}" if self.rule.is_once else None,
            caused_by=record.pk,
        )
