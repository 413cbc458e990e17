"""Builds, why they were started, and what they said."""

import pgtrigger
import uuid6
from django.conf import settings
from django.db import models
from django.db.models import Q


class Build(models.Model):
    """One run of a recipe: started for one or more causes, ending as a candidate, as no change, or as a failure."""

    class Purpose(models.TextChoices):
        RENEWAL = "renewal", "renewal"
        REPRODUCTION = "reproduction", "second build, to compare"

    class State(models.TextChoices):
        ASKED = "asked", "asked"
        RUNNING = "running", "running"  # on the builder
        BUILT = "built", "built"  # its bytes are there; being taken in
        SUCCEEDED = "succeeded", "succeeded"  # there is a candidate, or it compared
        NO_CHANGE = "no_change", "no change"  # identical content
        FAILED = "failed", "failed"
        STOPPED = "stopped", "stopped"  # too many for one cause, or cancelled

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    source = models.ForeignKey("builds.Source", on_delete=models.PROTECT, related_name="builds")
    # None: the source is fetched first; the recipe is then whatever its ref names.
    recipe = models.ForeignKey("builds.Recipe", null=True, blank=True, on_delete=models.PROTECT, related_name="builds")
    number = models.PositiveIntegerField()
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.RENEWAL)
    reproduces = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reproductions"
    )
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    # Whether the recipe was approved when the build began. False: it went on only as unreviewed.
    is_reviewed = models.BooleanField(default=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Who built it, as SLSA's builder.id, its versions, and how it was held: facts for provenance and page.
    builder_id = models.CharField(max_length=500, blank=True)
    builder_version = models.CharField(max_length=200, blank=True)
    isolation = models.CharField(max_length=500, blank=True)
    # The manifest or index digest of what was built, and the artifact once it is taken in.
    output_digest = models.CharField(max_length=135, blank=True)
    artifact = models.ForeignKey(
        "registry.Artifact", null=True, blank=True, on_delete=models.PROTECT, related_name="builds"
    )
    subversion = models.ForeignKey(
        "catalog.Subversion", null=True, blank=True, on_delete=models.PROTECT, related_name="builds"
    )
    provenance = models.JSONField(default=dict, blank=True)  # SLSA provenance v1 predicate, as signed
    publication = models.ForeignKey(
        "signing.Publication", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Of a reproduction: {"layers": n, "equal": n, "is_reproduced": bool}.
    comparison = models.JSONField(default=dict, blank=True)
    failure_code = models.CharField(max_length=64, blank=True)
    failure = models.TextField(blank=True)
    failed_line = models.PositiveIntegerField(null=True, blank=True)  # of the Dockerfile
    log_bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [models.Index(fields=["source", "-asked_at"], name="build_of_source")]
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="build_number_once"),
            # Many causes at once make one build: those that come while one waits join it.
            models.UniqueConstraint(
                fields=["source"], condition=Q(state="asked", purpose="renewal"), name="build_one_waiting"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "running", "built", "succeeded", "no_change", "failed", "stopped"]),
                name="build_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "running", "built"], finished_at=None)
                | Q(state__in=["succeeded", "no_change"], finished_at__isnull=False)
                | Q(state__in=["failed", "stopped"], finished_at__isnull=False) & ~Q(failure=""),
                name="build_end_told",
            ),
            models.CheckConstraint(
                condition=Q(purpose="renewal") | Q(reproduces__isnull=False), name="build_reproduces_something"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="build_kept", operation=pgtrigger.Delete),
            # Its record was written; who starts it again starts another one.
            pgtrigger.Protect(
                name="build_end_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.finished_at IS NOT NULL"
                    " AND (NEW.state, NEW.finished_at) IS DISTINCT FROM (OLD.state, OLD.finished_at)"
                ),
            ),
            # What was signed is what stands here.
            pgtrigger.Protect(
                name="build_provenance_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.provenance <> '{}'::jsonb AND NEW.provenance IS DISTINCT FROM OLD.provenance"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} build {self.number}"

    @property
    def is_open(self) -> bool:
        """Whether it still goes on."""
        return self.state in (self.State.ASKED, self.State.RUNNING, self.State.BUILT)


class Cause(models.Model):
    """A reason to rebuild. The same one twice (``key``) starts nothing; several at once share a build."""

    class Reason(models.TextChoices):
        SCHEDULE = "schedule", "schedule"
        BASE_MOVED = "base_moved", "base moved"
        FIX_AVAILABLE = "fix_available", "a fix is available"
        RECIPE_APPROVED = "recipe_approved", "recipe approved"
        BY_HAND = "by_hand", "by hand"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    source = models.ForeignKey("builds.Source", on_delete=models.PROTECT, related_name="causes")
    # None: the breaker held it back.
    build = models.ForeignKey("builds.Build", null=True, blank=True, on_delete=models.PROTECT, related_name="causes")
    reason = models.CharField(max_length=20, choices=Reason)
    key = models.CharField(max_length=200)  # what makes it this cause and no other: a digest, a day, a set of fixes
    detail = models.JSONField(default=dict)  # for people: which digest moved, which fixes, who asked
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "reason", "key"], name="cause_once"),
            models.CheckConstraint(
                condition=Q(reason__in=["schedule", "base_moved", "fix_available", "recipe_approved", "by_hand"]),
                name="cause_reason_known",
            ),
        ]
        indexes = [models.Index(fields=["source", "reason", "-at"], name="cause_of_source")]

    def __str__(self) -> str:
        return f"{self.reason} of {self.source_id}"


class LogChunk(models.Model):
    """A piece of a build's log, secrets masked before it was written. Appended, never changed."""

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="log_chunks")
    number = models.PositiveIntegerField()  # from 0
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["build", "number"]
        constraints = [models.UniqueConstraint(fields=["build", "number"], name="log_chunk_once")]
        triggers = [
            pgtrigger.Protect(name="log_chunk_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        ]
