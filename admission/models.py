"""Clusters and their gates, what was published to them, and what they answered."""

import uuid6
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

# RFC 1123 label: a cluster's name stands in addresses, file names and the webhook's name.
CLUSTER_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


class Cluster(models.Model):
    """A Kubernetes cluster whose admissions our gates answer."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=63)
    description = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by_name = models.CharField(max_length=200)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="cluster_name_once"),
            models.CheckConstraint(condition=Q(name__regex=CLUSTER_NAME), name="cluster_name_grammar"),
        ]

    def __str__(self) -> str:
        return self.name


class Gate(models.Model):
    """One gate process beside a cluster. Its token is known to us only by hash."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="gates")
    name = models.CharField(max_length=253)  # the host it says it runs on
    token_sha256 = models.CharField(max_length=64)
    enrolled_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    snapshot_version = models.BigIntegerField(null=True, blank=True)  # what it answers from, by its own word
    spool_depth = models.BigIntegerField(null=True, blank=True)  # decisions not shipped yet
    software_version = models.CharField(max_length=64, blank=True)
    ca_bundle_pem = models.TextField(blank=True)  # the certificate its server shows, for the webhook's caBundle
    webhook_url = models.CharField(max_length=500, blank=True)  # where the API server reaches it, its token at the end
    # What it asks callers for: "a token", "a certificate", "nothing"; "" where it is too old to say.
    asks_callers_for = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["cluster", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["token_sha256"], name="gate_token_once"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(retired_at__gte=F("enrolled_at")),
                name="gate_retired_after_enrolled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cluster.name}/{self.name}"


class EnrolmentToken(models.Model):
    """Lets one gate join one cluster, once, until ``expires_at``. Known to us only by hash."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="enrolment_tokens")
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    created_by_name = models.CharField(max_length=200)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    gate = models.OneToOneField(Gate, null=True, blank=True, on_delete=models.PROTECT, related_name="enrolled_with")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["sha256"], name="enrolment_token_once"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="enrolment_token_expires_after_created"
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, gate__isnull=True) | Q(used_at__isnull=False, gate__isnull=False),
                name="enrolment_token_used_by_a_gate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cluster.name} until {self.expires_at:%Y-%m-%d %H:%M}"


class SnapshotPublication(models.Model):
    """One snapshot version that a publisher signed and put where gates fetch it."""

    version = models.BigIntegerField(primary_key=True)
    base_version = models.BigIntegerField()
    published_at = models.DateTimeField()
    digest_count = models.BigIntegerField()  # in the base
    overlay_count = models.BigIntegerField()  # digests in the overlay
    policy_version = models.BigIntegerField()
    overlay_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.CheckConstraint(
                condition=Q(base_version__lte=F("version")), name="snapshot_base_not_newer_than_version"
            )
        ]

    def __str__(self) -> str:
        return str(self.version)


class SnapshotChange(models.Model):
    """Something that the next snapshot must say: written in the deed's transaction, closed when published.

    While ``publication`` is empty the change reads as "not yet published".
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    subject_kind = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=200)
    verb = models.CharField(max_length=64)
    at = models.DateTimeField()
    publication = models.ForeignKey(
        SnapshotPublication, null=True, blank=True, on_delete=models.CASCADE, related_name="changes"
    )

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(publication__isnull=True), name="snapshot_change_open"),
            models.Index(fields=["subject_kind", "subject_id"], name="snapshot_change_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} of {self.subject_kind} {self.subject_id}"


class AdmittedDigest(models.Model):
    """A digest that a namespace of a cluster was last admitted with: what the restart rule asks."""

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="admitted_digests")
    namespace = models.CharField(max_length=253)
    digest = models.CharField(max_length=200)
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["cluster", "namespace", "digest"]
        indexes = [models.Index(fields=["last_at"], name="admitted_digest_last_at")]
        constraints = [models.UniqueConstraint(fields=["cluster", "namespace", "digest"], name="admitted_digest_once")]

    def __str__(self) -> str:
        return f"{self.namespace} {self.digest}"


class Decision(models.Model):
    """One answer, kept. Made by a gate (shipped later, each once) or by the portal itself (``gate`` empty)."""

    id = models.UUIDField(primary_key=True, editable=False)  # the gate's own: shipping twice is shipping once
    short_id = models.CharField(max_length=16)
    cluster = models.ForeignKey(Cluster, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")
    gate = models.ForeignKey(Gate, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    operation = models.CharField(max_length=16, blank=True)
    object_kind = models.CharField(max_length=200, blank=True)
    object_namespace = models.CharField(max_length=253, blank=True)
    object_name = models.CharField(max_length=253, blank=True)
    object_uid = models.CharField(max_length=100, blank=True)
    user = models.CharField(max_length=500, blank=True)
    user_uid = models.CharField(max_length=200, blank=True)
    groups = ArrayField(models.CharField(max_length=500), default=list)
    owner_refs = models.JSONField(default=list)
    allowed = models.BooleanField()
    message = models.TextField(blank=True)  # what the cluster showed
    # The checks that did not pass, for filtering; everything stands in ``images``.
    failed_codes = ArrayField(models.CharField(max_length=32), default=list)
    digests = ArrayField(models.CharField(max_length=200), default=list)
    images = models.JSONField(default=list)  # per image: reference, path, checks with outcome, reason, remedy
    warnings = models.JSONField(default=list)
    snapshot_version = models.BigIntegerField(null=True, blank=True)
    policy_version = models.BigIntegerField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="decision_newest"),
            models.Index(fields=["allowed", "-at", "-id"], name="decision_allowed_newest"),
            models.Index(fields=["cluster", "object_namespace", "-at", "-id"], name="decision_place_newest"),
            models.Index(fields=["short_id"], name="decision_short_id"),
            GinIndex(fields=["failed_codes"], name="decision_failed_codes"),
            GinIndex(fields=["digests"], name="decision_digests"),
        ]

    def __str__(self) -> str:
        return self.short_id
