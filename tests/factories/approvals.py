"""Evidence, proposals and certificates for tests.

evidence(now)                        # one image that passes every line, as plain values
known(artifact, now, findings=[…])   # rows of an inventory, a scan, advisories and their matches
bare(artifact, now)                  # rows of an image in which nobody can tell what is in it
inventory_waiver(now, scope_kind="version", scope="hello/1")     # a waiver of that, given
publish(certification, now)          # what signing does, without its jobs
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from accounts.models import Person
from accounts.roles import Role
from approvals import services
from approvals.domain.evidence import ArtifactEvidence, FilesEvidence, Finding
from approvals.models import Certification, Proposal, Review
from catalog.models import Subversion
from policies.domain.grants import INVENTORY_RULE
from policies.models import Grant
from registry.models import Artifact
from scans.domain.ecosystems import coordinates_of
from scans.domain.severity import Severity
from scans.models import (
    AdvisedVulnerability,
    Advisory,
    ArtifactComponent,
    Component,
    Feed,
    Inventory,
    Match,
    Scan,
    Vulnerability,
)
from tests.factories.accounts import person_with
from tests.factories.catalog import SubversionFactory, certified_side
from tests.factories.scans import deb, inventory_of, scan_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def evidence(now: datetime, **changes: object) -> ArtifactEvidence:
    """One image that passes every line of the default policy at ``now``."""
    good = ArtifactEvidence(
        digest="sha256:" + "a" * 64,
        platform="linux/amd64",
        user="65532",
        scan_state="complete",
        scan_sentence="99 components compared.",
        scanned_at=now - HOUR,
        feed_name="debian",
        feed_snapshot_at=now - HOUR,
        support="supported",
        support_ends_on=date(2028, 6, 30),
        release="debian 12",
        files=FilesEvidence(state="complete", files_digest="sha256:" + "f" * 64),
    )
    return replace(good, **changes)


def feeds(now: datetime, *, snapshot_at: datetime | None = None, is_frozen: bool = False) -> Feed:
    """The advisories of Debian 12, and the two feeds of knowledge, as of ``now`` unless told otherwise."""
    stated = snapshot_at or now
    for kind, name in (("kev", "exploited"), ("endoflife", "ends")):
        Feed.objects.update_or_create(
            name=name, defaults={"kind": kind, "snapshot_at": now, "synced_at": now, "created_at": now, "state": "ok"}
        )
    fields = {"kind": "osv", "declared_ecosystems": ["Debian:12"], "is_frozen": is_frozen, "state": "ok"}
    fields |= {"snapshot_at": stated, "synced_at": now, "created_at": now}
    return Feed.objects.update_or_create(name="debian", defaults=fields)[0]


def known(artifact: Artifact, now: datetime, findings: Iterable[Finding] = (), **feed: object) -> Scan:
    """Rows as scans/ would leave them: an inventory, a complete scan at ``now``, and ``findings`` instead of others."""
    source = feeds(now, **feed)
    inventory = Inventory.objects.filter(artifact=artifact).first() or inventory_of(
        artifact, now, [deb("dash", "0.5.12-2")]
    )
    ArtifactComponent.objects.filter(artifact=artifact).delete()
    for finding in findings:
        _found(artifact, finding, source, now)
    Scan.objects.filter(artifact=artifact, is_latest=True).update(is_latest=False)
    return Scan.objects.create(
        artifact=artifact,
        inventory=inventory,
        state="complete",
        sentence="Compared.",
        created_at=now,
        scanned_at=now,
        feed_snapshot_at=source.snapshot_at,
        feed_name=source.name,
        is_feed_frozen=source.is_frozen,
        support_eol=date(2026, 6, 10),
        support_eoes=date(2028, 6, 30),
        is_support_known=True,
    )


def bare(artifact: Artifact, now: datetime, *components: str, **inventory: object) -> Scan:
    """Rows as scans/ leaves them of an image without os-release and package database; ``components`` are purls."""
    feeds(now)
    listed = [coordinates_of(purl) for purl in components]
    fields = {"os_id": "", "os_version": "", "has_package_database": None, **inventory}
    return scan_of(artifact, now, listed, **fields)


def inventory_waiver(
    now: datetime, *, scope_kind: str, scope: str, until: timedelta = 30 * DAY, given_by: Person | None = None
) -> Grant:
    """A waiver of GG3001, asked for and given at ``now``."""
    asked = services.ask_waiver(
        rule=INVENTORY_RULE,
        scope_kind=scope_kind,
        scope=scope,
        reason="Its build attests nothing yet.",
        ends_at=now + until,
        asked_by=person_with(Role.REQUESTER),
        now=now,
    )
    return services.give_waiver(grant_id=asked.pk, given_by=given_by or person_with(Role.REVIEWER), now=now)


def _found(artifact: Artifact, finding: Finding, feed: Feed, now: datetime) -> None:
    purl = f"pkg:deb/debian/{finding.package}@{finding.installed}?distro=debian-12"
    component, _ = Component.objects.get_or_create(
        purl=purl,
        defaults={
            "type": "deb",
            "name": finding.package,
            "version": finding.installed,
            "ecosystem": "Debian:12",
            "source_name": finding.package,
            "source_version": finding.installed,
            "key_version": 1,
            "matched_at": now,
            "created_at": now,
        },
    )
    ArtifactComponent.objects.get_or_create(artifact=artifact, component=component)
    severity = Severity.of_word(finding.severity)
    vulnerability, _ = Vulnerability.objects.update_or_create(
        name=finding.vulnerability_id,
        defaults={"severity": int(severity), "is_exploited": finding.is_known_exploited},
    )
    advisory, _ = Advisory.objects.get_or_create(
        feed=feed,
        osv_id=f"{finding.vulnerability_id}-{finding.package}",
        defaults={
            "body": b"{}",
            "body_sha256": "0" * 64,
            "published_at": finding.fix_since or now,
            "modified_at": now,
            "first_seen_at": now,
        },
    )
    AdvisedVulnerability.objects.get_or_create(advisory=advisory, vulnerability=vulnerability)
    Match.objects.update_or_create(
        component=component,
        advisory=advisory,
        defaults={"outcome": "affected", "fixed_version": finding.fixed_version, "matched_at": now},
    )


def ProposalFactory(  # noqa: N802
    now: datetime, *, subversion: Subversion | None = None, proposed_by: Person | None = None, **fields: object
) -> Proposal:
    """An open proposal of a candidate that passes every line, with somewhere to publish it."""
    certified_side(now)
    subversion = subversion or SubversionFactory(now)
    if not subversion.artifact.scans.exists():
        known(subversion.artifact, now)
    proposed_by = proposed_by or person_with(Role.REQUESTER)
    return services.propose(subversion=subversion, proposed_by=proposed_by, now=now, **fields)


def approve(proposal: Proposal, reviewer: Person, now: datetime) -> Review:
    """``reviewer`` approves the current packet."""
    proposal.refresh_from_db()
    return services.review_packet(
        proposal_id=proposal.pk,
        reviewer=reviewer,
        outcome=Review.Outcome.APPROVE,
        reason="",
        packet_sha256=proposal.current_packet.sha256,
        now=now,
    )


def publish(certification: Certification, now: datetime) -> None:
    """Mark the publication as copied, signed and sent."""
    publication = certification.publication
    publication.copied_at = publication.signed_at = publication.sent_at = now
    publication.save(update_fields=["copied_at", "signed_at", "sent_at"])


def certifying(now: datetime, *, proposal: Proposal | None = None, reviewers: Iterable[Person] = ()) -> Certification:
    """A certification whose reviews are complete and whose signature is outstanding."""
    proposal = proposal or ProposalFactory(now)
    chosen = list(reviewers) or [person_with(Role.REVIEWER), person_with(Role.SECURITY_REVIEWER)]
    for reviewer in chosen:
        approve(proposal, reviewer, now)
    return Certification.objects.get(proposal=proposal)


def certified(now: datetime, *, proposal: Proposal | None = None, reviewers: Iterable[Person] = ()) -> Certification:
    """A certificate in force since ``now``."""
    certification = certifying(now, proposal=proposal, reviewers=reviewers)
    publish(certification, now)
    services.finalise(publication_id=certification.publication_id, now=now)
    certification.refresh_from_db()
    assert certification.finalised_at == now, certification.reason
    return certification
