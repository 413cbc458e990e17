"""What the admission API takes and shows."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from admission.models import Decision, Gate
from gate.webhook_manifest import without_token
from portal.serializers import StrictSerializer

MAX_IMAGES = 200
MAX_MANIFEST_CHARACTERS = 2 * 1024 * 1024


class ClusterInput(StrictSerializer):
    """A cluster to add."""

    name = serializers.CharField(max_length=63)
    description = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class ClusterOutput(serializers.Serializer[Any]):
    """A cluster."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(source="created_by_name")
    gate_count = serializers.IntegerField(default=0)


class EnrolmentTokenOutput(serializers.Serializer[Any]):
    """A one-time token. The secret is shown now and never again."""

    id = serializers.UUIDField(source="token.pk")
    cluster = serializers.CharField(source="token.cluster.name")
    enrolment_token = serializers.CharField(source="secret")
    expires_at = serializers.DateTimeField(source="token.expires_at")
    root_sha256 = serializers.CharField(help_text="What the new gate's trust begins with. Compare it by another way.")


class EnrolmentInput(StrictSerializer):
    """A gate's wish to join."""

    enrolment_token = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=253, required=False, default="", allow_blank=True)


class EnrolmentOutput(serializers.Serializer[Any]):
    """What the gate needs to start. The token is shown now and never again."""

    gate_id = serializers.UUIDField(source="gate.pk")
    cluster = serializers.CharField(source="gate.cluster.name")
    token = serializers.CharField(source="secret")
    metadata_url = serializers.CharField()
    targets_url = serializers.CharField()
    root_sha256 = serializers.CharField()


class GateOutput(serializers.Serializer[Any]):
    """A gate, and what it last said of itself."""

    id = serializers.UUIDField()
    cluster = serializers.CharField(source="cluster.name")
    name = serializers.CharField()
    enrolled_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)
    snapshot_version = serializers.IntegerField(allow_null=True)
    spool_depth = serializers.IntegerField(allow_null=True)
    software_version = serializers.CharField()
    asks_callers_for = serializers.CharField(help_text="`nothing`: whoever reaches its port is answered.")
    webhook_url = serializers.SerializerMethodField(help_text="Where it is reached, without its token.")

    def get_webhook_url(self, gate: Gate) -> str:
        return without_token(gate.webhook_url)


class HeartbeatInput(serializers.Serializer[Any]):
    """How a gate is, by its own word. Further keys are passed over."""

    snapshot_version = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**62)
    spool_depth = serializers.IntegerField(required=False, min_value=0, max_value=2**62)
    software_version = serializers.CharField(required=False, max_length=64, allow_blank=True)
    ca_bundle_pem = serializers.CharField(required=False, max_length=64_000, allow_blank=True)
    webhook_url = serializers.CharField(required=False, max_length=500, allow_blank=True)
    asks_callers_for = serializers.CharField(required=False, max_length=40, allow_blank=True)


class DecisionBatchInput(StrictSerializer):
    """Decisions as a gate keeps them (docs/reference/snapshots.md)."""

    decisions = serializers.ListField(child=serializers.DictField(), max_length=1_000)


class DecisionBatchOutput(serializers.Serializer[Any]):
    """The ids that are kept now, new ones and known ones alike."""

    accepted = serializers.ListField(child=serializers.CharField())


class QuestionInput(StrictSerializer):
    """Images, or a Kubernetes manifest; one of the two."""

    images = serializers.ListField(
        child=serializers.CharField(max_length=1_000, allow_blank=True, trim_whitespace=False),
        required=False,
        max_length=MAX_IMAGES,
    )
    manifest = serializers.CharField(
        required=False, max_length=MAX_MANIFEST_CHARACTERS, trim_whitespace=False, help_text="YAML or JSON."
    )
    cluster = serializers.CharField(required=False, default="", max_length=63, allow_blank=True)
    namespace = serializers.CharField(required=False, default="", max_length=253, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("images" in attrs) == ("manifest" in attrs):
            raise serializers.ValidationError("Give images or a manifest; one of the two.")
        if attrs.get("images") == []:
            raise serializers.ValidationError({"images": "Name at least one image."})
        return attrs


class CheckOutput(serializers.Serializer[Any]):
    """One check of one image."""

    code = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["pass", "warn", "fail", "unknown"])
    reason = serializers.CharField()
    remedy = serializers.CharField(default="")


class ImageVerdictOutput(serializers.Serializer[Any]):
    """What every check says about one image."""

    image = serializers.CharField(source="reference")
    path = serializers.CharField()
    digest = serializers.CharField()
    allowed = serializers.BooleanField()
    line = serializers.CharField()
    checks = CheckOutput(many=True)


class DecisionOutput(serializers.Serializer[Any]):
    """One answer, kept."""

    id = serializers.UUIDField()
    short_id = serializers.CharField()
    url = serializers.SerializerMethodField()
    at = serializers.DateTimeField()
    cluster = serializers.CharField(source="cluster.name", default="", allow_null=True)
    gate_id = serializers.UUIDField(allow_null=True)
    operation = serializers.CharField()
    object_kind = serializers.CharField()
    object_namespace = serializers.CharField()
    object_name = serializers.CharField()
    object_uid = serializers.CharField()
    user = serializers.CharField()
    user_uid = serializers.CharField()
    groups = serializers.ListField(child=serializers.CharField())
    owner_refs = serializers.ListField(child=serializers.DictField())
    allowed = serializers.BooleanField()
    message = serializers.CharField()
    failed_codes = serializers.ListField(child=serializers.CharField())
    digests = serializers.ListField(child=serializers.CharField())
    images = ImageVerdictOutput(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    snapshot_version = serializers.IntegerField(allow_null=True)
    policy_version = serializers.IntegerField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)

    def get_url(self, decision: Decision) -> str:
        return f"{settings.GOLDGATE_URL}/d/{decision.short_id}"


class SnapshotOutput(serializers.Serializer[Any]):
    """What is published, and how the publisher is."""

    version = serializers.IntegerField(allow_null=True)
    base_version = serializers.IntegerField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField(help_text="Deeds that no snapshot says yet.")
    root_sha256 = serializers.CharField()
    root_expires_at = serializers.DateTimeField(allow_null=True)
    timestamp_expires_at = serializers.CharField()
    message = serializers.CharField(help_text="What is wrong, in words; empty when nothing is.")
