"""What the next snapshot must say: a row for each deed that changes an answer, written in the deed's transaction.

A publisher closes the rows when the snapshot that says it is in force. Until then a revocation reads "not yet
published". The rows are the publisher's own queue: reading the record by number instead would miss deeds that
commit out of order.
"""

from django.db import connection

from admission.models import SnapshotChange
from audit import pipeline
from audit.models import Record
from audit.verbs import Verb
from policies.domain.grants import INVENTORY_RULE

CHANNEL = "goldgate_snapshot"  # PostgreSQL's NOTIFY; the publisher listens

_TAKEN_BACK = frozenset({Verb.SUBVERSION_REVOKED, Verb.SUBVERSION_SUSPENDED, Verb.PUBLICATION_WITHDRAWAL_BEGUN})
# Taking back goes before everything else.
URGENT = _TAKEN_BACK | {Verb.GRANT_ENDED}
# About one artifact, subversion, publication or job: the overlay says it.
ABOUT_DIGESTS = _TAKEN_BACK | {
    Verb.ARTIFACT_COPIED,
    Verb.ARTIFACT_IMPORTED,
    Verb.ARTIFACT_INVENTORIED,
    Verb.ARTIFACT_SCANNED,
    Verb.FINDINGS_CHANGED,
    Verb.SCAN_ASKED,
    Verb.JOB_FAILED,  # a scan that is no longer running
    Verb.SUBVERSION_ADDED,
    Verb.PUBLICATION_COPIED,
    Verb.PUBLICATION_SENT,
    Verb.PUBLICATION_WITHDRAWN,
    Verb.PROPOSAL_REJECTED,
    Verb.CERTIFICATION_COMPLETED,
    Verb.SUSPENSION_LIFTED,
}
# About what every overlay carries whole.
ABOUT_ALL = frozenset({Verb.POLICY_ADOPTED, Verb.REGISTRY_ADDED, Verb.REGISTRY_CHANGED, Verb.CLUSTER_ADDED})
# About the images without an inventory that a waiver of GG3001 reaches.
ABOUT_WAIVERS = frozenset({Verb.GRANT_GIVEN, Verb.GRANT_ENDED})
# About every digest at once: the base is made again.
ABOUT_BASE = frozenset({Verb.FEED_SYNCED, Verb.FEED_CHANGED, Verb.KEY_RETIRED})


def connect() -> None:
    """Listen to the record. Called once at start."""
    for verb in ABOUT_DIGESTS | ABOUT_ALL | ABOUT_BASE:
        pipeline.subscribe(verb, note)
    for verb in ABOUT_WAIVERS:
        pipeline.subscribe(verb, note_waiver)


def note(record: Record) -> None:
    """Write the change that follows from ``record``, and wake the publisher when it commits."""
    SnapshotChange.objects.create(
        subject_kind=record.subject_kind, subject_id=record.subject_id, verb=record.verb, at=record.at
    )
    wake()


def note_waiver(record: Record) -> None:
    """The same for a waiver of a missing inventory. Gates do not ask for hardening checks, so others say nothing."""
    if record.data.get("rule") == INVENTORY_RULE:
        note(record)


def wake() -> None:
    """Delivered by PostgreSQL at commit; the publisher also looks once a second."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")
