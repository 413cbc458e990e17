"""Certifying an image in which nobody can tell what is in it: under a waiver with an end, and not otherwise."""

from datetime import datetime, timedelta

import pytest

from accounts.roles import Role
from approvals import selectors, services
from approvals.domain.evidence import InventoryWaiver
from approvals.errors import LineCrossed, PacketMoved
from approvals.models import Certification, Proposal
from catalog.models import Subversion
from registry.models import Artifact
from scans.domain.scan_state import Cause
from scans.services import match_artifact, take_attestation, use_attestations
from scans.services.scanning import record_failure
from tests.factories.accounts import person_with
from tests.factories.approvals import (
    ProposalFactory,
    approve,
    bare,
    certified,
    certifying,
    inventory_waiver,
    known,
    publish,
)
from tests.factories.attestations import Key, cyclonedx, seen_in, signer_of
from tests.factories.builds import SourceFactory
from tests.factories.catalog import ArtifactFactory, IndexFactory, SubversionFactory, VersionFactory
from tests.factories.scans import deb, import_real_feeds, scan_of

pytestmark = pytest.mark.django_db
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def hello(now) -> Subversion:
    """hello/1, from scratch: scanned, with nothing to compare."""
    subversion = SubversionFactory(now, version=VersionFactory(now, "hello/1"))
    bare(subversion.artifact, now)
    return subversion


@pytest.fixture
def proposal(now, hello) -> Proposal:
    return ProposalFactory(now, subversion=hello)


def waive(now: datetime, **fields: object):
    return inventory_waiver(now, **{"scope_kind": "version", "scope": "hello/1", **fields})


def waivers(subversion: Subversion, at: datetime) -> list[InventoryWaiver | None]:
    return [one.inventory_waiver for one in selectors.evidence_of(subversion, at).artifacts]


class TestCertify:
    def test_without_a_waiver_it_is_refused_and_the_cure_is_said(self, now, proposal):
        with pytest.raises(LineCrossed) as refused:
            approve(proposal, person_with(Role.REVIEWER), now)
        pointers = {row.pointer for row in refused.value.errors}
        assert pointers == {"/scanned", "/feed_age", "/known_exploited", "/findings", "/unfixed", "/end_of_life"}
        assert refused.value.cure

    def test_under_one_two_people_certify_it_until_the_waiver_ends(self, now, proposal):
        grant = waive(now, until=30 * DAY)
        services.refresh_packet(proposal_id=proposal.pk, now=now)
        done = certified(now + MINUTE, proposal=proposal)
        assert done.ends_at == grant.ends_at
        done.subversion.refresh_from_db()
        assert done.subversion.certified_until == grant.ends_at
        said = done.packet.document["artifacts"][0]["inventory"]["waiver"]
        assert (said["waived_by"], said["waiver_reason"]) == (grant.given_by.username, grant.reason)

    def test_a_waiver_of_180_days_makes_no_certificate_longer(self, now, proposal):
        waive(now, until=180 * DAY)
        services.refresh_packet(proposal_id=proposal.pk, now=now)
        assert certified(now + MINUTE, proposal=proposal).ends_at == now + MINUTE + 90 * DAY

    def test_given_or_ended_it_makes_another_packet(self, now, proposal):
        first = proposal.current_packet
        grant = waive(now)
        second = services.refresh_packet(proposal_id=proposal.pk, now=now)
        assert second.sha256 != first.sha256
        services.end_waiver(grant_id=grant.pk, person=person_with(Role.REVIEWER), reason="No.", now=now + HOUR)
        third = services.refresh_packet(proposal_id=proposal.pk, now=now + HOUR)
        assert third.sha256 not in (second.sha256, "")

    def test_what_was_read_before_its_end_is_not_approved_after_it(self, now, proposal):
        waive(now, until=DAY)
        services.refresh_packet(proposal_id=proposal.pk, now=now)
        approve(proposal, person_with(Role.REVIEWER), now)
        with pytest.raises(PacketMoved):
            approve(proposal, person_with(Role.REVIEWER), now + DAY)
        with pytest.raises(LineCrossed):
            approve(proposal, person_with(Role.REVIEWER), now + DAY)

    @pytest.mark.parametrize("is_ended", [True, False], ids=["taken-back", "run-out"])
    def test_what_ends_before_the_signature_was_sent_certifies_nothing(self, now, proposal, is_ended):
        grant = waive(now, until=DAY)
        services.refresh_packet(proposal_id=proposal.pk, now=now)
        certification = certifying(now, proposal=proposal)
        publish(certification, now)
        later = now + HOUR if is_ended else now + DAY
        if is_ended:
            services.end_waiver(grant_id=grant.pk, person=person_with(Role.REVIEWER), reason="No.", now=later)
        services.finalise(publication_id=certification.publication_id, now=later)
        certification.refresh_from_db()
        assert certification.failed_at == later
        assert "No known distribution" in certification.reason

    def test_a_candidate_with_an_inventory_needs_none(self, now):
        subversion = SubversionFactory(now)
        known(subversion.artifact, now)
        done = certified(now, proposal=ProposalFactory(now, subversion=subversion))
        assert "waiver" not in done.packet.document["artifacts"][0]["inventory"]
        assert Certification.objects.get().ends_at == now + 90 * DAY


class TestScope:
    def test_another_version_is_not_reached(self, now, hello):
        VersionFactory(now, "hello/2")
        waive(now, scope="hello/2")
        assert waivers(hello, now) == [None]

    def test_before_another_person_gave_it_nothing_passes(self, now, hello):
        services.ask_waiver(
            rule="GG3001",
            scope_kind="version",
            scope="hello/1",
            reason="Later.",
            ends_at=now + DAY,
            asked_by=person_with(Role.REQUESTER),
            now=now,
        )
        assert waivers(hello, now) == [None]

    def test_one_of_another_check_opens_nothing(self, now, hello):
        asked = services.ask_waiver(
            rule="GG2001",
            scope_kind="version",
            scope="hello/1",
            reason="Another matter.",
            ends_at=now + DAY,
            asked_by=person_with(Role.REQUESTER),
            now=now,
        )
        services.give_waiver(grant_id=asked.pk, given_by=person_with(Role.REVIEWER), now=now)
        assert waivers(hello, now) == [None]

    def test_of_several_the_one_that_ends_last_is_named(self, now, hello):
        waive(now, until=DAY)
        longer = waive(now, scope_kind="digest", scope=hello.artifact.digest, until=2 * DAY)
        assert [one.key for one in waivers(hello, now)] == [str(longer.pk)]

    def test_a_source_reaches_what_it_built_and_nothing_else(self, now, hello):
        source = SourceFactory(now)
        inventory_waiver(now, scope_kind="source", scope=source.name)
        assert waivers(hello, now) == [None]

    def test_of_an_index_one_child_reaches_that_child_and_the_index_all(self, now):
        first, second = (ArtifactFactory(now, architecture=name) for name in ("amd64", "arm64"))
        for image in (first, second):
            bare(image, now)
        index = IndexFactory(now, first, second)
        subversion = SubversionFactory(now, version=VersionFactory(now, "hello/1"), artifact=index)
        inventory_waiver(now, scope_kind="digest", scope=first.digest)
        assert [one is not None for one in waivers(subversion, now)] == [True, False]
        inventory_waiver(now, scope_kind="digest", scope=index.digest)
        assert [one is not None for one in waivers(subversion, now)] == [True, True]


def removed_database(artifact: Artifact, now: datetime) -> None:
    scan_of(artifact, now, [], has_package_database=False)


def crashed(artifact: Artifact, now: datetime) -> None:
    record_failure(artifact=artifact, cause=Cause.SCANNER_FAILED, detail="Killed.", now=now)


OPENED = {
    "scratch": lambda artifact, now: bare(artifact, now),
    "static-go": lambda artifact, now: bare(artifact, now, "pkg:golang/stdlib@1.21.0"),
    "busybox": lambda artifact, now: bare(artifact, now, "pkg:generic/busybox@1.36.1"),
}
SHUT = {
    "nobody-looked": lambda artifact, now: None,
    "scanner-failed": crashed,
    "report-malformed": lambda artifact, now: record_failure(
        artifact=artifact, cause=Cause.REPORT_MALFORMED, detail="", now=now
    ),
    "package-database-removed": removed_database,
    "package-database-empty": lambda artifact, now: scan_of(artifact, now, []),
    "os-release-removed": lambda artifact, now: bare(artifact, now, "pkg:deb/debian/dash@0.5.12-2?arch=amd64"),
    "database-without-os-release": lambda artifact, now: bare(artifact, now, has_package_database=True),
    "packages-of-another-kind": lambda artifact, now: bare(artifact, now, "pkg:alpm/arch/bash@5.2-1"),
    "unsupported-distribution": lambda artifact, now: bare(artifact, now, os_id="fedora", os_version="41"),
    "unknown-release": lambda artifact, now: bare(artifact, now, os_id="arch"),
    "support-unknown": lambda artifact, now: scan_of(artifact, now, [deb("dash", "0.5.12-2")]),
}


class TestCauses:
    """A waiver of GG3001 says that there is no inventory. It is asked of each cause of a scan."""

    def judged(self, now, leave) -> tuple[str, InventoryWaiver | None]:
        subversion = SubversionFactory(now, version=VersionFactory(now, "hello/1"))
        leave(subversion.artifact, now)
        waive(now)
        lines = {line.code: line for line in selectors.subversion_verdict(subversion, now)}
        return str(lines["scanned"].outcome), waivers(subversion, now)[0]

    @pytest.mark.parametrize("leave", OPENED.values(), ids=OPENED.keys())
    def test_these_it_opens(self, now, leave):
        outcome, waiver = self.judged(now, leave)
        assert outcome == "warn"
        assert waiver is not None

    @pytest.mark.parametrize("leave", SHUT.values(), ids=SHUT.keys())
    def test_these_stay_shut(self, now, leave):
        outcome, waiver = self.judged(now, leave)
        assert outcome in ("fail", "unknown")
        assert waiver is None


class TestAttested:
    """An attested inventory needs no waiver where it can be compared, and takes none away where it cannot."""

    GO = ("pkg:golang/example.com/m@v1.0.0",)
    BOOKWORM = ("pkg:deb/debian/dash@0.5.12-2?arch=amd64&distro=debian-12",)
    TRIXIE = ("pkg:deb/debian/bash@5.2.37-2?arch=amd64&distro=debian-13",)

    @pytest.fixture
    def attest(self, now, hello):
        key = Key()
        seen_in(hello.artifact, "registry.example/base/hello", now)
        signer_of(key, now)

        def attested(*purls: str) -> None:
            body = key.attest(hello.artifact.digest, cyclonedx(purls))
            row = take_attestation(artifact=hello.artifact, body=body, by=person_with(Role.REVIEWER), now=now)
            use_attestations(image=hello.artifact, now=now)
            match_artifact(artifact=hello.artifact, now=now)
            row.refresh_from_db()
            assert row.state == "verified", row.refusal_detail

        return attested

    def test_modules_that_nothing_compares_leave_the_waiver_open(self, now, hello, attest):
        waive(now)
        attest(*self.GO)
        assert waivers(hello, now) != [None]
        lines = {line.code: str(line.outcome) for line in selectors.subversion_verdict(hello, now)}
        assert {lines[code] for code in ("scanned", "findings", "known_exploited")} == {"warn"}

    @pytest.mark.parametrize("purls", [BOOKWORM + TRIXIE, (*GO, "pkg:deb/debian/dash@0.5.12-2")])
    def test_packages_of_a_distribution_shut_it(self, now, hello, attest, purls):
        waive(now)
        attest(*purls)
        assert waivers(hello, now) == [None]

    def test_a_release_that_can_be_compared_needs_none(self, now, hello, attest):
        import_real_feeds(now)
        waive(now)
        attest(*self.BOOKWORM)
        assert waivers(hello, now) == [None]
        lines = {line.code: line for line in selectors.subversion_verdict(hello, now)}
        assert str(lines["scanned"].outcome) == "pass", lines["scanned"].reason
