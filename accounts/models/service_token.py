"""Tokens with which programs call the API in a person's name."""

from datetime import datetime

import uuid6
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.domain.names import MAX_NAME_LENGTH
from accounts.roles import Scope
from audit.actor import Actor


class ServiceToken(models.Model):
    """A secret ``ggt_…`` of one person, good for some scopes until a date. Only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    owner = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="tokens")
    sha256 = models.CharField(max_length=64)
    hint = models.CharField(max_length=16)
    scopes = ArrayField(models.CharField(max_length=32))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["sha256"], name="service_token_hash_unique"),
            models.CheckConstraint(condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="service_token_is_hashed"),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="service_token_expires_after_creation"
            ),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=[scope.value for scope in Scope]) & ~models.Q(scopes=[]),
                name="service_token_scopes_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (ggt_{self.hint}…)"

    @property
    def starts_at(self) -> datetime:
        return self.created_at

    @property
    def ends_at(self) -> datetime:
        """The earlier of its expiry and the moment it was ended."""
        return min(self.expires_at, self.ended_at) if self.ended_at else self.expires_at

    def as_actor(self) -> Actor:
        """This token as the doer of a deed, named with its owner."""
        return Actor(kind="token", id=str(self.pk), name=f"{self.owner.username} by token {self.name}")
