"""Upstream tags that are watched, and waves of renewals along lineage."""

import uuid6
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Watch(models.Model):
    """An upstream tag of an image that is adopted, not built: where it moves, a candidate is imported."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    version = models.ForeignKey("catalog.Version", on_delete=models.PROTECT, related_name="watches")
    repository = models.ForeignKey("registry.Repository", on_delete=models.PROTECT, related_name="watches")
    tag = models.CharField(max_length=128)
    platforms = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")  # proposes
    every_seconds = models.PositiveIntegerField(default=6 * 3600)
    is_paused = models.BooleanField(default=False)
    last_digest = models.CharField(max_length=135, blank=True)  # what the tag named when it was last looked at
    last_checked_at = models.DateTimeField(null=True, blank=True)  # of the last look that got an answer
    last_failure = models.TextField(blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)  # by the breaker: it moved too often in a day
    resumed_at = models.DateTimeField(null=True, blank=True)  # by a person: moves before that count no longer
    # Of what the tag named last. Once it is done, its artifact becomes a candidate of the version.
    last_import = models.ForeignKey(
        "registry.Import", null=True, blank=True, on_delete=models.PROTECT, related_name="watches"
    )
    next_due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["version", "repository", "tag"]
        indexes = [models.Index(fields=["next_due_at", "id"], name="watch_next_due")]
        constraints = [models.UniqueConstraint(fields=["version", "repository", "tag"], name="watch_once")]

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"


class Wave(models.Model):
    """Renewals that follow from one event, base images first."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    reason = models.CharField(max_length=20)  # as Cause.Reason
    title = models.CharField(max_length=300)
    detail = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at", "-id"]

    def __str__(self) -> str:
        return self.title


class WaveRow(models.Model):
    """One version in a wave. What came of it is computed from its build and its candidate, not stored beside them."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="rows")
    version = models.ForeignKey("catalog.Version", on_delete=models.PROTECT, related_name="wave_rows")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    build = models.ForeignKey("builds.Build", null=True, blank=True, on_delete=models.PROTECT, related_name="wave_rows")
    # An adopted image has no build: its candidate comes by import.
    import_asked = models.ForeignKey(
        "registry.Import", null=True, blank=True, on_delete=models.PROTECT, related_name="wave_rows"
    )
    subversion = models.ForeignKey(
        "catalog.Subversion", null=True, blank=True, on_delete=models.PROTECT, related_name="wave_rows"
    )
    # Set where neither build nor candidate can say it: "no_source", "pinned", "fix_not_in_mirror", and what the
    # parent's end says of it.
    outcome = models.CharField(max_length=20, blank=True)
    outcome_detail = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)  # None: waits for its parent's decision
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["wave", "id"]
        constraints = [
            models.UniqueConstraint(fields=["wave", "version"], name="wave_row_once"),
            models.CheckConstraint(condition=Q(outcome="") | Q(finished_at__isnull=False), name="wave_row_end_timed"),
        ]
