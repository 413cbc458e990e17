import pytest

from accounts.models import RoleGrant
from accounts.roles import Role
from accounts.services import deactivate_person, link_accounts, reactivate_person, reset_password
from approvals import selectors, services
from approvals.errors import (
    AlreadyReviewed,
    ChangesRequested,
    LineCrossed,
    NoCertifiedSide,
    OwnProposal,
    PacketMoved,
    ProposalClosed,
    ProposalMissing,
    ReasonMissing,
    RoleMissing,
)
from approvals.models import Certification, Proposal, Review
from audit.models import Record
from policies.selectors import active_policy
from registry.models import Registry
from signing.models import Publication
from tests.factories.accounts import PersonFactory, TeamFactory, person_with
from tests.factories.approvals import Finding, ProposalFactory, approve, known
from tests.factories.policies import adopted

pytestmark = pytest.mark.django_db
APPROVE, CHANGES, REJECT = Review.Outcome.APPROVE, Review.Outcome.REQUEST_CHANGES, Review.Outcome.REJECT


def review(proposal, reviewer, now, outcome=APPROVE, reason="because", sha256=None):
    return services.review_packet(
        proposal_id=proposal.pk,
        reviewer=reviewer,
        outcome=outcome,
        reason=reason,
        packet_sha256=sha256 or proposal.current_packet.sha256,
        now=now,
    )


class TestReviewPacket:
    def test_one_approval_is_not_enough(self, now):
        proposal = ProposalFactory(now)
        written = approve(proposal, person_with(Role.REVIEWER), now)
        assert written.packet_sha256 == proposal.current_packet.sha256
        assert not Certification.objects.exists()

    def test_the_last_needed_approval_consumes_the_reviews_and_begins(self, now):
        proposal = ProposalFactory(now)
        approve(proposal, person_with(Role.REVIEWER, username="rita"), now)
        approve(proposal, person_with(Role.SECURITY_REVIEWER, username="sam"), now)
        proposal.refresh_from_db()
        certification = Certification.objects.get()
        assert proposal.state == Proposal.State.CERTIFYING
        assert certification.consumed.count() == 2
        assert certification.finalised_at is None
        assert certification.publication.predicate["packet_sha256"] == proposal.current_packet.sha256
        assert certification.publication.predicate["reviewers"] == ["rita", "sam"]
        assert certification.publication.target_repository.name.startswith("registry.example/golden/debian")
        assert proposal.subversion.certifying_since == now
        verbs = list(Record.objects.order_by("pk").values_list("verb", flat=True))
        assert verbs[-3:] == ["proposal.reviewed", "publication.begun", "certification.begun"]

    def test_the_policy_says_how_many(self, now):
        adopted(now, reviewers=3)
        proposal = ProposalFactory(now)
        for _ in range(2):
            approve(proposal, person_with(Role.REVIEWER), now)
        assert not Certification.objects.exists()
        approve(proposal, person_with(Role.REVIEWER), now)
        assert Certification.objects.get().reviewers_needed == 3

    def test_a_team_s_reviewer_judges_its_images(self, now):
        proposal = ProposalFactory(now)
        team = TeamFactory()
        image = proposal.subversion.version.image
        image.owner = team
        image.save()
        approve(proposal, person_with(Role.REVIEWER, team=team), now)
        with pytest.raises(RoleMissing):
            approve(proposal, person_with(Role.REVIEWER, team=TeamFactory()), now)

    @pytest.mark.parametrize(
        ("who", "error"),
        [
            pytest.param("proposer", OwnProposal, id="four-eyes"),
            pytest.param("author", OwnProposal, id="wrote-its-source"),
            pytest.param("other-account", OwnProposal, id="another-account-of-the-proposer"),
            pytest.param("requester", RoleMissing, id="no-reviewer"),
            pytest.param("admin", RoleMissing, id="an-admin-is-no-reviewer"),
            pytest.param("closed", RoleMissing, id="account-closed"),
        ],
    )
    def test_a_refused_review_writes_nothing(self, now, who, error):
        proposer = person_with(Role.REQUESTER, Role.REVIEWER)
        author = person_with(Role.REVIEWER)
        proposal = ProposalFactory(now, proposed_by=proposer, source_author=author)
        person = {
            "proposer": lambda: proposer,
            "author": lambda: author,
            "other-account": lambda: person_with(Role.REVIEWER, same_person_as=proposer),
            "requester": lambda: person_with(Role.REQUESTER),
            "admin": lambda: person_with(Role.PLATFORM_ADMIN),
            "closed": lambda: person_with(Role.REVIEWER, is_active=False),
        }[who]()
        with pytest.raises(error):
            review(proposal, person, now)
        assert not Review.objects.exists()
        assert not Record.objects.filter(verb="proposal.reviewed").exists()

    def test_two_accounts_of_one_person_count_once(self, now):
        proposal = ProposalFactory(now)
        first = person_with(Role.REVIEWER)
        approve(proposal, first, now)
        with pytest.raises(AlreadyReviewed):
            approve(proposal, person_with(Role.REVIEWER, same_person_as=first), now)

    def test_accounts_that_are_linked_afterwards_count_once(self, now):
        proposal = ProposalFactory(now)
        first, second = person_with(Role.REVIEWER), person_with(Role.REVIEWER)
        approve(proposal, first, now)
        link_accounts(person=second, same_person_as=first, by=person_with(Role.PLATFORM_ADMIN), now=now)
        second.refresh_from_db()
        with pytest.raises(AlreadyReviewed):
            approve(proposal, second, now)
        assert not Certification.objects.exists()

    def test_nobody_judges_twice(self, now):
        proposal = ProposalFactory(now)
        reviewer = person_with(Role.REVIEWER)
        approve(proposal, reviewer, now)
        with pytest.raises(AlreadyReviewed):
            approve(proposal, reviewer, now)

    def test_a_reviewer_who_lost_the_role_does_not_count(self, now):
        proposal = ProposalFactory(now)
        gone = person_with(Role.REVIEWER)
        approve(proposal, gone, now)
        gone.role_grants.update(ends_at=now)
        approve(proposal, person_with(Role.REVIEWER), now)
        assert not Certification.objects.exists()
        approve(proposal, person_with(Role.REVIEWER), now)
        assert Certification.objects.get().consumed.count() == 2

    def test_a_review_of_another_packet_is_refused(self, now):
        proposal = ProposalFactory(now)
        with pytest.raises(PacketMoved):
            review(proposal, person_with(Role.REVIEWER), now, sha256="0" * 64)

    def test_evidence_that_changes_between_two_approvals_voids_the_first(self, now):
        proposal = ProposalFactory(now)
        first = proposal.current_packet
        approve(proposal, person_with(Role.REVIEWER), now)
        known(proposal.subversion.artifact, now, [Finding("CVE-2026-9", "zlib1g", "1.2", "", "high")])
        with pytest.raises(PacketMoved):
            approve(proposal, person_with(Role.REVIEWER), now)
        proposal.refresh_from_db()
        assert proposal.current_packet.number == 2
        approve(proposal, person_with(Role.REVIEWER), now)
        assert not Certification.objects.exists(), "the approval of the first packet must not count"
        approve(proposal, person_with(Role.REVIEWER), now)
        assert Certification.objects.get().packet_id == proposal.current_packet_id != first.pk

    def test_a_policy_that_changes_between_two_approvals_voids_the_first(self, now):
        proposal = ProposalFactory(now)
        approve(proposal, person_with(Role.REVIEWER), now)
        adopted(now, certificate_days=30)
        with pytest.raises(PacketMoved):
            approve(proposal, person_with(Role.REVIEWER), now)

    def test_the_policy_s_line_refuses_an_approval_with_its_reason(self, now):
        proposal = ProposalFactory(now)
        found = [
            Finding(f"CVE-2026-{number}", "openssl", "3.0.1", "3.0.2", severity, fix_since=now)
            for number, severity in enumerate(["critical"] * 5 + ["high"] * 10)
        ]
        known(proposal.subversion.artifact, now, found)
        services.refresh_packet(proposal_id=proposal.pk, now=now)
        with pytest.raises(LineCrossed) as refused:
            approve(proposal, person_with(Role.REVIEWER), now)
        assert "15 findings (15 vulnerabilities: 5 critical, 10 high) have a fix" in refused.value.detail
        assert [(row.pointer, row.code) for row in refused.value.errors] == [("/findings", "fail")]
        assert refused.value.cure == "Rebuild with updated packages: openssl."
        assert not Review.objects.exists()

    def test_what_the_line_refuses_can_still_be_rejected(self, now):
        proposal = ProposalFactory(now)
        known(proposal.subversion.artifact, now, [Finding("CVE-2026-1", "openssl", "3.0.1", "3.0.2", "critical")])
        services.refresh_packet(proposal_id=proposal.pk, now=now)
        proposal.refresh_from_db()
        review(proposal, person_with(Role.REVIEWER), now, outcome=REJECT, reason="too old")
        proposal.refresh_from_db()
        assert (proposal.state, proposal.closed_reason) == (Proposal.State.REJECTED, "too old")
        assert (proposal.subversion.rejected_at, proposal.subversion.reason) == (now, "too old")

    def test_a_proposal_that_is_closed_takes_no_review(self, now):
        proposal = ProposalFactory(now)
        review(proposal, person_with(Role.REVIEWER), now, outcome=REJECT)
        with pytest.raises(ProposalClosed):
            review(proposal, person_with(Role.REVIEWER), now)

    def test_requested_changes_stand_against_the_packet(self, now):
        proposal = ProposalFactory(now)
        review(proposal, person_with(Role.REVIEWER), now, outcome=CHANGES, reason="drop curl")
        with pytest.raises(ChangesRequested, match="drop curl"):
            approve(proposal, person_with(Role.REVIEWER), now)
        known(proposal.subversion.artifact, now, [Finding("CVE-2026-9", "zlib1g", "1.2", "", "high")])
        services.refresh_packet(proposal_id=proposal.pk, now=now)
        approve(proposal, person_with(Role.REVIEWER), now)

    @pytest.mark.parametrize("outcome", [CHANGES, REJECT])
    @pytest.mark.parametrize("reason", ["", "  \n"])
    def test_only_an_approval_needs_no_reason(self, now, outcome, reason):
        with pytest.raises(ReasonMissing):
            review(ProposalFactory(now), person_with(Role.REVIEWER), now, outcome=outcome, reason=reason)

    def test_there_must_be_somewhere_to_publish(self, now):
        proposal = ProposalFactory(now)
        Registry.objects.all().delete()
        approve(proposal, person_with(Role.REVIEWER), now)
        with pytest.raises(NoCertifiedSide):
            approve(proposal, person_with(Role.REVIEWER), now)
        assert Review.objects.count() == 1
        assert not Publication.objects.exists()

    def test_a_proposal_that_is_not_there(self, now):
        with pytest.raises(ProposalMissing):
            services.review_packet(
                proposal_id="0190aaaa-0000-7000-8000-000000000000",
                reviewer=PersonFactory(),
                outcome=APPROVE,
                reason="",
                packet_sha256="",
                now=now,
            )


class TestOnePerson:
    def test_one_pair_of_eyes_is_enough_and_is_said(self, now, settings):
        settings.GOLDGATE_ONE_PERSON = True
        alone = person_with(*Role)
        proposal = ProposalFactory(now, proposed_by=alone)
        written = approve(proposal, alone, now)
        certification = Certification.objects.get()
        assert written.is_own
        assert certification.is_one_person
        assert certification.reviewers_needed == 1
        assert certification.publication.predicate["is_one_person"] is True
        assert [one.code for one in selectors.review_warnings(proposal, written)] == ["own_proposal"]


class TestReviewWarnings:
    def test_says_when_the_proposer_made_the_reviewer_s_account(self, now):
        proposer = person_with(Role.REQUESTER, username="paula")
        proposal = ProposalFactory(now, proposed_by=proposer)
        between = person_with(Role.PLATFORM_ADMIN, created_by=proposer)
        written = approve(proposal, person_with(Role.REVIEWER, created_by=between), now)
        assert [one.code for one in selectors.review_warnings(proposal, written)] == ["created_by_proposer"]

    @pytest.mark.parametrize("deed", ["reset", "reopened"])
    def test_says_when_the_proposer_could_have_come_in_as_the_reviewer(self, now, deed):
        proposer = person_with(Role.PLATFORM_ADMIN, username="paula")
        reviewer, bystander = person_with(Role.REVIEWER), person_with(Role.SECURITY_REVIEWER)
        person_with(Role.PLATFORM_ADMIN)
        if deed == "reset":
            reset_password(person=reviewer, by=proposer, now=now)
        else:
            deactivate_person(person=reviewer, by=None, now=now)
            reactivate_person(person=reviewer, by=proposer, now=now)
            RoleGrant.objects.create(person=reviewer, role=Role.REVIEWER, starts_at=now)
        reviewer.refresh_from_db()
        proposal = ProposalFactory(now, proposed_by=proposer)
        written = approve(proposal, reviewer, now)
        assert [one.code for one in selectors.review_warnings(proposal, written)] == ["let_in_by_proposer"]
        assert selectors.review_warnings(proposal, approve(proposal, bystander, now)) == []

    def test_is_silent_otherwise(self, now):
        proposal = ProposalFactory(now)
        written = approve(proposal, person_with(Role.REVIEWER, created_by=PersonFactory()), now)
        assert selectors.review_warnings(proposal, written) == []


class TestReviewsDue:
    def test_are_what_one_may_judge_and_has_not(self, now):
        proposer = person_with(Role.REQUESTER, Role.REVIEWER)
        proposal = ProposalFactory(now, proposed_by=proposer)
        reviewer = person_with(Role.REVIEWER)
        assert selectors.reviews_due(reviewer, active_policy(now), now) == [proposal]
        assert selectors.reviews_due(proposer, active_policy(now), now) == []
        assert selectors.reviews_due(person_with(Role.REQUESTER), active_policy(now), now) == []
        approve(proposal, reviewer, now)
        assert selectors.reviews_due(reviewer, active_policy(now), now) == []
        assert selectors.reviews_due(person_with(Role.REVIEWER, same_person_as=reviewer), active_policy(now), now) == []
