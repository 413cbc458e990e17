"""Where what we know of vulnerabilities comes from."""

import uuid6
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Feed(models.Model):
    """One source of advisories, ratings, exploited vulnerabilities or end-of-life dates.

    ``snapshot_at`` is from when its contents are, as its publisher states it; ``synced_at`` is only when we read it.
    """

    class Kind(models.TextChoices):
        OSV = "osv", "Advisories (OSV)"
        RATINGS = "ratings", "Ratings (CVSS)"
        KEV = "kev", "Known exploited vulnerabilities"
        ENDOFLIFE = "endoflife", "End-of-life dates"

    class State(models.TextChoices):
        NEVER = "never", "Never synced"
        OK = "ok", "In order"
        FAILED = "failed", "Last sync failed"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=12, choices=Kind)
    url = models.CharField(max_length=1000, blank=True)  # "" = files are imported by hand
    # A small JSON file beside it that states {"snapshot_at": …}; "" = HTTP Last-Modified does.
    index_url = models.CharField(max_length=1000, blank=True)
    allow_private = models.BooleanField(default=False)  # its host may have a private or loopback address
    is_enabled = models.BooleanField(default=True)
    is_frozen = models.BooleanField(default=False)  # will never be newer: a demonstration's; shown everywhere
    # The releases that it is answerable for; what somebody declared, else what its records name.
    declared_ecosystems = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    ecosystems = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    snapshot_at = models.DateTimeField(null=True, blank=True)
    snapshot_source = models.CharField(max_length=500, blank=True)  # who stated it, in words
    content_digest = models.CharField(max_length=135, blank=True)  # of the file or archive read last
    record_count = models.PositiveIntegerField(default=0)
    # Records that could not be read in the last sync: [{"where": "line 12", "why": "…"}], at most 20.
    problems = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.NEVER)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="feed_name_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=["osv", "ratings", "kev", "endoflife"]), name="feed_kind_known"
            ),
            models.CheckConstraint(condition=Q(state__in=["never", "ok", "failed"]), name="feed_state_known"),
            models.CheckConstraint(
                condition=Q(synced_at__isnull=True) | Q(snapshot_at__isnull=False), name="feed_synced_has_snapshot_time"
            ),
        ]

    def __str__(self) -> str:
        return self.name
