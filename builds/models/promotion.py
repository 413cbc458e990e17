"""The certified side, watched: tags that moved behind our back, digests that can no longer be pulled."""

import uuid6
from django.conf import settings
from django.db import models
from django.db.models import Q


class DriftAlarm(models.Model):
    """A tag of a certified repository names another digest than the one that was certified there."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    repository = models.ForeignKey("registry.Repository", on_delete=models.PROTECT, related_name="drift_alarms")
    tag = models.CharField(max_length=128)
    expected_digest = models.CharField(max_length=135)
    found_digest = models.CharField(max_length=135, blank=True)  # "" = the tag is gone
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # nobody: it went back by itself
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "tag", "found_digest"], condition=Q(closed_at=None), name="drift_open_once"
            ),
            models.CheckConstraint(condition=Q(closed_at=None) | ~Q(reason=""), name="drift_closed_with_reason"),
        ]


class PullProbe(models.Model):
    """Whether a certified digest could be pulled when it was last tried."""

    subversion = models.OneToOneField(
        "catalog.Subversion", primary_key=True, on_delete=models.CASCADE, related_name="pull_probe"
    )
    is_pullable = models.BooleanField()
    detail = models.TextField(blank=True)
    probed_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-probed_at"]
