"""Who may say what an image consists of, and what they said."""

import pgtrigger
import uuid6
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class InventorySigner(models.Model):
    """A public key whose inventories are believed, and for which images. Ended, never deleted.

    An image is within its scope when it is a subversion of one of ``images``, or was seen in one of ``repositories``
    or below it: ``host``, ``host/path``, whole path components.
    """

    class Algorithm(models.TextChoices):
        P256 = "ecdsa-p256", "ECDSA P-256"
        ED25519 = "ed25519", "Ed25519"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=100)
    algorithm = models.CharField(max_length=10, choices=Algorithm)
    public_pem = models.TextField()
    key_id = models.CharField(max_length=64)  # hex SHA-256 over the DER public key
    images = ArrayField(models.CharField(max_length=100), default=list, blank=True)  # names in the catalog
    repositories = ArrayField(models.CharField(max_length=512), default=list, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    end_reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            # Names stand in sentences of scans for good, so an ended one's is not given to another.
            models.UniqueConstraint(fields=["name"], name="inventory_signer_name_once"),
            # One key speaks under one name at a time.
            models.UniqueConstraint(fields=["key_id"], condition=Q(ended_at=None), name="inventory_signer_key_once"),
            models.CheckConstraint(
                condition=Q(algorithm__in=["ecdsa-p256", "ed25519"]), name="inventory_signer_algorithm_known"
            ),
            models.CheckConstraint(
                condition=Q(images__len__gt=0) | Q(repositories__len__gt=0), name="inventory_signer_has_scope"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None, end_reason="")
                | (Q(ended_at__gte=F("created_at"), ended_by__isnull=False) & ~Q(end_reason="")),
                name="inventory_signer_ended_whole",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="inventory_signer_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="inventory_signer_same_key",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "name", "algorithm", "public_pem", "key_id", "images", "repositories", "created_at", "created_by"
                ),
            ),
            pgtrigger.Protect(
                name="inventory_signer_ends_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class InventoryAttestation(models.Model):
    """One SBOM attestation about one image, as received, and whether it counts now.

    The envelope lies in the blob store. Whether it is verified is a judgement of the signers in force: it is made
    again when a signer is named or ended, or when the image gets its place in the catalog.
    """

    class Origin(models.TextChoices):
        UPLOAD = "upload", "handed in"
        REGISTRY = "registry", "found in a registry"

    class State(models.TextChoices):
        VERIFIED = "verified", "verified"
        REFUSED = "refused", "refused"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    artifact = models.ForeignKey("registry.Artifact", on_delete=models.CASCADE, related_name="inventory_attestations")
    envelope_digest = models.CharField(max_length=135)
    origin = models.CharField(max_length=10, choices=Origin)
    found_in = models.CharField(max_length=512, blank=True)  # host/path
    received_at = models.DateTimeField()
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State)
    refusal = models.CharField(max_length=64, blank=True)  # a stable code
    refusal_detail = models.CharField(max_length=500, blank=True)
    judged_at = models.DateTimeField()
    # Of a refused one: who it was verified by until then; else nobody.
    signer = models.ForeignKey(
        InventorySigner, null=True, blank=True, on_delete=models.PROTECT, related_name="attestations"
    )
    format = models.CharField(max_length=20, blank=True)  # "CycloneDX 1.6", "SPDX 2.3"
    component_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["artifact", "envelope_digest"], name="inventory_attestation_once"),
            models.CheckConstraint(
                condition=Q(origin__in=["upload", "registry"]), name="inventory_attestation_origin_known"
            ),
            models.CheckConstraint(
                condition=Q(state="verified", refusal="", signer__isnull=False) | (Q(state="refused") & ~Q(refusal="")),
                name="inventory_attestation_has_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["artifact", "-received_at", "-id"], name="inventory_attestation_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.envelope_digest}"
