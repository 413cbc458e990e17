"""The state of what we know about an artifact's vulnerabilities."""

import uuid6
from django.db import models
from django.db.models import Q

from scans.models.inventory import Inventory


class Scan(models.Model):
    """One judgement of one artifact; the newest counts.

    It keeps the *facts*: ``scans.selectors.scan_state_at`` judges them for a moment and an allowed feed age. ``state``
    is what they gave when the row was written, the feed's age left out, so that lists can be filtered.
    ``scanned_at`` and the feed's times move with every sync that changed nothing for this artifact; a change makes a
    new row.
    """

    class State(models.TextChoices):
        COMPLETE = "complete", "Complete"
        FAILED = "failed", "Failed"
        UNSUPPORTED = "unsupported", "Unsupported"
        STALE = "stale", "Stale"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    artifact = models.ForeignKey("registry.Artifact", on_delete=models.CASCADE, related_name="scans")
    # Null: an index (its children have their own), or an inventory that failed.
    inventory = models.ForeignKey(Inventory, null=True, blank=True, on_delete=models.CASCADE, related_name="scans")
    # Of an index: the child that decides.
    deciding = models.ForeignKey(
        "registry.Artifact", null=True, blank=True, on_delete=models.CASCADE, related_name="decided_scans"
    )
    is_latest = models.BooleanField(default=True)
    state = models.CharField(max_length=12, choices=State)
    cause = models.CharField(max_length=64, blank=True)
    sentence = models.CharField(max_length=500)
    failure = models.CharField(max_length=64, blank=True)  # the scanner's or the report's, when it failed
    failure_detail = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    scanned_at = models.DateTimeField()  # last held against the advisories
    feed_snapshot_at = models.DateTimeField(null=True, blank=True)  # the oldest of the covering feeds
    feed_name = models.CharField(max_length=100, blank=True)
    is_feed_frozen = models.BooleanField(default=False)
    support_eol = models.DateField(null=True, blank=True)
    support_eoes = models.DateField(null=True, blank=True)
    support_has_ended = models.BooleanField(default=False)
    is_support_known = models.BooleanField(default=False)
    coverage = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["artifact"], condition=Q(is_latest=True), name="scan_one_latest"),
            models.CheckConstraint(
                condition=Q(state__in=["complete", "failed", "unsupported", "stale"]), name="scan_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="complete", cause="") | (~Q(state="complete") & ~Q(cause="")),
                name="scan_not_complete_has_cause",
            ),
        ]
        indexes = [models.Index(fields=["artifact", "-created_at", "-id"], name="scan_newest_of_artifact")]

    def __str__(self) -> str:
        return f"{self.state} {self.artifact_id}"
