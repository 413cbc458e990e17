"""People, teams, roles and tokens."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms

from accounts.roles import Role, Scope
from web.forms.base import PageForm

ROLE_WORDS = {
    Role.VIEWER: "viewer — reads everything",
    Role.REQUESTER: "requester — asks for images, puts candidates before reviewers",
    Role.REVIEWER: "reviewer — judges packets",
    Role.SECURITY_REVIEWER: "security reviewer — judges, suspends, revokes",
    Role.PLATFORM_ADMIN: "platform admin — registries, feeds, people, clusters",
    Role.AUDITOR: "auditor — reads and exports the record",
}
SCOPE_WORDS = {
    Scope.READ: "read — everything the owner may read",
    Scope.IMPORT: "import — bring images in, cancel jobs",
    Scope.PROPOSE: "propose — ask for images, put candidates before reviewers",
    Scope.CATALOG: "catalog — images and versions",
    Scope.DECIDE: "decide — ask for a verdict",
    Scope.REGISTRIES: "registries — add and test registries",
    Scope.FEEDS: "feeds — add and sync advisory feeds",
    Scope.CLUSTERS: "clusters — add clusters, make enrolment tokens",
    Scope.AUDIT: "audit — export the record",
}


def end_of_day(value: Any) -> datetime | None:
    """A form's date as the last moment it names, in UTC: midnight after it."""
    if value is None:
        return None
    return datetime.combine(value + timedelta(days=1), time.min, tzinfo=UTC)


class PersonForm(PageForm):
    username = forms.CharField(
        label="Name", max_length=150, help_text="What they sign in with. It stays: the record names it."
    )
    display_name = forms.CharField(label="Full name", max_length=200, required=False)
    email = forms.EmailField(required=False)


class GrantForm(PageForm):
    role = forms.ChoiceField(choices=[(role.value, words) for role, words in ROLE_WORDS.items()])
    team: Any = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="everywhere", help_text="Empty: for everything."
    )
    ends_on = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The last day, in UTC. Empty: until further notice.",
    )

    def __init__(self, *args: Any, teams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


class TeamForm(PageForm):
    name = forms.CharField(max_length=150)
    description = forms.CharField(max_length=500, required=False)


class MemberForm(PageForm):
    username = forms.CharField(label="Name of the person", max_length=150)


class TokenForm(PageForm):
    name = forms.CharField(max_length=150, help_text="What it is for: a pipeline, a script.")
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, words) for scope, words in SCOPE_WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="A token never does more than its owner may at that moment.",
    )
    expires_on = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="In UTC, at most 366 days ahead.",
    )
