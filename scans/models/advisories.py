"""Advisories as received, the ranges of versions they name, and which components fall into them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from scans.models.feeds import Feed
from scans.models.inventory import Component


class Vulnerability(models.Model):
    """One vulnerability, by the name that people know it by. Severity and exploitation are rolled up here.

    ``severity`` is the highest that any source gives (``scans.domain.severity``); derived from ``Rating``.
    """

    name = models.CharField(max_length=200)  # "CVE-2026-8376", or the advisory's own id
    severity = models.PositiveSmallIntegerField(default=0)  # scans.domain.severity.Severity
    is_exploited = models.BooleanField(default=False)
    exploited_due_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "vulnerabilities"
        constraints = [
            models.UniqueConstraint(fields=["name"], name="vulnerability_name_unique"),
            models.CheckConstraint(condition=Q(severity__lte=5), name="vulnerability_severity_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Advisory(models.Model):
    """One record of a feed. ``body`` is what was received; the other columns follow from it."""

    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="advisories")
    osv_id = models.CharField(max_length=200)
    body = models.BinaryField()
    body_sha256 = models.CharField(max_length=64)
    aliases = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    summary = models.CharField(max_length=500, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    modified_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    absent_since = models.DateTimeField(null=True, blank=True)  # no longer in its feed
    first_seen_at = models.DateTimeField()  # by us

    class Meta:
        ordering = ["osv_id", "id"]
        verbose_name_plural = "advisories"
        constraints = [models.UniqueConstraint(fields=["feed", "osv_id"], name="advisory_once_per_feed")]

    def __str__(self) -> str:
        return self.osv_id


class AdvisedVulnerability(models.Model):
    """That an advisory is about a vulnerability."""

    advisory = models.ForeignKey(Advisory, on_delete=models.CASCADE, related_name="vulnerability_links")
    vulnerability = models.ForeignKey(Vulnerability, on_delete=models.PROTECT, related_name="advisory_links")

    class Meta:
        ordering = ["advisory", "vulnerability"]
        constraints = [
            models.UniqueConstraint(fields=["advisory", "vulnerability"], name="advised_vulnerability_unique"),
        ]


class AffectedRange(models.Model):
    """Versions of one package that an advisory is about: ``[introduced, fixed)`` or ``[introduced, last_affected]``."""

    advisory = models.ForeignKey(Advisory, on_delete=models.CASCADE, related_name="ranges")
    ecosystem = models.CharField(max_length=100)
    package = models.CharField(max_length=300)
    introduced = models.CharField(max_length=300)
    fixed = models.CharField(max_length=300, blank=True)
    last_affected = models.CharField(max_length=300, blank=True)
    introduced_key = models.BinaryField()
    end_key = models.BinaryField(null=True)  # null = no end, or incomparable
    is_end_inclusive = models.BooleanField(default=False)
    is_alone = models.BooleanField()  # the only range of its advisory for its package
    incomparable = models.CharField(max_length=300, blank=True)  # why it cannot be put in order
    key_version = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["advisory", "id"]
        indexes = [
            models.Index(fields=["ecosystem", "package", "introduced_key"], name="affected_range_in_order"),
            models.Index(fields=["ecosystem", "package"], condition=~Q(incomparable=""), name="affected_range_odd"),
        ]


class Match(models.Model):
    """That an advisory is about a component: computed once, whichever images have the component."""

    class Outcome(models.TextChoices):
        AFFECTED = "affected", "Affected"
        CANNOT_COMPARE = "cannot_compare", "Cannot compare"

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="matches")
    advisory = models.ForeignKey(Advisory, on_delete=models.CASCADE, related_name="matches")
    outcome = models.CharField(max_length=16, choices=Outcome)
    fixed_version = models.CharField(max_length=300, blank=True)  # of the source package; "" = no fix
    fixed_key = models.BinaryField(null=True)
    matched_at = models.DateTimeField()

    class Meta:
        ordering = ["component", "advisory"]
        verbose_name_plural = "matches"
        constraints = [
            models.UniqueConstraint(fields=["component", "advisory"], name="match_pair_unique"),
            models.CheckConstraint(condition=Q(outcome__in=["affected", "cannot_compare"]), name="match_outcome_known"),
        ]
