"""Roles are held for a time."""

import uuid6
from django.db import models

from accounts.roles import Role


class GrantSource(models.TextChoices):
    """Who keeps the grant: a person here, or a group of the directory."""

    PERSON = "person", "granted here"
    LDAP = "ldap", "from an LDAP group"


class RoleGrant(models.Model):
    """One person holds one role in ``[starts_at, ends_at)``: everywhere, or for one team's things.

    ``core.validity.is_in_force`` answers whether it holds. Rows are ended, never deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="role_grants")
    role = models.CharField(max_length=32, choices=[(role.value, role.value) for role in Role])
    team = models.ForeignKey(
        "accounts.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="role_grants"
    )
    source = models.CharField(max_length=8, choices=GrantSource.choices, default=GrantSource.PERSON)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey("accounts.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_by = models.ForeignKey("accounts.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["person", "role", "-starts_at", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=[r.value for r in Role]), name="role_grant_role_known"),
            models.CheckConstraint(condition=models.Q(source__in=GrantSource.values), name="role_grant_source_known"),
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True) | models.Q(ends_at__gte=models.F("starts_at")),
                name="role_grant_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["person", "role", "team", "source"],
                condition=models.Q(ends_at__isnull=True),
                nulls_distinct=False,
                name="role_grant_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.role}" + (f" for {self.team}" if self.team_id else "")
