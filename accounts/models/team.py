"""Teams own images and ask for them."""

import uuid6
from django.db import models

from accounts.domain.names import MAX_NAME_LENGTH


class Team(models.Model):
    """A group of people that asks for and owns images."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    name_folded = models.CharField(max_length=MAX_NAME_LENGTH, editable=False)
    description = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey("accounts.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name_folded", "id"]
        constraints = [models.UniqueConstraint(fields=["name_folded"], name="team_name_unique")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person is in one team. Who was in it before stands in the record."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="memberships")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="memberships")
    added_by = models.ForeignKey("accounts.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["team", "person", "id"]
        constraints = [models.UniqueConstraint(fields=["team", "person"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.person} in {self.team}"
