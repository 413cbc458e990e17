"""Reads everything that is known about a candidate, once, into plain values."""

from dataclasses import replace
from datetime import datetime

from approvals.domain.evidence import (
    ArtifactEvidence,
    BuildEvidence,
    Evidence,
    FilesEvidence,
    Finding,
    InventoryWaiver,
)
from approvals.domain.packet import PacketSubject
from approvals.models import Proposal
from approvals.selectors.inventories import images_without_inventory
from approvals.selectors.supply import supply_of
from catalog.models import Subversion
from policies import selectors as policies
from policies.domain.grants import Place
from policies.models import Grant, Policy
from registry import selectors as registry
from registry.models import Artifact
from scans import selectors as scans
from scans.models import Scan


def evidence_of(subversion: Subversion, at: datetime) -> Evidence:
    """What is known about ``subversion`` at ``at``: of an index, about each runnable child."""
    runnable = registry.runnable_images(subversion.artifact)
    ages = {one.feed.kind: one.feed for one in reversed(scans.feed_ages(at))}
    kev, eol = ages.get("kev"), ages.get("endoflife")
    build, files = supply_of(subversion, runnable, at)
    newest = {one.pk: scans.latest_scan(one) for one in runnable}
    bare = images_without_inventory(newest.values())
    artifacts = tuple(
        replace(_artifact(one, newest[one.pk], files[one.pk], at), is_without_inventory=one.pk in bare)
        for one in runnable
    )
    return Evidence(
        artifacts=_with_waivers(artifacts, subversion, build, at),
        build=build,
        known_exploited_at=kev.snapshot_at if kev else None,
        end_of_life_at=eol.snapshot_at if eol else None,
    )


def _with_waivers(
    artifacts: tuple[ArtifactEvidence, ...], subversion: Subversion, build: BuildEvidence | None, at: datetime
) -> tuple[ArtifactEvidence, ...]:
    """Each image that has no inventory with the waiver that lets that pass. One query, and none where all have one."""
    bare = [one.digest for one in artifacts if one.is_without_inventory]
    if not bare:
        return artifacts
    whole = subversion.artifact.digest
    place = Place(version=str(subversion.version), source=build.source if build else "", digests=(whole, *bare))
    found = policies.inventory_waivers(at, place=place)
    return tuple(_with_waiver(one, found, whole) if one.is_without_inventory else one for one in artifacts)


def _with_waiver(artifact: ArtifactEvidence, found: list[Grant], whole: str) -> ArtifactEvidence:
    # One for a single image of an index says nothing about its other images.
    reaching = (
        one for one in found if one.scope_kind != Grant.ScopeKind.DIGEST or one.scope in (whole, artifact.digest)
    )
    grant = next(reaching, None)
    if grant is None:
        return artifact
    waiver = InventoryWaiver(
        ends_at=grant.ends_at,
        given_by=grant.given_by.username if grant.given_by else "",
        reason=grant.reason,
        scope_kind=grant.scope_kind,
        scope=grant.scope,
        is_one_person=grant.is_one_person,
        key=str(grant.pk),
    )
    return replace(artifact, inventory_waiver=waiver)


def findings_now(artifact: Artifact) -> tuple[Finding, ...]:
    """The findings of one image as they are now."""
    return tuple(
        Finding(
            vulnerability_id=row.vulnerability_id,
            package=row.package,
            installed=row.installed,
            fixed_version=row.fixed_version,
            severity=str(getattr(row.severity, "word", row.severity)),
            is_known_exploited=row.is_kev,
            fix_since=row.fix_since,
            is_comparable=row.outcome != "cannot_compare",
        )
        for row in scans.findings_in_short(artifact)
    )


def _artifact(artifact: Artifact, scan: Scan | None, files: FilesEvidence, at: datetime) -> ArtifactEvidence:
    inventory = scan.inventory if scan and scan.inventory else scans.latest_inventory(artifact)
    known = {
        "digest": artifact.digest,
        "files": files,
        "platform": artifact.platform,
        "user": artifact.user,
        "config": {
            "entrypoint": artifact.entrypoint,
            "cmd": artifact.cmd,
            "config_digest": artifact.config_digest,
            "layer_count": artifact.layer_count,
        },
        "inventory_id": str(inventory.pk) if inventory else "",
        "inventory_digest": inventory.sbom_digest if inventory else "",
        "component_count": inventory.component_count if inventory else 0,
        "basis": inventory.basis if inventory else "",
        "attested_by": inventory.attested_by if inventory else "",
        "tool": f"{inventory.tool} {inventory.tool_version}" if inventory else "",
        "coverage": inventory.coverage if inventory else {},
        "release": f"{inventory.os_id} {inventory.os_version}".strip() if inventory else "",
    }
    if scan is None:
        return ArtifactEvidence(**known, scan_state="none")
    # The age of the feed has its own line, with the policy's own number: here any age is good enough.
    judged = scans.scan_state_at(scan, at, None)
    return ArtifactEvidence(
        **known,
        scan_state=str(judged.state),
        scan_sentence=judged.sentence,
        scan_cure=judged.cure,
        scan_id=str(scan.pk),
        scanned_at=scan.scanned_at,
        feed_name=scan.feed_name,
        feed_snapshot_at=scan.feed_snapshot_at,
        is_feed_frozen=scan.is_feed_frozen,
        support=str(judged.support),
        support_ends_on=judged.support_ends_on,
        findings=findings_now(artifact),
    )


def packet_subject(proposal: Proposal, subversion: Subversion, policy: Policy) -> PacketSubject:
    """What a packet of ``proposal`` is about."""
    artifact = subversion.artifact
    image = subversion.version.image
    lineage = registry.lineage_of(artifact)
    return PacketSubject(
        image=image.name,
        version=subversion.version.name,
        subversion=subversion.name,
        digest=artifact.digest,
        media_type=artifact.media_type,
        kind=artifact.kind,
        purpose=image.purpose,
        size_bytes=artifact.size_bytes,
        proposed_by=proposal.proposed_by.username,
        source_author=proposal.source_author.username if proposal.source_author else "",
        lineage=tuple((ancestor.digest, str(lineage.certainty)) for ancestor in lineage.nearest),
        policy={
            "name": policy.name,
            "version": policy.version,
            "sha256": policy.sha256,
            "is_demo": policy.is_demo,
        },
    )
