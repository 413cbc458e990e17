"""What the API takes and gives of people, teams, roles and tokens."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.domain.names import MAX_NAME_LENGTH
from accounts.models import Person, RoleGrant, ServiceToken
from accounts.models.person import PersonSource
from accounts.models.role_grant import GrantSource
from accounts.roles import ROLE_CHOICES, SCOPE_CHOICES
from core.validity import is_in_force
from portal.serializers import StrictSerializer


class PersonBrief(serializers.Serializer[Person]):
    """A person where another thing names them."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()


class PersonOutput(serializers.Serializer[Person]):
    """One account. ``roles`` are those held everywhere now; ``same_person_as`` the first account of the same person."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    email = serializers.CharField()
    is_active = serializers.BooleanField()
    source = serializers.ChoiceField(choices=PersonSource.choices)  # type: ignore[assignment]
    must_change_password = serializers.BooleanField()
    created_by = PersonBrief(allow_null=True)
    same_person_as = PersonBrief(allow_null=True)
    created_at = serializers.DateTimeField()
    deactivated_at = serializers.DateTimeField(allow_null=True)
    roles = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=ROLE_CHOICES)))
    def get_roles(self, person: Person) -> list[str]:
        if not person.is_active:
            return []
        now = timezone.now()
        held = {g.role for g in person.role_grants.all() if g.team_id is None and is_in_force(g, now)}
        return sorted(held)


class MeOutput(PersonOutput):
    """Who asks, and by what: ``scopes`` is null for a session."""

    scopes = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=SCOPE_CHOICES), allow_null=True))
    def get_scopes(self, person: Person) -> list[str] | None:
        auth = self.context["request"].auth
        return list(auth.scopes) if isinstance(auth, ServiceToken) else None


class PersonInput(StrictSerializer):
    username = serializers.CharField(max_length=MAX_NAME_LENGTH, trim_whitespace=False)
    display_name = serializers.CharField(max_length=MAX_NAME_LENGTH, required=False, allow_blank=True, default="")
    email = serializers.EmailField(required=False, allow_blank=True, default="")


class NewPersonOutput(serializers.Serializer[Any]):
    """The new account and its one-time password, which is not shown again."""

    person = PersonOutput()
    one_time_password = serializers.CharField()


class OneTimePasswordOutput(serializers.Serializer[Any]):
    one_time_password = serializers.CharField()


class LinkInput(StrictSerializer):
    same_person_as = serializers.UUIDField()


class TeamBrief(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class RoleGrantOutput(serializers.Serializer[RoleGrant]):
    """A role held in ``[starts_at, ends_at)``; ``team`` is null for a role held everywhere."""

    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=ROLE_CHOICES)
    team = TeamBrief(allow_null=True)
    source = serializers.ChoiceField(choices=GrantSource.choices)  # type: ignore[assignment]
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    granted_by = PersonBrief(allow_null=True)
    is_in_force = serializers.SerializerMethodField()

    def get_is_in_force(self, grant: RoleGrant) -> bool:
        return grant.person.is_active and is_in_force(grant, timezone.now())


class RoleGrantInput(StrictSerializer):
    role = serializers.ChoiceField(choices=ROLE_CHOICES)
    team = serializers.UUIDField(required=False, allow_null=True, default=None)
    starts_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    ends_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class TeamOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()


class TeamInput(StrictSerializer):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH, trim_whitespace=False)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class MembershipOutput(serializers.Serializer[Any]):
    person = PersonBrief()
    added_at = serializers.DateTimeField()


class MembershipInput(StrictSerializer):
    person = serializers.UUIDField()


class TokenOutput(serializers.Serializer[ServiceToken]):
    """A token without its secret; ``hint`` is how the secret begins, after ``ggt_``."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    hint = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPE_CHOICES))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    is_in_force = serializers.SerializerMethodField()

    def get_is_in_force(self, token: ServiceToken) -> bool:
        return is_in_force(token, timezone.now())


class TokenInput(StrictSerializer):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH, trim_whitespace=False)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPE_CHOICES), min_length=1, max_length=len(SCOPE_CHOICES)
    )
    expires_at = serializers.DateTimeField()


class NewTokenOutput(serializers.Serializer[Any]):
    """The new token and its secret, which is not shown again."""

    token = TokenOutput()
    secret = serializers.CharField()
