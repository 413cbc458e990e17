"""Pipelines elsewhere that may submit what they built, and what they submitted."""

import pgtrigger
import uuid6
from django.conf import settings
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
    jwks_url = models.CharField(max_length=500)  # on the issuer's host
    ca_pem = models.TextField(blank=True, max_length=100_000)  # of an issuer with a CA of its own
    # An issuer inside the company: its address may be private, and only then may it be plain http.
    is_private_allowed = models.BooleanField(default=False)
    jwks = models.JSONField(default=dict, blank=True)  # the last key set fetched
    jwks_fetched_at = models.DateTimeField(null=True, blank=True)
    jwks_tried_at = models.DateTimeField(null=True, blank=True)  # of the last try, whatever came of it
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["source", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "issuer", "subject"], condition=Q(ended_at=None), name="pipeline_once_a_source"
            ),
            models.CheckConstraint(condition=Q(kind__in=["github", "gitlab"]), name="pipeline_kind_known"),
        ]
        triggers = [
            pgtrigger.Protect(name="pipeline_kept", operation=pgtrigger.Delete),
            # Whom a source believes is ended and entered anew, by somebody, with a record. The keys alone are fetched.
            pgtrigger.Protect(
                name="pipeline_never_changed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "source", "kind", "issuer", "audience", "subject", "jwks_url", "ca_pem", "is_private_allowed",
                    "created_at", "created_by",
                ),
            ),
            pgtrigger.Protect(
                name="pipeline_end_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at"
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.subject


class Submission(models.Model):
    """What one token submitted. The token's id is kept so that it cannot be played again, to any source."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    pipeline = models.ForeignKey(TrustedPipeline, on_delete=models.PROTECT, related_name="submissions")
    token_id = models.CharField(max_length=64)  # hex SHA-256 over issuer and ``jti``
    claims = models.JSONField(default=dict)  # what the token said, without its signature
    reference = models.CharField(max_length=600)  # by digest
    import_asked = models.ForeignKey("registry.Import", on_delete=models.PROTECT, related_name="+")
    # The pipeline's own statement, as received, in the blob store: a claim, signed by whoever the pipeline trusts.
    statement_digest = models.CharField(max_length=135)
    source_uri = models.CharField(max_length=1000)
    commit = models.CharField(max_length=64)  # as the token says, and the statement names it too
    bases = models.JSONField(default=list)  # what the statement names as bases: reference, digest, kind
    build = models.ForeignKey("builds.Build", on_delete=models.PROTECT, related_name="submissions")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["token_id"], name="submission_token_once")]
        triggers = [
            # Without its row a token could be played again.
            pgtrigger.Protect(name="submission_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        ]


class RefusedSubmissions(models.Model):
    """How many submissions to a source were refused for one reason within one hour.

    Whoever has no credential can send them, so the record keeps the first few and this the number of all.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    source = models.ForeignKey("builds.Source", on_delete=models.PROTECT, related_name="refused_submissions")
    code = models.CharField(max_length=64)
    hour = models.DateTimeField()  # its beginning
    count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["source", "-hour", "code"]
        constraints = [models.UniqueConstraint(fields=["source", "code", "hour"], name="refused_submissions_once")]
