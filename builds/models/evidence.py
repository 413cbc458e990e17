"""What checks of Dockerfiles and of files in images found."""

import uuid6
from django.db import models
from django.db.models import Q


class Check(models.Model):
    """One result of one rule: on a recipe before the build, or on an image's files after it.

    ``error`` keeps the candidate from being certified unless a waiver is in force; ``warning`` and ``note`` are shown.
    """

    class Severity(models.TextChoices):
        ERROR = "error", "error"
        WARNING = "warning", "warning"
        NOTE = "note", "note"

    id = models.BigAutoField(primary_key=True)
    recipe = models.ForeignKey("builds.Recipe", null=True, blank=True, on_delete=models.CASCADE, related_name="checks")
    inspection = models.ForeignKey(
        "builds.Inspection", null=True, blank=True, on_delete=models.CASCADE, related_name="checks"
    )
    rule = models.CharField(max_length=40)  # stable id: "GG1001", or hadolint's "DL3008"
    severity = models.CharField(max_length=10, choices=Severity)
    message = models.TextField()
    remedy = models.TextField(blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)  # of the Dockerfile
    path = models.TextField(blank=True)  # in the image, or in the context

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(recipe__isnull=False, inspection=None) | Q(recipe=None, inspection__isnull=False),
                name="check_of_one_thing",
            ),
            models.CheckConstraint(condition=Q(severity__in=["error", "warning", "note"]), name="check_severity_known"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.message[:60]}"


class Inspection(models.Model):
    """The files of one image, read once, layer by layer: what a difference and the hardening checks are made from."""

    class State(models.TextChoices):
        COMPLETE = "complete", "complete"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    artifact = models.OneToOneField("registry.Artifact", on_delete=models.CASCADE, related_name="inspection")
    state = models.CharField(max_length=10, choices=State)
    failure = models.TextField(blank=True)
    rules_version = models.PositiveIntegerField()  # a newer set of rules inspects again
    # The merged file list in the blob store: JSON lines, zstd, sorted by path.
    files_digest = models.CharField(max_length=135, blank=True)
    file_count = models.PositiveIntegerField(default=0)
    unpacked_bytes = models.PositiveBigIntegerField(default=0)
    # {"packages", "bytes", "files", "shells": [], "interpreters": [], "package_managers": [], "setuid": [],
    #  "world_writable": [], "user", "ports", "entrypoint"}
    profile = models.JSONField(default=dict)
    inspected_at = models.DateTimeField()

    class Meta:
        ordering = ["-inspected_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="complete") & ~Q(files_digest="") | Q(state="failed") & ~Q(failure=""),
                name="inspection_end_told",
            ),
        ]

    def __str__(self) -> str:
        return f"inspection of {self.artifact_id}"
