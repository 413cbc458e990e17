"""What an image consists of. Components are stored once, however many images have them."""

import uuid6
from django.db import models
from django.db.models import Q


class Inventory(models.Model):
    """What one image consists of: the scanner's reports as received, what they say, and what somebody attested.

    Both reports lie in the blob store under their own digests; everything else here is derived from them, and from
    the attestation's envelope where there is one. ``basis`` is what the list rests on. An attested one holds what was
    seen *and* what was attested (docs/adr/0053).
    """

    class Basis(models.TextChoices):
        PACKAGE_DATABASE = "package_database", "a package database in the image"
        ATTESTED = "attested", "an attestation"
        NONE = "none", "nothing"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    artifact = models.ForeignKey("registry.Artifact", on_delete=models.CASCADE, related_name="inventories")
    created_at = models.DateTimeField()
    tool = models.CharField(max_length=64)
    tool_version = models.CharField(max_length=64)
    sbom_digest = models.CharField(max_length=135)  # CycloneDX
    report_digest = models.CharField(max_length=135)  # the tool's own report
    os_id = models.CharField(max_length=100, blank=True)  # os-release ID; "" = names none
    os_version = models.CharField(max_length=100, blank=True)  # os-release VERSION_ID
    ecosystem = models.CharField(max_length=100, blank=True)  # OSV's name of that release; "" = unknown to us
    component_count = models.PositiveIntegerField()
    coverage = models.JSONField()
    basis = models.CharField(max_length=16, choices=Basis, default=Basis.NONE)
    # Null: what the scanner saw, and nothing else.
    attestation = models.ForeignKey(
        "scans.InventoryAttestation", null=True, blank=True, on_delete=models.PROTECT, related_name="inventories"
    )
    attested_by = models.CharField(max_length=100, blank=True)  # the signer's name

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(basis__in=["package_database", "attested", "none"]), name="inventory_basis_known"
            ),
            models.CheckConstraint(
                condition=(Q(attestation__isnull=True, attested_by="") & ~Q(basis="attested"))
                | (Q(attestation__isnull=False) & ~Q(attested_by="") & ~Q(basis="none")),
                name="inventory_attested_by_somebody",
            ),
        ]
        verbose_name_plural = "inventories"
        indexes = [
            models.Index(fields=["artifact", "-created_at", "-id"], name="inventory_newest_of_artifact"),
            models.Index(fields=["ecosystem"], name="inventory_by_ecosystem"),
        ]

    def __str__(self) -> str:
        return f"{self.component_count} components of {self.artifact_id}"


class Component(models.Model):
    """One version of one package, by purl. ``version_key`` orders it among its ecosystem's versions."""

    purl = models.CharField(max_length=1000)
    type = models.CharField(max_length=32)
    name = models.CharField(max_length=300)  # of the installed (binary) package
    version = models.CharField(max_length=300)
    ecosystem = models.CharField(max_length=100, blank=True)  # "Debian:12"; "" = in none that we know
    source_name = models.CharField(max_length=300)  # what advisories name
    source_version = models.CharField(max_length=300)
    version_key = models.BinaryField(null=True)  # of source_version; null = cannot be compared
    key_version = models.PositiveSmallIntegerField()  # of the encoder that made version_key
    matched_at = models.DateTimeField(null=True)  # null = not held against the advisories yet
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "purl"]
        constraints = [models.UniqueConstraint(fields=["purl"], name="component_purl_unique")]
        # With the id, so that matching reads the index alone.
        indexes = [
            models.Index(fields=["ecosystem", "source_name", "version_key"], include=["id"], name="component_in_order"),
            models.Index(fields=["ecosystem", "source_name"], condition=Q(version_key=None), name="component_odd"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class ArtifactComponent(models.Model):
    """That an image has a component, by its newest inventory."""

    artifact = models.ForeignKey("registry.Artifact", on_delete=models.CASCADE, related_name="component_links")
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="artifact_links")
    is_seen = models.BooleanField(default=True)  # by the scanner; else somebody attested it

    class Meta:
        ordering = ["artifact", "component"]
        constraints = [
            models.UniqueConstraint(fields=["artifact", "component"], name="artifact_component_unique"),
        ]
