"""What the record looks like in answers."""

from typing import Any

from rest_framework import serializers

from audit.models import Checkpoint, CheckpointKey, Record


class ActorOutput(serializers.Serializer[Any]):
    kind = serializers.CharField(source="actor_kind")
    id = serializers.CharField(source="actor_id")
    name = serializers.CharField(source="actor_name")


class SubjectOutput(serializers.Serializer[Any]):
    kind = serializers.CharField(source="subject_kind")
    id = serializers.CharField(source="subject_id")
    label = serializers.CharField(source="subject_label")  # type: ignore[assignment]


class RecordOutput(serializers.ModelSerializer[Record]):
    """One deed. ``position`` is its place in the sealed order, null while no seal covers it."""

    actor = ActorOutput(source="*")
    subject = SubjectOutput(source="*")
    position = serializers.SerializerMethodField()

    class Meta:
        model = Record
        fields = ["id", "uuid", "verb", "actor", "subject", "at", "data", "request_id", "position"]

    def get_position(self, record: Record) -> int | None:
        leaf = getattr(record, "leaf", None)
        return leaf.position if leaf else None


class CheckpointOutput(serializers.ModelSerializer[Checkpoint]):
    """One signed checkpoint, and the sinks that have taken it."""

    number = serializers.IntegerField(source="seal_id")
    size = serializers.IntegerField(source="seal.last")
    head = serializers.CharField(source="seal.hash")
    key_id = serializers.CharField()
    sinks = serializers.SerializerMethodField()

    class Meta:
        model = Checkpoint
        fields = ["number", "size", "head", "at", "key_id", "signature", "sinks"]

    def get_sinks(self, checkpoint: Checkpoint) -> list[str]:
        return [delivery.sink for delivery in checkpoint.deliveries.all()]


class CheckpointKeyOutput(serializers.ModelSerializer[CheckpointKey]):
    """The public half of a key: 32 bytes in hex (Ed25519)."""

    class Meta:
        model = CheckpointKey
        fields = ["key_id", "public_key", "first_used_at"]
