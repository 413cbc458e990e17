"""A small true world for pages: people, a certified build, one refused, one waiting, decisions, jobs, feeds.

Every text that comes from strangers carries ``HOSTILE``, so that each page shows whether it escapes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from uuid6 import uuid7

from accounts.models import Person, ServiceToken, Team
from accounts.roles import Role
from admission.models import Cluster, Decision, Gate
from admission.services import record_decisions
from approvals import services as approvals
from approvals.domain.evidence import Finding
from approvals.models import Proposal, Request
from catalog.models import Subversion
from jobs.models import Job
from jobs.services import ensure_schedule
from registry.models import Artifact, Import, Registry
from scans.models import Feed, InventoryAttestation, InventorySigner
from scans.services import end_signer
from tests.factories.accounts import TeamFactory, person_with, token_for
from tests.factories.admission import decision_row, enrolled_gate
from tests.factories.approvals import ProposalFactory, certified, known
from tests.factories.attestations import Key, signer_of
from tests.factories.catalog import ArtifactFactory, SubversionFactory, VersionFactory
from tests.factories.jobs import JobFactory
from tests.factories.registry import RegistryFactory
from tests.web.supply import Supply, build_supply

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@dataclass
class World:
    """What was made, by the name that tests know it by."""

    now: datetime
    admin: Person
    requester: Person
    reviewer: Person
    second: Person
    security: Person
    auditor: Person
    viewer: Person
    team: Team
    good: Subversion
    bad: Subversion
    waiting: Proposal
    asked: Request
    done_import: Import
    registry: Registry
    feed: Feed
    job: Job
    cluster: Cluster
    gate: Gate
    denied: Decision
    token: ServiceToken
    loose: str  # a digest without a place in the catalog
    schedule: UUID
    signer: InventorySigner
    supply: Supply

    def addresses(self) -> dict[str, str]:
        """One address for each page that is read, by the name of its view."""
        good, digest = self.good, self.good.artifact.digest
        build = f"/i/{good.version.image.name}/{good.version.name}/{good.name}"
        return {
            "home": "/",
            "find": f"/find?q={digest}",
            "try": "/try",
            "password": "/password",
            "catalog": "/catalog",
            "image-new": "/catalog/new",
            "image": f"/i/{good.version.image.name}",
            "version-new": f"/i/{good.version.image.name}/new",
            "subversion": build,
            "subversion-suspend": f"{build}/suspend",
            "subversion-lift": f"{build}/lift",
            "subversion-revoke": f"{build}/revoke",
            "artifact": f"/a/{self.loose}",
            "artifact-findings": f"/a/{self.bad.artifact.digest}/findings",
            "artifact-contents": f"/a/{digest}/contents",
            "reviews": "/reviews",
            "review": f"/reviews/{self.waiting.pk}",
            "requests": "/requests",
            "request-new": "/requests/new",
            "request": f"/r/{self.asked.pk}",
            "imports": "/imports",
            "import-new": "/imports/new",
            "import": f"/imports/{self.done_import.pk}",
            "registries": "/registries",
            "registry-new": "/registries/new",
            "registry": f"/registries/{self.registry.pk}",
            "inventory-signers": "/inventory-signers",
            "inventory-signer-new": "/inventory-signers/new",
            "inventory-signer-end": f"/inventory-signers/{self.signer.pk}/end",
            "sbom-attestations": f"/a/{digest}/attested",
            "decisions": "/decisions",
            "decision": f"/d/{self.denied.short_id}",
            "record": "/record",
            "clusters": "/clusters",
            "cluster-new": "/clusters/new",
            "cluster": f"/clusters/{self.cluster.name}",
            "feeds": "/feeds",
            "feed-new": "/feeds/new",
            "feed": f"/feeds/{self.feed.pk}",
            "schedule": f"/schedules/{self.schedule}",
            "jobs": "/jobs",
            "job": f"/jobs/{self.job.pk}",
            "people": "/people",
            "person-new": "/people/new",
            "person": f"/people/{self.reviewer.pk}",
            "team-new": "/teams/new",
            "team": f"/teams/{self.team.pk}",
            "tokens": "/tokens",
            "token-new": "/tokens/new",
            **self.supply.addresses(good, self.bad),
        }


def text_of(answer) -> str:
    return answer.content.decode()


def findings(now: datetime, *, has_fix: bool) -> list[Finding]:
    """Findings of each severity, one of them known to be exploited where there are fixes."""
    rows = [
        ("CVE-2026-8376", "perl", "critical"),
        ("CVE-2026-1111", "openssl", "high"),
        ("CVE-2026-2222", "zlib", "medium"),
    ]
    rows += [("CVE-2026-3333", "dash", "low"), ("CVE-2026-4444", "bash", "unknown")]
    return [
        Finding(
            vulnerability_id=name,
            package=package,
            installed="1.0-1",
            fixed_version="1.0-2" if has_fix else "",
            severity=severity,
            is_known_exploited=has_fix and severity == "high",
            fix_since=now - timedelta(days=30) if has_fix else None,
        )
        for name, package, severity in rows
    ]


def build() -> World:
    """Make it, through the services wherever there is one."""
    now = timezone.now() - timedelta(minutes=5)
    admin = person_with(Role.PLATFORM_ADMIN, username="ada", display_name="Ada Admin")
    requester = person_with(Role.REQUESTER, username="ruth", display_name=HOSTILE)
    reviewer = person_with(Role.REVIEWER, username="rita", created_by=requester)
    second = person_with(Role.REVIEWER, username="raul")
    security = person_with(Role.SECURITY_REVIEWER, username="sean")
    auditor = person_with(Role.AUDITOR, username="otto")
    viewer = person_with(Role.VIEWER, username="vic")
    team = TeamFactory("payments", requester, viewer, description=HOSTILE)
    version = VersionFactory(now, "debian/12")
    good = SubversionFactory(
        now, version=version, name="12.15-20261124.1", artifact=ArtifactFactory(now, env=[HOSTILE])
    )
    known(good.artifact, now, findings(now, has_fix=False))
    good = certified(
        now, proposal=ProposalFactory(now, subversion=good, proposed_by=requester), reviewers=[second, security]
    ).subversion
    bad = SubversionFactory(now, version=version, name="12.4-20260401.1")
    known(bad.artifact, now, findings(now, has_fix=True))
    candidate = SubversionFactory(now, version=version, name="12.16-20261125.1")
    known(candidate.artifact, now, findings(now, has_fix=False)[:2])
    waiting = ProposalFactory(now, subversion=candidate, proposed_by=requester, note=HOSTILE)
    asked = approvals.ask_request(
        image_name="python", version_name="3.12", reason=HOSTILE, asked_by=requester, team=team, now=now
    )
    registry = RegistryFactory(
        "registry.example",
        last_failure=HOSTILE,
        last_tested_at=now,
        last_test=[
            {"name": "dns", "outcome": "ok", "text": "127.0.0.1"},
            {"name": "tls", "outcome": "failed", "text": HOSTILE},
        ],
    )
    loose = ArtifactFactory(now, cmd=[HOSTILE])
    done_import = Import.objects.create(
        kind="archive",
        state="done",
        artifact=loose,
        requested_by=requester,
        warnings=[HOSTILE],
        created_at=now,
        finished_at=now,
        resolved_digest=loose.digest,
        asked_reference="debian:12",
    )
    job = JobFactory(
        state="failed", error_code="registry_unavailable", error_text=HOSTILE, text=HOSTILE, created_at=now
    )
    gate, _ = enrolled_gate(now=now)
    denied = _denied(gate, good.artifact.digest, now)
    feed = Feed.objects.get(name="debian")
    Feed.objects.filter(pk=feed.pk).update(problems=[{"where": "line 1", "why": HOSTILE}], snapshot_source=HOSTILE)
    token, _ = token_for(admin)
    signer = _signer(good.artifact, now)
    supply = build_supply(now, admin=admin, requester=requester, good=good, waiting=waiting, hostile=HOSTILE)
    return World(
        now=now,
        admin=admin,
        requester=requester,
        reviewer=reviewer,
        second=second,
        security=security,
        auditor=auditor,
        viewer=viewer,
        team=team,
        good=good,
        bad=bad,
        waiting=waiting,
        asked=asked,
        done_import=done_import,
        registry=registry,
        feed=feed,
        job=job,
        cluster=gate.cluster,
        gate=gate,
        denied=denied,
        token=token,
        loose=loose.digest,
        schedule=ensure_schedule("Sync the feeds", "scans.sync_all_feeds", every_seconds=3600).pk,
        signer=signer,
        supply=supply,
    )


def _signer(artifact: Artifact, now: datetime) -> InventorySigner:
    """One in force, one ended for a reason, and an attestation that was refused."""
    ended = signer_of(Key(), now)
    end_signer(signer_id=ended.pk, reason=HOSTILE, by=ended.created_by, now=now)
    InventoryAttestation.objects.create(
        artifact=artifact,
        envelope_digest="sha256:" + "e" * 64,
        origin="registry",
        found_in=HOSTILE,
        received_at=now,
        state="refused",
        refusal="unknown_key",
        refusal_detail=HOSTILE,
        judged_at=now,
    )
    return signer_of(Key(), now)


def _denied(gate: Gate, digest: str, now: datetime) -> Decision:
    checks = [
        {"code": "reference", "outcome": "pass", "reason": "It names a digest."},
        {
            "code": "approved",
            "outcome": "fail",
            "reason": HOSTILE,
            "remedy": f"Use registry.example/golden/debian@{digest}",
        },
        {"code": "root", "outcome": "unknown", "reason": "The user is a name.", "remedy": "Set runAsUser."},
    ]
    row = decision_row(
        str(uuid7()),
        at=now,
        digest=digest,
        allowed=False,
        message=f"approved: {HOSTILE}",
        user=HOSTILE,
        images=[
            {
                "reference": HOSTILE,
                "path": "spec.containers[0].image",
                "digest": digest,
                "allowed": False,
                "line": "deploy",
                "checks": checks,
                "valid_until": 0,
            }
        ],
        warnings=[HOSTILE],
    )
    record_decisions(gate=gate, rows=[row], now=now)
    return Decision.objects.get(allowed=False)


def more_of_everything(world: World) -> None:
    """Ten more rows in each list."""
    now = world.now
    for number in range(10):
        version = VersionFactory(now, f"image-{number}/1")
        known(SubversionFactory(now, version=version).artifact, now)
        one = SubversionFactory(now, version=world.good.version, name=f"more-{number}")
        known(one.artifact, now)
        JobFactory(created_at=now)
        person = person_with(Role.VIEWER)
        TeamFactory("", person)
        approvals.ask_request(
            image_name=f"wanted-{number}", version_name="1", reason="We need it.", asked_by=world.requester, now=now
        )
        Import.objects.create(
            kind="archive",
            state="done",
            artifact=one.artifact,
            requested_by=person,
            created_at=now,
            finished_at=now,
            resolved_digest=one.artifact.digest,
        )
        row = decision_row(str(uuid7()), at=now, digest=one.artifact.digest)
        record_decisions(gate=world.gate, rows=[row], now=now)
