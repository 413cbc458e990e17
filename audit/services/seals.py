"""Sealing: closes what is pending into batches, signs checkpoints, hands them out (docs/adr/0003).

Ids grow with gaps, and a transaction with a lower id may commit after one with a higher. So a record is
sealed not when its id is passed but when its ``Pending`` row is seen: that row commits with the record.
Sealed order is therefore the order of ``Leaf.position``; what commits late stands in a later batch.
"""

from datetime import datetime, timedelta
from typing import Protocol

from django.db import connection, transaction

from audit.adapters.sink import Sink
from audit.domain import chain
from audit.domain.checkpoint import checkpoint_body, checkpoint_document, signed_bytes
from audit.models import Checkpoint, CheckpointKey, Delivery, Leaf, Pending, Seal

BATCH = 1000  # records of one seal
CHECKPOINT_RECORDS = 100  # sealed since the last checkpoint: sign one now
CHECKPOINT_SECONDS = 60.0  # or this long ago
SEALER_LOCK = 0x676F6C64_02  # any number that nothing else locks


class Signer(Protocol):
    """Holds the checkpoint key."""

    key_id: str
    public_key: bytes

    def sign(self, message: bytes) -> bytes: ...


def seal_pending(now: datetime) -> list[Seal]:
    """Close every committed record that no seal covers, at most 1,000 a seal, each seal its own commit.

    A second sealer at the same moment closes nothing.
    """
    seals: list[Seal] = []
    while True:
        seal = _seal_batch(now)
        if seal is None:
            return seals
        seals.append(seal)
        if seal.count < BATCH:
            return seals


@transaction.atomic
def _seal_batch(now: datetime) -> Seal | None:
    if not _is_only_sealer():
        return None
    pending = list(Pending.objects.select_related("record").order_by("record_id")[:BATCH])
    if not pending:
        return None
    hashes = [chain.leaf_hash(row.record.body()) for row in pending]
    before = Seal.objects.order_by("-number").first()
    seal = Seal(
        number=before.number + 1 if before else 1,
        first=before.last + 1 if before else 1,
        count=len(pending),
        previous=before.hash if before else chain.BEFORE_FIRST,
        root=chain.merkle_root(hashes).hex(),
        sealed_at=now,
    )
    seal.hash = chain.seal_hash(seal.body())
    seal.save(force_insert=True)
    Leaf.objects.bulk_create(
        Leaf(position=seal.first + offset, record_id=row.record_id, seal=seal, hash=leaf.hex())
        for offset, (row, leaf) in enumerate(zip(pending, hashes, strict=True))
    )
    Pending.objects.filter(pk__in=[row.pk for row in pending]).delete()
    return seal


def _is_only_sealer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALER_LOCK])
        row = cursor.fetchone()
    return bool(row[0])


@transaction.atomic
def sign_checkpoint(*, signer: Signer, now: datetime, is_forced: bool = False) -> Checkpoint | None:
    """Sign the newest seal, if 100 records or 60 s have passed since the last checkpoint (or ``is_forced``)."""
    if not _is_only_sealer():
        return None
    seal = Seal.objects.order_by("-number").first()
    last = Checkpoint.objects.select_related("seal").order_by("-seal_id").first()
    if seal is None or (last is not None and last.seal_id == seal.number):
        return None
    is_due = (
        last is None
        or seal.last - last.seal.last >= CHECKPOINT_RECORDS
        or now - last.at >= timedelta(seconds=CHECKPOINT_SECONDS)
    )
    if not (is_due or is_forced):
        return None
    CheckpointKey.objects.get_or_create(
        key_id=signer.key_id, defaults={"public_key": signer.public_key.hex(), "first_used_at": now}
    )
    body = checkpoint_body(number=seal.number, size=seal.last, head=seal.hash, at=now, key_id=signer.key_id)
    signature = signer.sign(signed_bytes(body)).hex()
    return Checkpoint.objects.create(seal=seal, key_id=signer.key_id, at=now, signature=signature)


def deliver_checkpoints(*, sink: Sink, now: datetime) -> int:
    """Hand every checkpoint that ``sink`` has not taken to it, oldest first; how many.

    Raises SinkUnavailable (again later), SinkDisagrees (the sink holds another history: a person must look).
    """
    missing = Checkpoint.objects.select_related("seal", "key").exclude(deliveries__sink=sink.name).order_by("seal_id")
    count = 0
    for checkpoint in missing:
        sink.put(checkpoint.seal_id, document_of(checkpoint))
        Delivery.objects.get_or_create(checkpoint=checkpoint, sink=sink.name, defaults={"at": now})
        count += 1
    return count


def document_of(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as it goes into a sink."""
    return checkpoint_document(
        body=body_of(checkpoint),
        signature=bytes.fromhex(checkpoint.signature),
        public_key=bytes.fromhex(checkpoint.key.public_key),
    )


def body_of(checkpoint: Checkpoint) -> dict[str, object]:
    """What the signature is over."""
    seal = checkpoint.seal
    return checkpoint_body(
        number=seal.number, size=seal.last, head=seal.hash, at=checkpoint.at, key_id=checkpoint.key_id
    )
