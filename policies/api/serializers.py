"""What the API gives of policies."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from policies.models import Policy


class PolicyOutput(serializers.Serializer[Policy]):
    """One version of the policy, with the whole document."""

    version = serializers.IntegerField(help_text="0: the default, before anybody adopted one.")
    name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Over the canonical JSON (RFC 8785) of the document.")
    is_demo = serializers.BooleanField()
    adopted_at = serializers.DateTimeField()
    adopted_by = serializers.CharField(source="adopted_by.username", default=None, allow_null=True)
    document = serializers.SerializerMethodField()

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_document(self, policy: Policy) -> Any:
        return policy.document
