"""Decisions: those that gates made and ship later, each once; and the portal's own, on the same published snapshot."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.utils.dateparse import parse_datetime

from admission import changes
from admission.errors import MalformedDecision
from admission.models import Cluster, Decision, Gate, SnapshotChange
from admission.published import published_snapshot
from core.errors import FieldError
from gate import record as gate_record
from gate.engine import decide
from gate.verdict import ImageUse, Where

MAX_BATCH = 1_000
MAX_IMAGES_BYTES = 512 * 1024
MANY_IMAGES = 50
MAX_NUMBER = 2**62  # what a column holds
# How old a digest's last admission may be before it is written again: the restart window is counted in days.
RAN_GRAIN_HOURS = 6


def record_decisions(*, gate: Gate, rows: Sequence[dict[str, Any]], now: datetime) -> list[str]:
    """Keep a gate's decisions; the ids that are kept now, new ones and known ones alike.

    Each is counted once by its id, however often it is shipped. The cluster is the gate's own, whatever a row says.
    Raises MalformedDecision, naming each row that cannot be read; then none is kept.
    """
    decisions, wrong = [], []
    for number, row in enumerate(rows):
        try:
            decisions.append(_decision(row, gate=gate, now=now))
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            wrong.append(FieldError(f"/decisions/{number}", "malformed_decision", str(error)[:300]))
    if wrong:
        raise MalformedDecision("; ".join(row.detail for row in wrong)[:1000], errors=wrong)
    with transaction.atomic():
        new = _insert(decisions)
        _note_admitted(gate.cluster, (one for one in decisions if str(one.pk) in new and _admitted(one)), now=now)
    return [str(one.pk) for one in decisions]


def decide_here(
    *, uses: Sequence[ImageUse], cluster: Cluster | None, namespace: str, user: str, now: datetime
) -> Decision:
    """The portal's verdict: the gate's engine on the published snapshot, recorded like a gate's.

    Raises SnapshotUnavailable: without a snapshot that can be trusted there is no verdict.
    """
    snapshot = published_snapshot()
    at = int(now.timestamp())
    name = cluster.name if cluster else ""
    verdict = decide(uses, snapshot=snapshot, at=at, where=Where(cluster=name, namespace=namespace))
    decision_id = gate_record.DecisionId.new()
    kept = gate_record.decision(
        verdict,
        asker=gate_record.Asker(cluster=name, operation="ASK", object_namespace=namespace, user=user),
        decision_id=decision_id,
        at=at,
        message=gate_record.shown(verdict, portal_url=snapshot.portal_url, decision_id=decision_id),
    )
    row = _from_gate(msgspec.to_builtins(kept), cluster=cluster, gate=None, now=now)
    row.save(force_insert=True)
    return row


def _decision(row: dict[str, Any], *, gate: Gate, now: datetime) -> Decision:
    """One shipped row, read strictly. Raises ValueError and its kinds."""
    found = msgspec.to_builtins(msgspec.convert(row, gate_record.Decision))
    found["images"] = _bounded(found["images"])
    return _from_gate(found, cluster=gate.cluster, gate=gate, now=now)


def _bounded(images: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The images, refused ones first when they are too many to keep: a long list must not hide its decision."""
    kept: list[dict[str, Any]] = []
    size = 0
    for image in sorted(images, key=lambda image: bool(image["allowed"])) if len(images) > MANY_IMAGES else images:
        size += len(msgspec.json.encode(image))
        if size > MAX_IMAGES_BYTES:
            break
        kept.append(image)
    return kept


def _from_gate(row: dict[str, Any], *, cluster: Cluster | None, gate: Gate | None, now: datetime) -> Decision:
    pk = UUID(row["id"])
    return Decision(
        id=pk,
        short_id=gate_record.short_id(pk),
        cluster=cluster,
        gate=gate,
        # A gate whose clock is ahead must not extend what "ran lately" means.
        at=min(_moment(row["at"]), now),
        received_at=now,
        operation=_cut(row["operation"], 16),
        object_kind=_cut(row["object_kind"], 200),
        object_namespace=_cut(row["object_namespace"], 253),
        object_name=_cut(row["object_name"], 253),
        object_uid=_cut(row["object_uid"], 100),
        user=_cut(row["user"], 500),
        user_uid=_cut(row["user_uid"], 200),
        groups=[_cut(group, 500) for group in row["groups"]][:200],
        owner_refs=_clean(row["owner_refs"][:50]),
        allowed=row["allowed"],
        message=_cut(row["message"], 4_000),
        failed_codes=[_cut(code, 32) for code in row["failed_codes"]][:32],
        digests=[_cut(digest, 200) for digest in row["digests"]][:500],
        images=_clean(row["images"]),
        warnings=_clean(row["warnings"][:100]),
        snapshot_version=_number(row["snapshot_version"]),
        policy_version=_number(row["policy_version"]),
        valid_until=_moment(row["valid_until"]) if row["valid_until"] else None,
    )


def _insert(decisions: Sequence[Decision]) -> set[str]:
    """Insert what is not there yet; the ids that were new."""
    known = set(Decision.objects.filter(pk__in=[one.pk for one in decisions]).values_list("pk", flat=True))
    Decision.objects.bulk_create(decisions, ignore_conflicts=True)
    return {str(one.pk) for one in decisions if one.pk not in known}


def _admitted(decision: Decision) -> bool:
    """Whether something was let in. A question that was answered with yes (``ASK``) has run nothing."""
    return decision.allowed and decision.operation in ("CREATE", "UPDATE")


def _note_admitted(cluster: Cluster, decisions: Iterable[Decision], *, now: datetime) -> None:
    """Keep which digests each namespace was admitted with; a new one wakes the publisher."""
    latest: dict[tuple[str, str], datetime] = {}
    for one in decisions:
        for digest in one.digests:
            place = (one.object_namespace, digest)
            latest[place] = max(one.at, latest.get(place, one.at))
    if not latest:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO admission_admitteddigest AS kept (cluster_id, namespace, digest, last_at)
               VALUES (%s, %s, %s, %s)
               ON CONFLICT (cluster_id, namespace, digest) DO UPDATE SET last_at = excluded.last_at
               WHERE kept.last_at < excluded.last_at - make_interval(hours => %s)""",
            [
                (cluster.pk, namespace, digest, at, RAN_GRAIN_HOURS)
                for (namespace, digest), at in sorted(latest.items())
            ],
        )
        is_changed = cursor.rowcount > 0
    if is_changed:
        SnapshotChange.objects.create(
            subject_kind="cluster", subject_id=str(cluster.pk), verb="digest.admitted", at=now
        )
        changes.wake()


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError(f"{text[:40]!r} is no RFC 3339 time")
    try:
        # Python knows offsets up to 24 hours, PostgreSQL up to 16; and the first and last days may have no UTC.
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text[:40]!r} is out of range") from error


def _number(value: int) -> int:
    if not 0 <= value <= MAX_NUMBER:
        raise ValueError(f"{str(value)[:40]} is no version")
    return value


def _cut(text: str, length: int) -> str:
    # PostgreSQL's text holds no NUL; a cluster's objects may.
    return text.replace("\0", "�")[:length]


def _clean(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "�")
        case list() | tuple():
            return [_clean(item) for item in value]
        case dict():
            return {_clean(key): _clean(item) for key, item in value.items()}
    return value
