"""Pipelines elsewhere that may submit what they built, and what they submitted."""

import uuid6
from django.db import models
from django.db.models import Q


class TrustedPipeline(models.Model):
    """Whose OIDC tokens a source believes: issuer, audience and subject, each pinned. No secret is stored."""

    class Kind(models.TextChoices):
        GITHUB = "github", "GitHub Actions"
        GITLAB = "gitlab", "GitLab CI"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    source = models.ForeignKey("builds.Source", on_delete=models.PROTECT, related_name="pipelines")
    kind = models.CharField(max_length=10, choices=Kind)
    issuer = models.CharField(max_length=500)
    audience = models.CharField(max_length=500)
    subject = models.CharField(max_length=500)  # exact: no patterns
    jwks_url = models.CharField(max_length=500)
    jwks = models.JSONField(default=dict, blank=True)  # the last key set fetched
    jwks_fetched_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["source", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "issuer", "subject"], condition=Q(ended_at=None), name="pipeline_once_a_source"
            ),
            models.CheckConstraint(condition=Q(kind__in=["github", "gitlab"]), name="pipeline_kind_known"),
        ]

    def __str__(self) -> str:
        return self.subject


class Submission(models.Model):
    """One token, used once: its ``jti`` (or its hash) is kept so that it cannot be played again."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    pipeline = models.ForeignKey(TrustedPipeline, on_delete=models.PROTECT, related_name="submissions")
    token_id = models.CharField(max_length=200)
    claims = models.JSONField(default=dict)  # what the token said, without its signature
    build = models.ForeignKey("builds.Build", on_delete=models.PROTECT, related_name="submissions")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["pipeline", "token_id"], name="submission_token_once")]
