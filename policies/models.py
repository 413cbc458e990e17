"""Versions of the policy document, and the grants that let something pass beside it."""

from datetime import timedelta

import pgtrigger
import uuid6
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from policies.domain.grants import MAX_DAYS, RULE_ID


class Policy(models.Model):
    """One adopted version of the policy; it holds until the next one is adopted. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)
    is_demo = models.BooleanField()
    adopted_at = models.DateTimeField()
    # Nobody: it came with Goldgate.
    adopted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["version"], name="policy_version_once"),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="policy_version_from_one"),
            models.CheckConstraint(condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="policy_sha256_hex"),
        ]
        triggers = [
            pgtrigger.Protect(name="policy_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class Grant(models.Model):
    """The one way to let something pass: what, where, why, who asked and who gave it, until when.

    Asked first; in force from ``starts_at`` once another person gave it. Rooms above stand in ``scope`` by name or
    digest, never as a key: policies stand below them. Never changed, except to end earlier.
    """

    class Kind(models.TextChoices):
        WAIVER = "waiver", "waiver"  # a hardening check that a candidate need not pass
        EXCEPTION = "exception", "exception"  # a finding accepted
        BREAK_GLASS = "break_glass", "break-glass"
        BASELINE = "baseline", "baseline"

    class ScopeKind(models.TextChoices):
        VERSION = "version", "version of an image"  # "debian/12"
        SOURCE = "source", "source"  # its name
        DIGEST = "digest", "digest"  # one artifact, nothing else

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    kind = models.CharField(max_length=12, choices=Kind)
    rule = models.CharField(max_length=40, blank=True)  # of a waiver: the check's stable id
    scope_kind = models.CharField(max_length=10, choices=ScopeKind)
    scope = models.CharField(max_length=300)
    reason = models.TextField(max_length=4000)
    ticket = models.CharField(max_length=200, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asker_identity = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    asked_until = models.DateTimeField()
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    giver_identity = models.CharField(max_length=500, blank=True)
    is_one_person = models.BooleanField(default=False)  # given by who asked, by a setting: said wherever it is shown
    starts_at = models.DateTimeField(null=True, blank=True)  # when it was given
    ends_at = models.DateTimeField()  # as asked; brought forward when it is ended early
    refused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    refused_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, max_length=4000)  # why it was refused, or ended early

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [models.Index(fields=["kind", "scope_kind", "scope", "ends_at"], name="grant_of_scope")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "rule", "scope_kind", "scope"],
                condition=Q(starts_at=None, refused_at=None),
                name="grant_asked_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["waiver", "exception", "break_glass", "baseline"]), name="grant_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(scope_kind__in=["version", "source", "digest"]) & ~Q(scope=""), name="grant_scope_named"
            ),
            models.CheckConstraint(
                condition=~Q(kind="waiver") | Q(rule__regex=RULE_ID), name="grant_waiver_names_rule"
            ),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(asker_identity=""), name="grant_asked_with_reason"),
            models.CheckConstraint(
                condition=Q(asked_until__gt=F("asked_at"))
                & Q(asked_until__lte=F("asked_at") + timedelta(days=MAX_DAYS))
                & Q(ends_at__lte=F("asked_until")),
                name="grant_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(starts_at=None, given_by=None, giver_identity="", is_one_person=False)
                | Q(starts_at__isnull=False, given_by__isnull=False, refused_at=None)
                & Q(starts_at__gte=F("asked_at"))
                & Q(ends_at__gte=F("starts_at"))
                & ~Q(giver_identity=""),
                name="grant_given_by_somebody",
            ),
            # Four eyes, by identity; a house of one person says so on the grant.
            models.CheckConstraint(
                condition=Q(starts_at=None)
                | Q(is_one_person=True)
                | ~Q(giver_identity=F("asker_identity")) & ~Q(given_by=F("asked_by")),
                name="grant_given_by_another",
            ),
            models.CheckConstraint(
                condition=Q(refused_at=None, refused_by=None)
                | Q(refused_at__isnull=False, refused_by__isnull=False) & ~Q(answer=""),
                name="grant_refused_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None)
                | Q(ended_at__isnull=False, ended_by__isnull=False, starts_at__isnull=False)
                & Q(ends_at=F("ended_at"))
                & ~Q(answer=""),
                name="grant_ended_with_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="grant_kept", operation=pgtrigger.Delete),
            # Whoever gave it, gave this.
            pgtrigger.Protect(
                name="grant_claim_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "kind", "rule", "scope_kind", "scope", "reason", "ticket", "asked_by", "asker_identity", "asked_at",
                    "asked_until",
                ),
            ),
            # What was given, refused or ended stays so; an end moves forward once, with its reason, and never back.
            pgtrigger.Protect(
                name="grant_answer_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "(OLD.refused_at IS NOT NULL OR OLD.ended_at IS NOT NULL"
                    " OR (OLD.starts_at IS NOT NULL AND (NEW.starts_at, NEW.given_by_id, NEW.giver_identity,"
                    " NEW.is_one_person) IS DISTINCT FROM (OLD.starts_at, OLD.given_by_id, OLD.giver_identity,"
                    " OLD.is_one_person))"
                    " OR (NEW.ends_at IS DISTINCT FROM OLD.ends_at"
                    " AND (NEW.ended_at IS NULL OR NEW.ends_at > OLD.ends_at)))"
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.rule or 'everything'} for {self.scope}"
