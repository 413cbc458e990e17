"""What the API gives of policies."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from policies.domain.grants import GrantState, state_at
from policies.models import Grant, Policy


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


class GrantOutput(serializers.Serializer[Grant]):
    """What is let pass: what, where, why, by whom, until when."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Grant.Kind.choices)
    rule = serializers.CharField(help_text="Of a waiver: the check that may fail.")
    scope_kind = serializers.ChoiceField(choices=Grant.ScopeKind.choices)
    scope = serializers.CharField(help_text="A version (debian/12), a source's name, or a digest.")
    state = serializers.SerializerMethodField()
    reason = serializers.CharField()
    ticket = serializers.CharField()
    asked_by = serializers.CharField(source="asked_by.username")
    asked_at = serializers.DateTimeField()
    given_by = serializers.CharField(source="given_by.username", default=None, allow_null=True)
    is_one_person = serializers.BooleanField(help_text="Given by who asked, in a house of one person.")
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField()
    refused_by = serializers.CharField(source="refused_by.username", default=None, allow_null=True)
    refused_at = serializers.DateTimeField(allow_null=True)
    ended_by = serializers.CharField(source="ended_by.username", default=None, allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField(help_text="Why it was refused, or ended before its time.")

    @extend_schema_field(serializers.ChoiceField(choices=[(one.value, one.value) for one in GrantState]))
    def get_state(self, grant: Grant) -> str:
        return str(state_at(grant, timezone.now()))
