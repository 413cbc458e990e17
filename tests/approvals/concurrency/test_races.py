"""Two of them at once, on a real database, many times: never an illegal certificate."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.roles import Role
from accounts.services import end_role
from approvals import services
from approvals.errors import AlreadyReviewed, NotSent
from approvals.models import Certification, CertificationReview, Proposal, Request, Review, Revocation
from core.errors import GoldgateError
from tests.approvals.invariants import illegal_certificates
from tests.factories.accounts import person_with
from tests.factories.approvals import ProposalFactory, approve, certifying, publish

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 50


def review(proposal: Proposal, reviewer) -> Callable[[], Review]:
    sha256 = proposal.current_packet.sha256

    def deed() -> Review:
        return services.review_packet(
            proposal_id=proposal.pk,
            reviewer=reviewer,
            outcome=Review.Outcome.APPROVE,
            reason="",
            packet_sha256=sha256,
            now=timezone.now(),
        )

    return deed


def finalise(certification: Certification) -> Callable[[], object]:
    return lambda: services.finalise(publication_id=certification.publication_id, now=timezone.now())


def test_two_reviewers_at_once_certify_once(at_once):
    for _ in range(ROUNDS):
        proposal = ProposalFactory(timezone.now())
        reviewers = [person_with(Role.REVIEWER), person_with(Role.REVIEWER)]
        outcomes = at_once(*(review(proposal, one) for one in reviewers))
        assert all(isinstance(one, Review) for one in outcomes), outcomes
        certification = Certification.objects.get(proposal=proposal)
        assert certification.consumed.count() == 2
        publish(certification, timezone.now())
        at_once(*[finalise(certification)] * 3)
        certification.refresh_from_db()
        assert certification.finalised_at is not None, certification.reason
    assert illegal_certificates() == []
    assert Certification.objects.filter(finalised_at__isnull=False).count() == ROUNDS


def test_one_reviewer_fifty_times_in_parallel_counts_once(at_once):
    proposal = ProposalFactory(timezone.now())
    reviewer = person_with(Role.REVIEWER)
    written = 0
    for _ in range(10):  # of five at a time: the database takes no more connections
        outcomes = at_once(*[review(proposal, reviewer)] * 5)
        written += sum(isinstance(one, Review) for one in outcomes)
        assert all(isinstance(one, Review | AlreadyReviewed) for one in outcomes), outcomes
    assert written == Review.objects.count() == 1
    assert not Certification.objects.exists()


def test_a_role_that_ends_while_its_holder_reviews_never_certifies(at_once):
    for number in range(ROUNDS):
        proposal = ProposalFactory(timezone.now())
        steady, leaving = person_with(Role.REVIEWER), person_with(Role.REVIEWER)
        approve(proposal, steady, timezone.now())
        grant = leaving.role_grants.get()
        at_once(review(proposal, leaving), lambda grant=grant: end_role(grant=grant, by=None, now=timezone.now()))
        certification = Certification.objects.filter(proposal=proposal).first()
        if certification is None:
            continue
        publish(certification, timezone.now())
        finalise(certification)()
        certification.refresh_from_db()
        assert certification.failed_at is not None, f"round {number}: certified by a role that was gone"
    assert illegal_certificates() == []


def test_a_role_that_ends_while_it_is_finalised_is_one_or_the_other(at_once):
    for _ in range(ROUNDS):
        reviewers = [person_with(Role.REVIEWER), person_with(Role.REVIEWER)]
        certification = certifying(timezone.now(), reviewers=reviewers)
        publish(certification, timezone.now())
        grant = reviewers[0].role_grants.get()
        at_once(finalise(certification), lambda grant=grant: end_role(grant=grant, by=None, now=timezone.now()))
        certification.refresh_from_db()
        assert (certification.finalised_at is None) != (certification.failed_at is None)
    assert illegal_certificates() == []


def test_revoking_beats_certifying(at_once):
    for _ in range(ROUNDS):
        certification = certifying(timezone.now())
        publish(certification, timezone.now())
        security = person_with(Role.SECURITY_REVIEWER)
        subversion_id = certification.subversion_id
        outcomes = at_once(
            finalise(certification),
            lambda subversion_id=subversion_id, security=security: services.revoke(
                subversion_id=subversion_id, person=security, reason="backdoor", now=timezone.now()
            ),
        )
        assert isinstance(outcomes[1], Revocation), outcomes
        certification.refresh_from_db()
        assert certification.failed_at is not None or certification.ended_at is not None
        with pytest.raises(GoldgateError):
            ProposalFactory(timezone.now(), subversion=certification.subversion)
    assert illegal_certificates() == []


def test_certifying_and_revoking_before_the_last_review(at_once):
    for _ in range(ROUNDS):
        first = certifying(timezone.now())
        publish(first, timezone.now())
        finalise(first)()
        renewal = ProposalFactory(timezone.now(), subversion=first.subversion)
        approve(renewal, person_with(Role.REVIEWER), timezone.now())
        security = person_with(Role.SECURITY_REVIEWER)
        at_once(
            review(renewal, person_with(Role.REVIEWER)),
            lambda first=first, security=security: services.revoke(
                subversion_id=first.subversion_id, person=security, reason="backdoor", now=timezone.now()
            ),
        )
        for one in Certification.objects.filter(subversion=first.subversion, finalised_at=None, failed_at=None):
            publish(one, timezone.now())
            finalise(one)()
    assert illegal_certificates() == []
    assert not Certification.objects.filter(finalised_at__isnull=False, ended_at=None).exists()


def test_a_request_that_two_ask_at_once_is_one(at_once):

    for number in range(ROUNDS):
        people = [person_with(Role.REQUESTER), person_with(Role.REQUESTER)]
        outcomes = at_once(
            *(
                lambda person=person, number=number: services.ask_request(
                    image_name="debian",
                    version_name=str(number),
                    reason="for us",
                    asked_by=person,
                    now=timezone.now(),
                )
                for person in people
            )
        )
        assert all(isinstance(one, Request) for one in outcomes), outcomes
    assert Request.objects.count() == ROUNDS


class TestTheChecker:
    """The invariants are worth what they find: each is shown a broken row."""

    def test_finds_a_certificate_that_stands_on_too_few(self):
        certification = certifying(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE approvals_certificationreview DISABLE TRIGGER USER")
            CertificationReview.objects.filter(certification=certification).first().delete()
            cursor.execute("ALTER TABLE approvals_certificationreview ENABLE TRIGGER USER")
        assert [text for _, text in illegal_certificates()] == ["too few persons"]

    def test_finds_a_certificate_in_the_catalog_alone(self):
        subversion = ProposalFactory(timezone.now()).subversion
        now = timezone.now()
        type(subversion).objects.filter(pk=subversion.pk).update(
            certified_from=now,
            certified_until=now + timezone.timedelta(days=1),
            certified_repository="x/y",
            certified_digest=subversion.artifact.digest,
        )
        assert [text for _, text in illegal_certificates()] == ["certified in the catalog alone"]

    def test_finds_a_role_that_was_gone(self):
        reviewers = [person_with(Role.REVIEWER), person_with(Role.REVIEWER)]
        certification = certifying(timezone.now(), reviewers=reviewers)
        reviewers[0].role_grants.update(ends_at=timezone.now())
        publish(certification, timezone.now())
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute(
                "UPDATE approvals_certification SET finalised_at = now(), starts_at = now(),"
                " ends_at = now() + interval '1 day' WHERE id = %s",
                [certification.pk],
            )
        found = {text for _, text in illegal_certificates()}
        assert "a reviewer had no role when it was finalised" in found
        assert "the catalog says otherwise" in found

    def test_waits_for_the_signature(self):
        certification = certifying(timezone.now())
        with pytest.raises(NotSent):
            finalise(certification)()
        assert illegal_certificates() == []
