"""Reads everything that is known about a candidate, once, into plain values."""

from datetime import datetime

from approvals.domain.evidence import ArtifactEvidence, Evidence, FilesEvidence, Finding
from approvals.domain.packet import PacketSubject
from approvals.models import Proposal
from approvals.selectors.supply import supply_of
from catalog.models import Subversion
from policies.models import Policy
from registry import selectors as registry
from registry.models import Artifact
from scans import selectors as scans


def evidence_of(subversion: Subversion, at: datetime) -> Evidence:
    """What is known about ``subversion`` at ``at``: of an index, about each runnable child."""
    runnable = registry.runnable_images(subversion.artifact)
    ages = {one.feed.kind: one.feed for one in reversed(scans.feed_ages(at))}
    kev, eol = ages.get("kev"), ages.get("endoflife")
    build, files = supply_of(subversion, runnable, at)
    return Evidence(
        artifacts=tuple(_artifact(one, files[one.pk], at) for one in runnable),
        build=build,
        known_exploited_at=kev.snapshot_at if kev else None,
        end_of_life_at=eol.snapshot_at if eol else None,
    )


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


def _artifact(artifact: Artifact, files: FilesEvidence, at: datetime) -> ArtifactEvidence:
    scan = scans.latest_scan(artifact)
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
