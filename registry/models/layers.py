"""Layers, which artifact stands on which, and what follows for lineage."""

import uuid6
from django.db import models
from django.db.models import F, Q

from registry.models.artifacts import Artifact


class Layer(models.Model):
    """One layer. Its bytes are a cache; what we learned from them stays.

    ``diff_id`` is the digest of the uncompressed bytes as *we* computed it, not as a configuration claims:
    lineage follows from it, so a claim alone must not count.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    digest = models.CharField(max_length=135)
    diff_id = models.CharField(max_length=135)
    media_type = models.CharField(max_length=255)
    size_bytes = models.PositiveBigIntegerField()
    unpacked_bytes = models.PositiveBigIntegerField()
    last_used_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["digest"]
        constraints = [models.UniqueConstraint(fields=["digest"], name="layer_digest_unique")]
        indexes = [models.Index(fields=["last_used_at", "id"], name="layer_least_recently_used")]

    def __str__(self) -> str:
        return self.digest


class ArtifactLayer(models.Model):
    """A layer's place in an image, with the chain id of everything up to it."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="layer_links")
    layer = models.ForeignKey(Layer, on_delete=models.PROTECT, related_name="artifact_links")
    position = models.PositiveIntegerField()  # 0 is the lowest
    chain_id = models.CharField(max_length=135)

    class Meta:
        ordering = ["artifact", "position"]
        constraints = [
            models.UniqueConstraint(fields=["artifact", "position"], name="artifact_layer_position_unique"),
        ]
        indexes = [models.Index(fields=["chain_id"], name="artifact_layer_chain_id")]


class Lineage(models.Model):
    """That an image stands on another: the other's ``diff_ids`` are a prefix of its own.

    Every ancestor has a row, so that one revoked anywhere below is seen. ``is_nearest`` marks the set that names
    the base: the longest prefix, narrowed by history; ``certainty`` says how well that names it.
    """

    class Certainty(models.TextChoices):
        EXACT = "exact", "Exact"
        AMBIGUOUS = "ambiguous", "Ambiguous"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="ancestor_links")
    ancestor = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="descendant_links")
    shared_layers = models.PositiveIntegerField()
    is_nearest = models.BooleanField(default=False)
    certainty = models.CharField(max_length=10, choices=Certainty)

    class Meta:
        ordering = ["artifact", "-shared_layers", "ancestor"]
        constraints = [
            models.UniqueConstraint(fields=["artifact", "ancestor"], name="lineage_pair_unique"),
            models.CheckConstraint(condition=Q(certainty__in=["exact", "ambiguous"]), name="lineage_certainty_known"),
            models.CheckConstraint(condition=~Q(artifact=F("ancestor")), name="lineage_not_itself"),
        ]
        indexes = [models.Index(fields=["ancestor"], name="lineage_ancestor")]
