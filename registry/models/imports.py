"""Imports: what was asked for, what it was at that moment, what became of it."""

import uuid6
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from registry.models.artifacts import Artifact
from registry.models.registries import Repository


class Import(models.Model):
    """One wish to know an image. The tag is resolved once and the answer kept (``resolved_digest``)."""

    class Kind(models.TextChoices):
        REFERENCE = "reference", "From a registry"
        ARCHIVE = "archive", "From an OCI archive"

    class State(models.TextChoices):
        ASKED = "asked", "Asked"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    # The reference as asked; for an archive the name of the manifest in it, or "".
    asked_reference = models.CharField(max_length=600, blank=True)
    repository = models.ForeignKey(Repository, null=True, blank=True, on_delete=models.PROTECT, related_name="imports")
    platforms = ArrayField(models.CharField(max_length=200), default=list, blank=True)  # empty = all
    # The digest that the registry, or the archive, gave when it was asked; set once.
    resolved_digest = models.CharField(max_length=135, blank=True)
    # Where fewer platforms than all were chosen: the index they were taken from.
    upstream_index_digest = models.CharField(max_length=135, blank=True)
    artifact = models.ForeignKey(Artifact, null=True, blank=True, on_delete=models.PROTECT, related_name="imports")
    warnings = models.JSONField(default=list, blank=True)
    failure = models.TextField(blank=True)
    archive_bytes = models.PositiveBigIntegerField(default=0)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="imports")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["reference", "archive"]), name="import_kind_known"),
            models.CheckConstraint(condition=Q(state__in=["asked", "done", "failed"]), name="import_state_known"),
            models.CheckConstraint(
                condition=Q(state="done", artifact__isnull=False, finished_at__isnull=False)
                | Q(state="failed", artifact__isnull=True, finished_at__isnull=False)
                | Q(state="asked", artifact__isnull=True, finished_at__isnull=True),
                name="import_done_has_artifact",
            ),
            models.CheckConstraint(
                condition=Q(kind="archive") | Q(repository__isnull=False), name="import_reference_has_repository"
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="import_newest_first")]

    def __str__(self) -> str:
        return self.asked_reference or str(self.id)
