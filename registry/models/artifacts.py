"""Artifacts: every manifest and index we know, by digest, and where each was seen."""

import uuid6
from django.db import models
from django.db.models import F, Q

from registry.models.registries import Repository


class Artifact(models.Model):
    """One manifest or index. Its bytes, and its configuration's, are in the blob store as received.

    Everything but the digest is derived from those bytes and can be rebuilt.
    """

    class Kind(models.TextChoices):
        IMAGE = "image", "Image"
        INDEX = "index", "Index"
        ATTESTATION = "attestation", "Attestation"
        OTHER = "other", "Other"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    digest = models.CharField(max_length=135)
    media_type = models.CharField(max_length=255)
    artifact_type = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=12, choices=Kind)
    # Of the manifest itself / of everything it names, children and layers included, each counted once.
    manifest_bytes = models.PositiveIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    subject_digest = models.CharField(max_length=135, blank=True)
    annotations = models.JSONField(default=dict, blank=True)
    # From the image configuration; empty for other kinds.
    config_digest = models.CharField(max_length=135, blank=True)
    architecture = models.CharField(max_length=100, blank=True)
    os = models.CharField(max_length=100, blank=True)
    variant = models.CharField(max_length=100, blank=True)
    user = models.TextField(blank=True)  # as written: "", "0", "nobody", "65532:65532"
    env = models.JSONField(default=list, blank=True)
    entrypoint = models.JSONField(default=list, blank=True)
    cmd = models.JSONField(default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    image_created = models.CharField(max_length=64, blank=True)  # as written; a claim
    diff_ids = models.JSONField(default=list, blank=True)  # texts, lowest first; each one verified on import
    history = models.JSONField(default=list, blank=True)  # [[created, created_by, is_empty_layer]]; a claim
    top_chain_id = models.CharField(max_length=135, blank=True)
    layer_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()  # when we first knew it

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="artifact_digest_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=["image", "index", "attestation", "other"]), name="artifact_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"),
                name="artifact_digest_is_digest",
            ),
        ]
        indexes = [
            models.Index(fields=["top_chain_id"], name="artifact_top_chain_id"),
            models.Index(fields=["subject_digest"], name="artifact_subject_digest"),
            models.Index(fields=["-created_at", "-id"], name="artifact_newest_first"),
        ]

    def __str__(self) -> str:
        return self.digest

    @property
    def platform(self) -> str:
        """``os/architecture[/variant]``; "" for an index."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def is_index(self) -> bool:
        """Whether it lists other artifacts."""
        return self.kind == self.Kind.INDEX


class ArtifactChild(models.Model):
    """One entry of an index."""

    class Kind(models.TextChoices):
        RUNNABLE = "runnable", "Runnable"
        ATTESTATION = "attestation", "Attestation"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    index = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="child_links")
    child = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="parent_links")
    kind = models.CharField(max_length=12, choices=Kind)
    platform = models.CharField(max_length=200, blank=True)
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["index", "position"]
        constraints = [
            models.UniqueConstraint(fields=["index", "position"], name="artifact_child_position_unique"),
            models.CheckConstraint(condition=Q(kind__in=["runnable", "attestation"]), name="artifact_child_kind_known"),
            models.CheckConstraint(condition=~Q(index=F("child")), name="artifact_child_not_itself"),
        ]
        indexes = [models.Index(fields=["child"], name="artifact_child_child")]


class RepositoryArtifact(models.Model):
    """That an artifact was seen in a repository: by import, or because we copied it there."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="artifact_links")
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="repository_links")
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["first_seen_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "artifact"], name="repository_artifact_unique"),
        ]


class TagSeen(models.Model):
    """What a tag named at a moment. Tags move; this does not."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="tags_seen")
    tag = models.CharField(max_length=128)
    # The digest that the registry gave, also when we keep an index of our own instead of it.
    digest = models.CharField(max_length=135)
    artifact = models.ForeignKey(Artifact, null=True, blank=True, on_delete=models.CASCADE, related_name="tags_seen")
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "tag", "digest", "seen_at"], name="tag_seen_unique"),
        ]
        indexes = [models.Index(fields=["repository", "tag", "-seen_at"], name="tag_seen_newest_first")]
