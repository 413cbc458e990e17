"""Recipes: the hash of everything that decides a build's result."""

import pgtrigger
import uuid6
from django.conf import settings
from django.db import models
from django.db.models import Q


class Recipe(models.Model):
    """Dockerfile bytes, context tree, arguments, target, platforms, hosts and base digests, under one SHA-256.

    One changed byte is another recipe with a row of its own, never approved by inheritance. Nothing but the approval
    columns and ``checked_at`` ever changes, and those are written by ``approvals/`` through ``builds.services``.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    source = models.ForeignKey("builds.Source", on_delete=models.PROTECT, related_name="recipes")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    commit = models.CharField(max_length=64)
    ref = models.CharField(max_length=200)
    # Where that commit was fetched, and from what part of it: the source may name another place by now.
    url = models.CharField(max_length=1000)
    directory = models.CharField(max_length=500, blank=True)
    dockerfile_path = models.CharField(max_length=500)
    committed_at = models.DateTimeField(null=True, blank=True)  # as the commit says; a claim
    author_name = models.CharField(max_length=200, blank=True)  # as the commit says; a claim
    author_email = models.CharField(max_length=320, blank=True)
    # The account with that address, where there is exactly one: it may review neither recipe nor build.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Members: state (none, verified, unverified), kind (ssh, gpg or empty), by, detail.
    signature = models.JSONField(default=dict)
    dockerfile = models.TextField()  # the bytes, UTF-8
    # The context as a deterministic tar in the blob store, and the list of its files: [[path, mode, size, sha256], …].
    context_digest = models.CharField(max_length=135)
    context_bytes = models.PositiveBigIntegerField()
    files = models.JSONField(default=list)
    arguments = models.JSONField(default=dict)
    target = models.CharField(max_length=100, blank=True)
    platforms = models.JSONField(default=list)
    # Whom the build may reach: "host" or "host:port", sorted; none: no network at all.
    allowed_hosts = models.JSONField(default=list)
    # What each FROM stands for, in order: asked, stage, line, kind (certified, adopted, stage, scratch, refused),
    # reference, digest, artifact, subversion, reason.
    bases = models.JSONField(default=list)
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.TextField(blank=True)
    # When its Dockerfile was last held to the rules. None: nobody has looked, which is not "nothing found".
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["source", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="recipe_number_once"),
            models.UniqueConstraint(fields=["source", "sha256"], name="recipe_once"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="recipe_sha256_hex"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(approved_at__isnull=False) & ~Q(withdrawn_reason=""),
                name="recipe_withdrawn_with_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="recipe_kept", operation=pgtrigger.Delete),
            # What people approved must be what is built.
            pgtrigger.Protect(
                name="recipe_never_changed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    # ``committed_at`` too: it is the time that a build runs under.
                    "source", "number", "sha256", "commit", "ref", "url", "directory", "dockerfile_path",
                    "committed_at", "author_name", "author_email", "author", "signature", "dockerfile",
                    "context_digest", "context_bytes", "files", "arguments", "target", "platforms", "allowed_hosts",
                    "bases", "created_at",
                ),
            ),
            pgtrigger.Protect(
                name="recipe_withdrawn_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.withdrawn_at IS NOT NULL AND (NEW.withdrawn_at, NEW.withdrawn_reason)"
                    " IS DISTINCT FROM (OLD.withdrawn_at, OLD.withdrawn_reason))"
                    " OR (OLD.approved_at IS NOT NULL AND NEW.approved_at IS DISTINCT FROM OLD.approved_at))"
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.source} recipe {self.number}"

    @property
    def is_approved(self) -> bool:
        """Whether people approved exactly this, and did not take it back."""
        return self.approved_at is not None and self.withdrawn_at is None
