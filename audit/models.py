"""The record, its seals and its checkpoints. Every table but ``Pending`` only grows: triggers see to it."""

from typing import Any

import uuid6
from django.db import models
from django.db.models import Q

from audit.actor import ActorKind
from audit.domain import body


class Record(models.Model):
    """One deed: who did what to what, when. Written in the deed's transaction, never changed."""

    id = models.BigAutoField(primary_key=True)  # grows, with gaps; commits may come out of its order
    uuid = models.UUIDField(unique=True, default=uuid6.uuid7, editable=False)
    verb = models.CharField(max_length=64)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=200)
    actor_name = models.CharField(max_length=200)
    subject_kind = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=200)
    subject_label = models.CharField(max_length=500)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # The shape, not the list: a new verb must not rewrite a constraint over the largest table.
            models.CheckConstraint(name="record_verb_shape", condition=Q(verb__regex=r"^[a-z_]+\.[a-z_]+$")),
            models.CheckConstraint(
                name="record_actor_kind_known", condition=Q(actor_kind__in=[kind.value for kind in ActorKind])
            ),
        ]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "-id"], name="record_by_subject"),
            models.Index(fields=["verb", "-id"], name="record_by_verb"),
            models.Index(fields=["actor_id", "-id"], name="record_by_actor"),
            models.Index(fields=["actor_name", "-id"], name="record_by_actor_name"),
            models.Index(fields=["request_id"], name="record_by_request", condition=~Q(request_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_label}"

    def body(self) -> dict[str, Any]:
        """What is hashed and exported, rebuilt from the columns: no second copy could drift from them."""
        return {
            "id": self.pk,
            "uuid": str(self.uuid),
            "verb": self.verb,
            "actor": {"kind": self.actor_kind, "id": self.actor_id, "name": self.actor_name},
            "subject": {"kind": self.subject_kind, "id": self.subject_id, "label": self.subject_label},
            "at": body.time_text(self.at),
            "data": self.data,
            "request_id": self.request_id,
        }


class Pending(models.Model):
    """A record that no seal covers yet. Written with the record, removed by the sealer (docs/adr/0003)."""

    record = models.OneToOneField(Record, on_delete=models.PROTECT, primary_key=True, related_name="pending")

    class Meta:
        ordering = ["record"]

    def __str__(self) -> str:
        return f"pending {self.record_id}"


class Seal(models.Model):
    """One batch of records, closed: their root, and the hash of the seal before."""

    number = models.PositiveBigIntegerField(primary_key=True)  # 1, 2, 3 … without gaps
    first = models.PositiveBigIntegerField(unique=True)  # position of its first record
    count = models.PositiveIntegerField()
    previous = models.CharField(max_length=64, unique=True)
    root = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)
    sealed_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [models.CheckConstraint(name="seal_not_empty", condition=Q(count__gt=0))]

    def __str__(self) -> str:
        return f"seal {self.number}"

    @property
    def last(self) -> int:
        """Position of its last record: how many records are sealed up to here."""
        return self.first + self.count - 1

    def body(self) -> dict[str, Any]:
        """What ``hash`` is over."""
        return {
            "number": self.number,
            "first": self.first,
            "count": self.count,
            "previous": self.previous,
            "root": self.root,
            "sealed_at": body.time_text(self.sealed_at),
        }


class Leaf(models.Model):
    """Where a record stands in the sealed order, and its hash at that moment."""

    position = models.PositiveBigIntegerField(primary_key=True)  # 1, 2, 3 … without gaps
    record = models.OneToOneField(Record, on_delete=models.PROTECT, related_name="leaf")
    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, related_name="leaves")
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"leaf {self.position}"


class CheckpointKey(models.Model):
    """The public half of a key that signed checkpoints."""

    key_id = models.CharField(primary_key=True, max_length=80)
    public_key = models.CharField(max_length=64)  # hex of the 32 raw bytes
    first_used_at = models.DateTimeField()

    class Meta:
        ordering = ["first_used_at", "key_id"]

    def __str__(self) -> str:
        return self.key_id


class Checkpoint(models.Model):
    """A signed sentence about the record up to one seal."""

    seal = models.OneToOneField(Seal, on_delete=models.PROTECT, primary_key=True, related_name="checkpoint")
    key = models.ForeignKey(CheckpointKey, on_delete=models.PROTECT, related_name="checkpoints")
    at = models.DateTimeField()
    signature = models.CharField(max_length=128)  # hex

    class Meta:
        ordering = ["seal"]

    def __str__(self) -> str:
        return f"checkpoint {self.seal_id}"


class Delivery(models.Model):
    """A checkpoint that an outside sink has taken."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="deliveries")
    sink = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        ordering = ["checkpoint", "sink"]
        constraints = [models.UniqueConstraint(name="delivery_once_per_sink", fields=["checkpoint", "sink"])]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} in {self.sink}"
