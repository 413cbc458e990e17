from datetime import timedelta

import pytest

from accounts.roles import Role
from approvals import services
from approvals.errors import (
    AlreadyRevoked,
    NeverCertified,
    NotSuspended,
    NotUsable,
    ReasonMissing,
    RoleMissing,
)
from approvals.models import Certification, Proposal, Revocation, Suspension
from audit.models import Record
from catalog.domain.state import Cause, State
from catalog.errors import IllegalStep, NoSuchImage
from catalog.selectors import state_of, subversion_by_id
from tests.factories.accounts import person_with
from tests.factories.approvals import ProposalFactory, certified, certifying, known, publish
from tests.factories.catalog import SubversionFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def security():
    return person_with(Role.SECURITY_REVIEWER)


def suspend(subversion, now, person=None, reason="odd process"):
    return services.suspend(subversion_id=subversion.pk, person=person or security(), reason=reason, now=now)


def revoke(subversion, now, person=None, reason="backdoor"):
    return services.revoke(subversion_id=subversion.pk, person=person or security(), reason=reason, now=now)


def lift(subversion, now, person=None, reason="it was the backup"):
    return services.lift_suspension(subversion_id=subversion.pk, person=person or security(), reason=reason, now=now)


def state(subversion, at):
    view = state_of(subversion_by_id(subversion.pk), at)
    return view.state, view.cause


class TestSuspend:
    def test_stops_it_for_72_hours(self, now):
        subversion = certified(now).subversion
        suspend(subversion, now)
        assert state(subversion, now) == (State.WITHDRAWN, Cause.SUSPENDED)
        assert state(subversion, now + 72 * HOUR - timedelta(seconds=1)) == (State.WITHDRAWN, Cause.SUSPENDED)
        assert state(subversion, now + 72 * HOUR) == (State.CERTIFIED, Cause.NONE)
        assert Record.objects.filter(verb="subversion.suspended").count() == 1

    @pytest.mark.parametrize("role", [Role.REVIEWER, Role.PLATFORM_ADMIN, Role.AUDITOR])
    def test_is_a_security_reviewer_s_deed(self, now, role):
        subversion = certified(now).subversion
        with pytest.raises(RoleMissing):
            suspend(subversion, now, person=person_with(role))
        assert not Suspension.objects.exists()

    def test_needs_a_reason(self, now):
        with pytest.raises(ReasonMissing):
            suspend(certified(now).subversion, now, reason=" ")

    def test_what_may_not_be_used_is_not_suspended(self, now):
        with pytest.raises(NotUsable):
            suspend(SubversionFactory(now), now)

    def test_what_is_not_there(self, now):
        with pytest.raises(NoSuchImage):
            services.suspend(
                subversion_id="0190aaaa-0000-7000-8000-000000000000", person=security(), reason="x", now=now
            )


class TestLiftSuspension:
    def test_lets_it_be_used_again(self, now):
        subversion = certified(now).subversion
        suspend(subversion, now)
        lifted = lift(subversion, now + HOUR)
        assert (lifted.ends_at, lifted.lifted_at) == (now + HOUR, now + HOUR)
        assert state(subversion, now + HOUR) == (State.CERTIFIED, Cause.NONE)
        assert state(subversion, now + HOUR / 2) == (State.WITHDRAWN, Cause.SUSPENDED)

    def test_at_the_very_moment_it_began(self, now):
        subversion = certified(now).subversion
        suspend(subversion, now)
        lift(subversion, now)
        assert state(subversion, now) == (State.CERTIFIED, Cause.NONE)

    @pytest.mark.parametrize("when", ["never", "over", "lifted"])
    def test_there_must_be_one_in_force(self, now, when):
        subversion = certified(now).subversion
        if when != "never":
            suspend(subversion, now)
        if when == "lifted":
            lift(subversion, now)
        with pytest.raises(NotSuspended):
            lift(subversion, now + 72 * HOUR)

    def test_needs_the_role_and_a_reason(self, now):
        subversion = certified(now).subversion
        suspend(subversion, now)
        with pytest.raises(RoleMissing):
            lift(subversion, now, person=person_with(Role.REVIEWER))
        with pytest.raises(ReasonMissing):
            lift(subversion, now, reason="")


class TestRevoke:
    def test_ends_it_for_good_and_takes_the_signature_back(self, now):
        certification = certified(now)
        revoke(certification.subversion, now + HOUR)
        certification.refresh_from_db()
        certification.publication.refresh_from_db()
        assert (certification.ended_at, certification.reason) == (now + HOUR, "Revoked: backdoor")
        assert certification.publication.withdrawal_begun_at == now + HOUR
        assert state(certification.subversion, now + HOUR) == (State.WITHDRAWN, Cause.REVOKED)
        record = Record.objects.get(verb="subversion.revoked")
        assert record.data["reason"] == "backdoor"

    def test_beats_a_certification_under_way(self, now):
        certification = certifying(now)
        revoke(certification.subversion, now)
        publish(certification, now)
        services.finalise(publication_id=certification.publication_id, now=now)
        certification.refresh_from_db()
        certification.proposal.refresh_from_db()
        assert (certification.finalised_at, certification.failed_at) == (None, now)
        assert certification.proposal.state == Proposal.State.FAILED
        assert state(certification.subversion, now) == (State.WITHDRAWN, Cause.REVOKED)

    def test_closes_a_renewal_and_refuses_another(self, now):
        certification = certified(now)
        known(certification.subversion.artifact, now)
        renewal = ProposalFactory(now, subversion=certification.subversion)
        revoke(certification.subversion, now)
        renewal.refresh_from_db()
        assert renewal.state == Proposal.State.REJECTED
        with pytest.raises(IllegalStep):
            ProposalFactory(now, subversion=certification.subversion)

    def test_a_replaced_certificate_s_signature_is_taken_back_too(self, now):
        first = certified(now)
        known(first.subversion.artifact, now + HOUR)
        certified(now + HOUR, proposal=ProposalFactory(now + HOUR, subversion=first.subversion))
        revoke(first.subversion, now + 2 * HOUR)
        withdrawn = Certification.objects.filter(publication__withdrawal_begun_at=now + 2 * HOUR)
        assert withdrawn.count() == 2

    def test_a_suspended_one_can_be_revoked(self, now):
        subversion = certified(now).subversion
        suspend(subversion, now)
        revoke(subversion, now)
        assert state(subversion, now) == (State.WITHDRAWN, Cause.REVOKED)

    def test_twice_is_a_conflict(self, now):
        subversion = certified(now).subversion
        revoke(subversion, now)
        with pytest.raises(AlreadyRevoked):
            revoke(subversion, now)

    def test_what_was_never_certified_is_rejected_instead(self, now):
        with pytest.raises(NeverCertified):
            revoke(SubversionFactory(now), now)

    def test_needs_the_role_and_a_reason(self, now):
        subversion = certified(now).subversion
        with pytest.raises(RoleMissing):
            revoke(subversion, now, person=person_with(Role.REVIEWER))
        with pytest.raises(ReasonMissing):
            revoke(subversion, now, reason="\t")
        assert not Revocation.objects.exists()
