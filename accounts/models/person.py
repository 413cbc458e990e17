"""Somebody who signs in."""

from collections.abc import Iterator

import uuid6
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.crypto import salted_hmac

from accounts.domain.names import MAX_NAME_LENGTH, fault_of, fold
from audit.actor import Actor


class PersonManager(BaseUserManager["Person"]):
    """Finds people by name for Django's authentication; writing is the services' task."""

    def get_by_natural_key(self, username: str | None) -> "Person":
        """Raises DoesNotExist, also for what cannot be a name (NUL would be an error of the database)."""
        if fault_of(username or ""):
            raise self.model.DoesNotExist
        return self.get(username_folded=fold(username or ""))


class PersonSource(models.TextChoices):
    """Who vouches for the password."""

    LOCAL = "local", "Goldgate"
    LDAP = "ldap", "LDAP"


class Person(AbstractBaseUser):
    """Somebody who signs in. There is no superuser: what a person may do follows from role grants.

    ``identity`` names the human being behind the account at the directory that vouches for them
    (``ldap:<entryUUID>``); ``same_person_as`` links a second account to the first one of the same
    human. ``accounts.selectors.identity_of`` reads both (docs/adr/0005).
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    username = models.CharField(max_length=MAX_NAME_LENGTH)
    username_folded = models.CharField(max_length=MAX_NAME_LENGTH, editable=False)
    display_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)  # type: ignore[misc]
    source = models.CharField(max_length=8, choices=PersonSource.choices, default=PersonSource.LOCAL)
    identity = models.CharField(max_length=500, blank=True)
    same_person_as = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="other_accounts"
    )
    directory_checked_at = models.DateTimeField(null=True, blank=True)  # when LDAP last vouched for them
    must_change_password = models.BooleanField(default=False)
    # Part of what a session is checked against: one higher, and every session of the person has ended.
    session_epoch = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="created")
    created_at = models.DateTimeField(auto_now_add=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: list[str] = []  # type: ignore[misc]
    objects = PersonManager()

    class Meta:
        ordering = ["username_folded", "id"]
        constraints = [
            models.UniqueConstraint(fields=["username"], name="person_username_unique"),
            models.UniqueConstraint(fields=["username_folded"], name="person_name_unique"),
            models.UniqueConstraint(
                fields=["identity"], condition=models.Q(source="ldap"), name="person_ldap_identity_unique"
            ),
            models.CheckConstraint(condition=models.Q(source__in=PersonSource.values), name="person_source_known"),
            models.CheckConstraint(
                condition=models.Q(same_person_as__isnull=True) | ~models.Q(same_person_as=models.F("id")),
                name="person_not_linked_to_itself",
            ),
            models.CheckConstraint(condition=~models.Q(source="ldap", identity=""), name="person_ldap_has_identity"),
            models.CheckConstraint(
                condition=models.Q(is_active=True, deactivated_at__isnull=True)
                | models.Q(is_active=False, deactivated_at__isnull=False),
                name="person_inactive_since",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username

    def as_actor(self) -> Actor:
        """This person as the doer of a deed in the record."""
        return Actor(kind="person", id=str(self.pk), name=self.username)

    def get_session_auth_hash(self) -> str:
        """What each session is compared with: the password's hash and the session epoch."""
        value = f"{self.password}:{self.session_epoch}"
        return salted_hmac("accounts.session", value, algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """None: sessions made under an earlier key are over."""
        return iter(())
