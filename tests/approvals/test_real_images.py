"""Certifying real images, by the jobs: one is refused with its reason, one arrives with what has no fix counted."""

import datetime as dt
from pathlib import Path

import pytest

from accounts.roles import Role
from approvals import selectors, services
from approvals.errors import LineCrossed
from approvals.models import Certification, Proposal
from catalog.domain.state import State
from catalog.models import Subversion
from catalog.selectors import state_of, subversion_by_id
from policies.domain.default import DEMO
from policies.services import adopt_policy_for_demo
from registry.models import Artifact
from registry.services import import_archive, run_import
from scans.selectors import latest_scan
from scans.services import inventory_artifact, match_artifact
from signing.models import Publication
from tests.factories.accounts import person_with
from tests.factories.approvals import approve, inventory_waiver
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.factories.images import archive_on
from tests.factories.scans import DATA, import_real_feeds
from tests.factories.signing import certified_layout, signing_key
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def home(tmp_path, settings, now):
    """A certified side that is a directory, and a signer with its key."""
    settings.GOLDGATE_HOME = tmp_path
    certified_layout(tmp_path / "certified", now=now)
    signing_key(tmp_path / "signing", now=now)
    settings.GOLDGATE_SIGNING_KEY_FILE = str(tmp_path / "signing" / "signing.pem")
    return tmp_path


def scanned(name: str, now: dt.datetime) -> Artifact:
    return looked_into(DATA / "images" / f"{name}.oci.tar", now)


def looked_into(archive: Path, now: dt.datetime) -> Artifact:
    asked = import_archive(chunks=[archive.read_bytes()], requested_by=person_with(Role.PLATFORM_ADMIN), now=now)
    artifact = run_import(import_id=asked.pk, now=now)
    inventory_artifact(artifact=artifact, now=now)
    match_artifact(artifact=artifact, now=now)
    return artifact


def proposed(artifact: Artifact, now: dt.datetime) -> Proposal:
    subversion = SubversionFactory(now, version=VersionFactory(now, "debian/12"), artifact=artifact)
    return services.propose(subversion=subversion, proposed_by=person_with(Role.REQUESTER), now=now)


def verdict(proposal: Proposal, now: dt.datetime) -> dict[str, str]:
    return {line.code: str(line.outcome) for line in selectors.proposal_verdict(proposal, now)}


class TestRealImages:
    def test_the_old_one_is_refused_with_the_reason(self, now):
        import_real_feeds(now)
        proposal = proposed(scanned("debian-12-old", now), now)
        with pytest.raises(LineCrossed) as refused:
            approve(proposal, person_with(Role.REVIEWER), now)
        assert "79 findings (27 vulnerabilities: 5 critical, 10 high, 8 medium, 2 low, 2 unknown) have a fix" in (
            refused.value.detail
        )
        assert [row.pointer for row in refused.value.errors] == ["/findings"]
        assert not Publication.objects.exists()

    def test_the_patched_one_is_signed_and_certified_by_the_jobs(self, now):
        import_real_feeds(now)
        artifact = scanned("debian-12-rebuilt", now)
        proposal = proposed(artifact, now)
        assert verdict(proposal, now) == {
            "scanned": "pass",
            "scan_age": "pass",
            "feed_age": "pass",
            "known_exploited": "pass",
            "findings": "pass",
            "unfixed": "warn",
            "end_of_life": "warn",
            "root": "pass",
            "hardening": "warn",  # nobody looked into its files yet
            "known_exploited_feed": "pass",
            "end_of_life_feed": "pass",
        }
        for _ in range(2):
            approve(proposal, person_with(Role.REVIEWER), now)
        ran = run_due_jobs()
        assert {job.state for job in ran if job.kind.startswith(("signing.", "approvals."))} == {"succeeded"}
        certification = Certification.objects.get()
        assert certification.reason == ""
        assert certification.unfixed == {"critical": 2, "high": 6, "medium": 2, "low": 2}
        subversion = subversion_by_id(proposal.subversion_id)
        assert state_of(subversion, certification.starts_at).state is State.CERTIFIED
        assert subversion.certified_repository == "registry.example/golden/debian"
        self._revoke(subversion, certification.starts_at)

    def _revoke(self, subversion: Subversion, now: dt.datetime) -> None:
        services.revoke(
            subversion_id=subversion.pk, person=person_with(Role.SECURITY_REVIEWER), reason="backdoor", now=now
        )
        run_due_jobs()
        publication = Publication.objects.get()
        assert publication.withdrawn_at is not None
        assert state_of(subversion_by_id(subversion.pk), now).state is State.WITHDRAWN

    def test_one_from_scratch_is_certified_under_a_waiver_and_no_longer_than_it(self, now, tmp_path):
        import_real_feeds(now)
        artifact = looked_into(archive_on(None, tmp_path / "hello.tar", {"hello": b"static"}), now)
        proposal = proposed(artifact, now)
        asking = ("scanned", "feed_age", "known_exploited", "findings", "unfixed", "end_of_life")
        before = verdict(proposal, now)
        assert {before[code] for code in asking} <= {"fail", "unknown"}
        grant = inventory_waiver(now, scope_kind="version", scope="debian/12")
        services.refresh_packet(proposal_id=proposal.pk, now=now)
        assert {verdict(proposal, now)[code] for code in asking} == {"warn"}
        for _ in range(2):
            approve(proposal, person_with(Role.REVIEWER), now)
        run_due_jobs()
        certification = Certification.objects.get()
        assert certification.reason == ""
        assert certification.ends_at == grant.ends_at

    def test_a_debian_that_hides_what_it_is_stays_refused(self, now, tmp_path):
        import_real_feeds(now)
        scanned("debian-12-old", now)
        hidden = {"etc/.wh.os-release": b"", "usr/lib/.wh.os-release": b"", "var/lib/.wh.dpkg": b""}
        base = DATA / "images" / "debian-12-old.oci.tar"
        artifact = looked_into(archive_on(base, tmp_path / "hidden.tar", hidden), now)
        # Of itself it looks like one from scratch: only what it is built on tells.
        scan = latest_scan(artifact)
        assert (scan.cause, scan.inventory.basis, scan.inventory.component_count) == ("unknown_distribution", "none", 0)
        proposal = proposed(artifact, now)
        inventory_waiver(now, scope_kind="digest", scope=artifact.digest)
        line = next(line for line in selectors.proposal_verdict(proposal, now) if line.code == "scanned")
        assert str(line.outcome) == "fail"
        assert line.reason.startswith("No known distribution")

    def test_a_frozen_feed_certifies_in_a_demonstration_alone(self, now, settings):
        import_real_feeds(now, age=100 * DAY, is_frozen=True)
        proposal = proposed(scanned("debian-12-rebuilt", now), now)
        assert verdict(proposal, now)["feed_age"] == "fail"
        settings.GOLDGATE_DEMO = True
        adopt_policy_for_demo(document=DEMO, now=now)
        lines = selectors.proposal_verdict(proposal, now)
        assert {str(line.outcome) for line in lines} == {"pass", "warn"}
        assert "frozen at that date" in next(line.reason for line in lines if line.code == "feed_age")
