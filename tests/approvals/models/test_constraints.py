"""What the database refuses when no service stands in between."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.roles import Role
from approvals.models import (
    Certification,
    CertificationReview,
    Packet,
    Proposal,
    Review,
    Revocation,
    Suspension,
)
from policies.services import policy_in_force
from signing.models import Publication
from tests.factories.accounts import person_with
from tests.factories.approvals import ProposalFactory, approve, certified, certifying, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal(now):
    return ProposalFactory(now)


def refused(statement, *values):
    """Run SQL as a hand with psql would; the database must refuse it, at the latest when it commits."""
    with pytest.raises(DatabaseError) as error:
        run(statement, values)
    return str(error.value)


def run(statement, values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def write_review(proposal, reviewer, now, **changes):
    values = {
        "proposal": proposal,
        "packet": proposal.current_packet,
        "packet_sha256": proposal.current_packet.sha256,
        "reviewer": reviewer,
        "reviewer_identity": f"person:{reviewer.pk}",
        "outcome": "approve",
        "decided_at": now,
    } | changes
    with transaction.atomic():
        return Review.objects.create(**values)


def write_certification(proposal, now, *, reviews=(), **changes):
    """A certification beside the services, with its consumed reviews, up to the end of its transaction."""
    values = {
        "proposal": proposal,
        "packet": proposal.current_packet,
        "subversion": proposal.subversion,
        "policy": policy_in_force(now=now),
        "publication": Publication.objects.create(
            artifact=proposal.subversion.artifact,
            target_repository_id=changes.pop("target"),
            predicate_type="x",
            predicate={},
            begun_at=now,
        ),
        "reviewers_needed": 2,
        "begun_at": now,
    } | changes
    with transaction.atomic():
        made = Certification.objects.create(**values)
        for review in reviews:
            CertificationReview.objects.create(certification=made, review=review)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return made


@pytest.fixture
def target(now):
    return certifying(now).publication.target_repository_id


class TestReviewRows:
    def test_a_legal_one_is_written(self, proposal, now):
        assert write_review(proposal, person_with(Role.REVIEWER), now).pk

    def test_one_account_judges_a_packet_once(self, proposal, now):
        reviewer = person_with(Role.REVIEWER)
        write_review(proposal, reviewer, now)
        with pytest.raises(DatabaseError, match="review_once_an_account"):
            write_review(proposal, reviewer, now, reviewer_identity="person:another")

    def test_one_identity_judges_a_packet_once(self, proposal, now):
        first = person_with(Role.REVIEWER)
        write_review(proposal, first, now)
        with pytest.raises(DatabaseError, match="review_once_an_identity"):
            write_review(proposal, person_with(Role.REVIEWER), now, reviewer_identity=f"person:{first.pk}")

    def test_the_proposer_does_not_judge(self, proposal, now):
        with pytest.raises(DatabaseError, match="nobody reviews an own proposal unsaid"):
            write_review(proposal, proposal.proposed_by, now)

    def test_another_account_of_the_proposer_does_not_judge(self, proposal, now):
        with pytest.raises(DatabaseError, match="nobody reviews an own proposal unsaid"):
            write_review(proposal, person_with(), now, reviewer_identity=proposal.proposer_identity)

    def test_the_source_s_author_does_not_judge(self, now):
        author = person_with(Role.REVIEWER)
        with pytest.raises(DatabaseError, match="nobody reviews an own proposal unsaid"):
            write_review(ProposalFactory(now, source_author=author), author, now)

    def test_a_stranger_s_review_cannot_claim_to_be_own(self, proposal, now):
        with pytest.raises(DatabaseError, match="unsaid"):
            write_review(proposal, person_with(), now, is_own=True)

    def test_only_the_current_packet_is_judged(self, proposal, now):
        other = ProposalFactory(now).current_packet
        with pytest.raises(DatabaseError, match="judges the current packet"):
            write_review(proposal, person_with(), now, packet=other, packet_sha256=other.sha256)
        with pytest.raises(DatabaseError, match="judges the current packet"):
            write_review(proposal, person_with(), now, packet_sha256="0" * 64)

    def test_a_closed_proposal_is_not_judged(self, now):
        proposal = certifying(now).proposal
        with pytest.raises(DatabaseError, match="closed proposal"):
            write_review(proposal, person_with(), now)

    def test_a_refusal_has_a_reason(self, proposal, now):
        with pytest.raises(DatabaseError, match="review_refuses_with_reason"):
            write_review(proposal, person_with(), now, outcome="reject")
        with pytest.raises(DatabaseError, match="review_refuses_with_reason"):
            write_review(proposal, person_with(), now, outcome="perhaps", reason="x")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE approvals_review SET outcome = 'reject', reason = 'x' WHERE id = %s",
            "DELETE FROM approvals_review WHERE id = %s",
        ],
    )
    def test_a_review_stays_as_it_was(self, proposal, now, statement):
        review = write_review(proposal, person_with(), now)
        assert "pgtrigger" in refused(statement, review.pk)


class TestPacketRows:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE approvals_packet SET canonical = '{}' WHERE id = %s",
            "DELETE FROM approvals_packet WHERE id = %s",
        ],
    )
    def test_a_packet_stays_as_it_was(self, proposal, statement):
        assert "pgtrigger" in refused(statement, proposal.current_packet_id)

    def test_its_hash_is_of_its_bytes(self, proposal, now):
        with pytest.raises(DatabaseError, match="hash of a packet"), transaction.atomic():
            Packet.objects.create(proposal=proposal, number=2, canonical="{}", sha256="0" * 64, created_at=now)

    def test_the_packet_of_a_decided_proposal_is_not_exchanged(self, proposal, now):
        certification = certifying(now)
        assert "pgtrigger" in refused(
            "UPDATE approvals_proposal SET current_packet_id = %s WHERE id = %s",
            proposal.current_packet_id,
            certification.proposal_id,
        )


class TestProposalRows:
    def test_one_open_proposal_a_subversion(self, proposal, now):
        with pytest.raises(DatabaseError, match="proposal_open_once"), transaction.atomic():
            Proposal.objects.create(
                subversion=proposal.subversion,
                proposed_by=proposal.proposed_by,
                proposer_identity="x",
                opened_at=now,
            )

    @pytest.mark.parametrize("state", ["certified", "failed"])
    def test_an_open_one_does_not_jump_over_certifying(self, proposal, state):
        refused(
            "UPDATE approvals_proposal SET state = %s, closed_at = now(), closed_reason = 'x' WHERE id = %s",
            state,
            proposal.pk,
        )

    def test_an_end_is_not_taken_back(self, now):
        ended = certified(now).proposal
        refused("UPDATE approvals_proposal SET state = 'open', closed_at = NULL WHERE id = %s", ended.pk)

    def test_its_persons_stay(self, proposal):
        refused("UPDATE approvals_proposal SET proposed_by_id = %s WHERE id = %s", person_with().pk, proposal.pk)
        refused("UPDATE approvals_proposal SET proposer_identity = 'x' WHERE id = %s", proposal.pk)

    def test_it_is_kept(self, proposal):
        refused("DELETE FROM approvals_proposal WHERE id = %s", proposal.pk)


class TestCertificationRows:
    def test_with_enough_reviews_it_is_written(self, proposal, target, now):
        reviews = [write_review(proposal, person_with(), now) for _ in range(2)]
        assert write_certification(proposal, now, reviews=reviews, target=target).pk

    @pytest.mark.parametrize("count", [0, 1])
    def test_it_stands_on_enough_approvals(self, proposal, target, now, count):
        reviews = [write_review(proposal, person_with(), now) for _ in range(count)]
        with pytest.raises(DatabaseError, match="stands on 2 approvals"):
            write_certification(proposal, now, reviews=reviews, target=target)

    def test_it_cannot_ask_for_fewer_than_its_policy(self, proposal, target, now):
        reviews = [write_review(proposal, person_with(), now)]
        with pytest.raises(DatabaseError, match="stands on 2 approvals"):
            write_certification(proposal, now, reviews=reviews, reviewers_needed=1, target=target)

    def test_a_request_for_changes_is_no_approval(self, proposal, target, now):
        reviews = [
            write_review(proposal, person_with(), now),
            write_review(proposal, person_with(), now),
            write_review(proposal, person_with(), now, outcome="request_changes", reason="x"),
        ]
        with pytest.raises(DatabaseError, match="stands on"):
            write_certification(proposal, now, reviews=reviews, target=target)

    def test_approvals_of_another_proposal_do_not_count(self, proposal, target, now):
        other = ProposalFactory(now)
        reviews = [write_review(other, person_with(), now) for _ in range(2)]
        with pytest.raises(DatabaseError, match="stands on"):
            write_certification(proposal, now, reviews=reviews, target=target)

    def test_it_is_of_its_own_subversion(self, proposal, target, now):
        reviews = [write_review(proposal, person_with(), now) for _ in range(2)]
        other = ProposalFactory(now).subversion
        with pytest.raises(DatabaseError, match="of its own proposal"):
            write_certification(proposal, now, reviews=reviews, subversion=other, target=target)

    def test_an_own_review_counts_only_where_one_person_is_said(self, proposal, target, now):
        own = write_review(
            proposal, proposal.proposed_by, now, is_own=True, reviewer_identity=proposal.proposer_identity
        )
        other = write_review(proposal, person_with(), now)
        with pytest.raises(DatabaseError, match="stands on"):
            write_certification(proposal, now, reviews=[own, other], target=target)
        assert write_certification(
            proposal, now, reviews=[own], reviewers_needed=1, is_one_person=True, target=target
        ).pk

    def test_a_review_is_consumed_once(self, now):
        consumed = certifying(now).consumed.first()
        other = certifying(now)
        with pytest.raises(DatabaseError), transaction.atomic():
            CertificationReview.objects.create(certification=other, review=consumed.review)

    def test_what_was_consumed_stays_so(self, now):
        consumed = certifying(now).consumed.first()
        refused("DELETE FROM approvals_certificationreview WHERE id = %s", consumed.pk)

    def test_it_is_not_finalised_before_its_signature_is_sent(self, now):
        certification = certifying(now)
        error = refused(
            "UPDATE approvals_certification SET finalised_at = begun_at, starts_at = begun_at,"
            " ends_at = begun_at + interval '90 days' WHERE id = %s",
            certification.pk,
        )
        assert "signature sent" in error

    def test_a_window_is_not_moved(self, now):
        certification = certified(now)
        refused(
            "UPDATE approvals_certification SET ends_at = ends_at + interval '1 day' WHERE id = %s", certification.pk
        )

    @pytest.mark.parametrize(
        "change",
        ["unfixed = '{}'", "reviewers_needed = 1", "is_one_person = true", "begun_at = begun_at - interval '1 day'"],
    )
    def test_its_claim_stays(self, now, change):
        certification = certified(now)
        Certification.objects.filter(pk=certification.pk)
        if change == "unfixed = '{}'":
            change = "unfixed = '{\"low\": 7}'"
        refused(f"UPDATE approvals_certification SET {change} WHERE id = %s", certification.pk)

    def test_an_end_has_a_reason_and_is_not_taken_back(self, now):
        certification = certified(now)
        refused("UPDATE approvals_certification SET ended_at = now() WHERE id = %s", certification.pk)
        Certification.objects.filter(pk=certification.pk).update(ended_at=now, reason="x")
        refused("UPDATE approvals_certification SET ended_at = NULL WHERE id = %s", certification.pk)

    def test_it_is_kept(self, now):
        refused("DELETE FROM approvals_certification WHERE id = %s", certified(now).pk)


class TestRevocationRows:
    def test_it_ends_what_it_revokes_first(self, now):
        certification = certified(now)
        with pytest.raises(DatabaseError, match="ends what it revokes"), transaction.atomic():
            Revocation.objects.create(
                subversion=certification.subversion, revoked_by=person_with(), reason="x", revoked_at=now
            )

    def test_nothing_is_finalised_after_it(self, now):
        certification = certifying(now)
        publish(certification, now)
        Certification.objects.filter(pk=certification.pk).update(failed_at=now, reason="x")
        Revocation.objects.create(
            subversion=certification.subversion, revoked_by=person_with(), reason="x", revoked_at=now
        )
        error = refused(
            "UPDATE approvals_certification SET failed_at = NULL, finalised_at = begun_at, starts_at = begun_at,"
            " ends_at = begun_at + interval '90 days' WHERE id = %s",
            certification.pk,
        )
        assert error

    def test_it_has_a_reason_and_stays(self, now):
        certification = certified(now)
        Certification.objects.filter(pk=certification.pk).update(ended_at=now, reason="x")
        with pytest.raises(DatabaseError, match="revocation_reason_given"), transaction.atomic():
            Revocation.objects.create(
                subversion=certification.subversion, revoked_by=person_with(), reason="", revoked_at=now
            )
        made = Revocation.objects.create(
            subversion=certification.subversion, revoked_by=person_with(), reason="x", revoked_at=now
        )
        refused("DELETE FROM approvals_revocation WHERE id = %s", made.pk)
        refused("UPDATE approvals_revocation SET reason = 'y' WHERE id = %s", made.pk)


class TestSuspensionRows:
    def test_it_lasts_72_hours_at_most(self, now):
        subversion = certified(now).subversion
        with pytest.raises(DatabaseError, match="suspension_at_most_72_hours"), transaction.atomic():
            Suspension.objects.create(
                subversion=subversion,
                suspended_by=person_with(),
                reason="x",
                starts_at=now,
                ends_at=now + timedelta(hours=73),
            )


class TestSubversionRows:
    @pytest.mark.parametrize(
        "change",
        [
            "certified_until = certified_from",
            "certified_until = NULL",
            "certified_repository = ''",
            "rejected_at = now(), reason = 'x'",
            "revoked_at = now(), reason = ''",
            "suspended_from = now()",
            "retiring_until = now()",
            "name = 'other'",
            "version_id = gen_random_uuid()",
        ],
    )
    def test_impossible_validity_is_refused(self, now, change):
        subversion = certified(now).subversion
        refused(f"UPDATE catalog_subversion SET {change} WHERE id = %s", subversion.pk)

    def test_a_digest_is_not_moved(self, now):
        first, second = certified(now).subversion, certified(now).subversion
        refused("UPDATE catalog_subversion SET artifact_id = %s WHERE id = %s", second.artifact_id, first.pk)

    def test_a_revocation_is_not_taken_back(self, now):
        subversion = certified(now).subversion
        type(subversion).objects.filter(pk=subversion.pk).update(revoked_at=now, reason="x")
        refused("UPDATE catalog_subversion SET revoked_at = NULL WHERE id = %s", subversion.pk)
        refused(
            "UPDATE catalog_subversion SET certified_until = certified_until + interval '1 day' WHERE id = %s",
            subversion.pk,
        )


def test_an_approval_through_the_services_passes_all_of_it(now):
    proposal = ProposalFactory(now)
    for _ in range(2):
        approve(proposal, person_with(Role.REVIEWER), now)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
