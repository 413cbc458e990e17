"""Reads about signers of inventories, and what they attested."""

from uuid import UUID

from django.db.models import Count, Q, QuerySet

from registry.models import Artifact
from scans.errors import SbomAttestationMissing, SignerMissing
from scans.models import InventoryAttestation, InventorySigner


def inventory_signers() -> QuerySet[InventorySigner]:
    """All, newest first, ended ones too, each with how many attestations count by it (``verified``)."""
    verified = Count("attestations", filter=Q(attestations__state=InventoryAttestation.State.VERIFIED))
    rows = InventorySigner.objects.select_related("created_by", "ended_by").annotate(verified=verified)
    return rows.order_by("-created_at", "-id")


def inventory_signer(signer_id: UUID | str) -> InventorySigner:
    """Raises SignerMissing."""
    found = inventory_signers().filter(pk=signer_id).first()
    if found is None:
        raise SignerMissing("There is no such signer.", cure="See the list of signers.")
    return found


def attestations_of(artifact: Artifact) -> QuerySet[InventoryAttestation]:
    """The inventories that were attested of an image, newest first, refused ones too."""
    rows = InventoryAttestation.objects.filter(artifact=artifact).select_related("signer", "received_by")
    return rows.order_by("-received_at", "-id")


def attestation_of(artifact: Artifact, attestation_id: UUID | str) -> InventoryAttestation:
    """Raises SbomAttestationMissing."""
    found = attestations_of(artifact).filter(pk=attestation_id).first()
    if found is None:
        raise SbomAttestationMissing("There is no such attestation of it.", cure="See the list of them.")
    return found


def newest_refused(limit: int) -> list[InventoryAttestation]:
    """The refused ones that came last, of all images."""
    rows = InventoryAttestation.objects.filter(state=InventoryAttestation.State.REFUSED)
    return list(rows.select_related("artifact", "signer").order_by("-judged_at", "-id")[:limit])
