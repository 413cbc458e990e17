from datetime import timedelta

import pytest

from accounts.roles import Role
from approvals import selectors, services
from approvals.errors import (
    NotAsked,
    PacketMissing,
    ProposalClosed,
    ProposalExists,
    ProposalMissing,
    ReasonMissing,
    RoleMissing,
)
from approvals.models import Packet, Proposal
from audit.models import Record
from catalog.errors import IllegalStep
from scans.models import Scan
from tests.factories.accounts import person_with
from tests.factories.approvals import Finding, ProposalFactory, approve, certified, certifying, known
from tests.factories.catalog import ArtifactFactory, IndexFactory, SubversionFactory

pytestmark = pytest.mark.django_db
NOBODY = "0190aaaa-0000-7000-8000-000000000000"


class TestPropose:
    def test_freezes_a_packet_of_what_is_known(self, now):
        subversion = SubversionFactory(now)
        known(subversion.artifact, now, [Finding("CVE-2026-1", "zlib1g", "1.2", "", "high")])
        proposal = ProposalFactory(now, subversion=subversion)
        document = proposal.current_packet.document
        assert document["subject"]["digest"] == subversion.artifact.digest
        assert document["unfixed"] == {"high": 1}
        assert document["artifacts"][0]["findings"]["list"][0]["vulnerability_id"] == "CVE-2026-1"
        assert document["artifacts"][0]["scan"]["id"] == str(Scan.objects.get().pk)
        assert document["artifacts"][0]["config"]["user"] == "65532"
        assert document["policy"]["name"] == "default"
        verbs = Record.objects.filter(subject_id=str(subversion.pk)).order_by("pk").values_list("verb", flat=True)
        assert list(verbs)[-2:] == ["proposal.opened", "packet.frozen"]

    def test_an_index_has_evidence_of_each_child(self, now):
        children = [ArtifactFactory(now), ArtifactFactory(now, architecture="arm64")]
        for child in children:
            known(child, now)
        subversion = SubversionFactory(now, artifact=IndexFactory(now, *children))
        proposal = services.propose(subversion=subversion, proposed_by=person_with(Role.REQUESTER), now=now)
        artifacts = proposal.current_packet.document["artifacts"]
        assert [one["digest"] for one in artifacts] == sorted(child.digest for child in children)

    def test_may_come_before_the_scan(self, now):
        proposal = services.propose(subversion=SubversionFactory(now), proposed_by=person_with(Role.REQUESTER), now=now)
        verdict = {line.code: str(line.outcome) for line in selectors.proposal_verdict(proposal, now)}
        assert verdict["scanned"] == "unknown"

    def test_links_the_request_that_is_open_for_it(self, now):
        subversion = SubversionFactory(now)
        asked = services.ask_request(
            image_name=subversion.version.image.name,
            version_name=subversion.version.name,
            reason="we need it",
            asked_by=person_with(Role.REQUESTER),
            now=now,
        )
        assert ProposalFactory(now, subversion=subversion).request == asked

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
    def test_needs_a_role(self, now, role):
        with pytest.raises(RoleMissing):
            services.propose(subversion=SubversionFactory(now), proposed_by=person_with(role), now=now)
        assert not Proposal.objects.exists()

    def test_one_at_a_time(self, now):
        proposal = ProposalFactory(now)
        with pytest.raises(ProposalExists):
            ProposalFactory(now, subversion=proposal.subversion)

    def test_what_is_rejected_stays_rejected(self, now):
        proposal = ProposalFactory(now)
        services.reject(
            proposal_id=proposal.pk,
            reviewer=person_with(Role.REVIEWER),
            reason="no",
            packet_sha256=proposal.current_packet.sha256,
            now=now,
        )
        with pytest.raises(IllegalStep):
            ProposalFactory(now, subversion=proposal.subversion)


class TestRefreshPacket:
    def test_nothing_new_keeps_the_packet(self, now):
        proposal = ProposalFactory(now)
        later = now + timedelta(hours=1)
        Scan.objects.update(scanned_at=later, feed_snapshot_at=later)
        assert services.refresh_packet(proposal_id=proposal.pk, now=later) == proposal.current_packet

    def test_a_new_scan_makes_a_new_packet_and_says_how_many_reviews_are_void(self, now):
        proposal = ProposalFactory(now)
        approve(proposal, person_with(Role.REVIEWER), now)
        known(proposal.subversion.artifact, now)
        packet = services.refresh_packet(proposal_id=proposal.pk, now=now)
        assert packet.number == 2
        assert Record.objects.filter(verb="packet.frozen").latest("pk").data["void"] == 1

    def test_a_decided_proposal_keeps_its_packet(self, now):
        certification = certifying(now)
        known(certification.subversion.artifact, now, [Finding("CVE-2026-1", "zlib1g", "1.2", "", "high")])
        assert services.refresh_packet(proposal_id=certification.proposal_id, now=now) == certification.packet

    def test_reaches_the_index_that_lists_the_artifact(self, now):
        child = ArtifactFactory(now)
        known(child, now)
        subversion = SubversionFactory(now, artifact=IndexFactory(now, child))
        services.propose(subversion=subversion, proposed_by=person_with(Role.REQUESTER), now=now)
        known(child, now)
        assert services.refresh_packets_of(artifact_id=child.pk, now=now) == 1
        assert Packet.objects.count() == 2
        assert services.refresh_packets_of(artifact_id=ArtifactFactory(now).pk, now=now) == 0

    def test_what_is_not_there(self, now):
        with pytest.raises(ProposalMissing):
            services.refresh_packet(proposal_id=NOBODY, now=now)
        with pytest.raises(ProposalMissing):
            selectors.proposal_by_id(NOBODY)
        with pytest.raises(PacketMissing):
            selectors.packet_by_id(NOBODY)


class TestWithdrawProposal:
    def test_its_proposer_takes_it_back(self, now):
        proposal = ProposalFactory(now)
        done = services.withdraw_proposal(
            proposal_id=proposal.pk, person=proposal.proposed_by, reason="a newer one comes", now=now
        )
        assert (done.state, done.closed_reason) == (Proposal.State.WITHDRAWN, "a newer one comes")
        assert ProposalFactory(now, subversion=proposal.subversion).state == Proposal.State.OPEN

    def test_nobody_else_does(self, now):
        with pytest.raises(NotAsked):
            services.withdraw_proposal(
                proposal_id=ProposalFactory(now).pk, person=person_with(Role.PLATFORM_ADMIN), reason="x", now=now
            )

    def test_needs_a_reason_and_an_open_proposal(self, now):
        proposal = ProposalFactory(now)
        with pytest.raises(ReasonMissing):
            services.withdraw_proposal(proposal_id=proposal.pk, person=proposal.proposed_by, reason="", now=now)
        certified(now, proposal=proposal)
        with pytest.raises(ProposalClosed):
            services.withdraw_proposal(proposal_id=proposal.pk, person=proposal.proposed_by, reason="x", now=now)

    def test_while_its_signature_is_outstanding_the_certification_fails(self, now):
        certification = certifying(now)
        proposal = certification.proposal
        services.withdraw_proposal(proposal_id=proposal.pk, person=proposal.proposed_by, reason="stuck", now=now)
        certification.refresh_from_db()
        certification.publication.refresh_from_db()
        assert certification.reason == "Withdrawn while it was certified: stuck"
        assert certification.publication.withdrawal_begun_at == now
        assert ProposalFactory(now, subversion=certification.subversion).state == Proposal.State.OPEN
