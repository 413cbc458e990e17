"""Puts together what an image consists of: what the scanner saw, and what the newest verified attestation adds.

Called whenever one of the two moved. It writes a new inventory where that says something new, and leaves the old ones:
scans and packets that were made from them still stand on what they saw.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from django.db import transaction

from registry.blobs import kept_blobs
from registry.models import Artifact
from scans.domain.basis import Basis, standing_of
from scans.domain.ecosystems import Coordinates, ecosystem_of_release
from scans.domain.sbom import Sbom, read_sbom
from scans.domain.statements import MAX_BYTES, read_envelope, require_about
from scans.models import ArtifactComponent, Component, Inventory, InventoryAttestation
from scans.services.matching import hold_matching_lock, match_components
from scans.services.storing import link_components, store_components


@transaction.atomic
def compose_inventory(*, image: Artifact, now: datetime) -> Inventory | None:
    """The new inventory of ``image``, where what was seen and what is attested come to another one than stands."""
    # In the order in which everybody takes these two: whoever applies a feed holds the first and wants the second.
    hold_matching_lock()
    Artifact.objects.select_for_update().get(pk=image.pk)
    standing = _newest(image)
    seen = _newest(image, attestation=None)
    if standing is None or seen is None:
        return None  # nobody has looked into it yet; whoever does will ask again
    chosen = (
        InventoryAttestation.objects.filter(artifact=image, state=InventoryAttestation.State.VERIFIED)
        .select_related("signer")
        .order_by("-received_at", "-pk")
        .first()
    )
    # Looked into again since, an inventory holds what was seen alone.
    if standing.attestation_id == (chosen.pk if chosen else None):
        return None
    if chosen is None:
        return _without(image, seen, standing, now)
    return _with(image, seen, chosen, now)


def _newest(image: Artifact, **chosen: Any) -> Inventory | None:
    rows = Inventory.objects.filter(artifact=image, **chosen).select_related("attestation__signer")
    return rows.order_by("-created_at", "-pk").first()


def sbom_of(attestation: InventoryAttestation, image: Artifact) -> Sbom:
    """What a verified attestation says. Raises AttestationRefused; BlobMissing."""
    envelope = read_envelope(kept_blobs().read(attestation.envelope_digest, MAX_BYTES))
    return read_sbom(require_about(envelope.payload, digest=image.digest))


def _with(image: Artifact, seen: Inventory, chosen: InventoryAttestation, now: datetime) -> Inventory:
    sbom = sbom_of(chosen, image)
    added = _unseen(image, sbom.components)
    ids = store_components(components=added, now=now)
    link_components(image=image, component_ids=ids, is_seen=False)
    match_components(component_ids=ids, now=now)
    stands = standing_of(seen=Basis(seen.basis), os_id=seen.os_id, os_version=seen.os_version, releases=sbom.releases)
    by = chosen.signer.name if chosen.signer else ""
    attested = {
        "by": by,
        "attestation": str(chosen.pk),
        "envelope_digest": chosen.envelope_digest,
        "format": sbom.format,
        "components": len(sbom.components),
        "not_seen": len(ids),
        "without_purl": sbom.without_purl,
        "by_ecosystem": dict(sorted(Counter(one.ecosystem for one in sbom.components).items())),
        "remark": stands.remark,
    }
    return _write(
        image,
        seen,
        now,
        os_id=stands.os_id,
        os_version=stands.os_version,
        basis=stands.basis,
        attestation=chosen,
        attested_by=by,
        coverage={**_seen_coverage(seen), "attested": attested},
    )


def _without(image: Artifact, seen: Inventory, standing: Inventory, now: datetime) -> Inventory:
    """What was seen alone again, and why."""
    link_components(image=image, component_ids=[], is_seen=False)
    lost = standing.attestation
    reason = lost.refusal_detail if lost else ""
    ended = {"by": standing.attested_by, "attestation": str(lost.pk) if lost else "", "reason": reason}
    return _write(
        image,
        seen,
        now,
        os_id=seen.os_id,
        os_version=seen.os_version,
        basis=Basis(seen.basis),
        attestation=None,
        attested_by="",
        coverage={**_seen_coverage(seen), "attestation_ended": ended},
    )


def _seen_coverage(seen: Inventory) -> dict[str, Any]:
    return {name: value for name, value in seen.coverage.items() if name != "attestation_ended"}


def _unseen(image: Artifact, components: tuple[Coordinates, ...]) -> list[Coordinates]:
    """Those that the scanner did not see: the same package in another spelling is one."""
    rows = Component.objects.filter(artifact_links__artifact=image, artifact_links__is_seen=True)
    names = ("type", "name", "version", "ecosystem", "source_name", "source_version")
    seen = set(rows.values_list(*names))
    return [one for one in components if tuple(getattr(one, name) for name in names) not in seen]


def _write(image: Artifact, seen: Inventory, now: datetime, **values: Any) -> Inventory:
    return Inventory.objects.create(
        artifact=image,
        created_at=now,
        tool=seen.tool,
        tool_version=seen.tool_version,
        sbom_digest=seen.sbom_digest,
        report_digest=seen.report_digest,
        ecosystem=ecosystem_of_release(values["os_id"], values["os_version"]),
        component_count=ArtifactComponent.objects.filter(artifact=image).count(),
        **values,
    )
