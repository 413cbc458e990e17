from datetime import timedelta

import pytest

from accounts.roles import Role
from accounts.services import end_role
from approvals import selectors, services
from approvals.errors import NotSent
from approvals.models import Certification, Proposal
from audit.models import Record
from catalog.domain.state import Cause, State
from catalog.selectors import current_certified, state_of
from signing.services import begin_publication
from tests.factories.accounts import person_with
from tests.factories.approvals import Finding, ProposalFactory, certified, certifying, known, publish
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.factories.policies import adopted

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def finalised(certification, now):
    services.finalise(publication_id=certification.publication_id, now=now)
    return Certification.objects.select_related("subversion", "proposal", "publication").get(pk=certification.pk)


class TestFinalise:
    def test_puts_the_certificate_in_force_for_ninety_days(self, now):
        certification = certifying(now)
        publish(certification, now)
        done = finalised(certification, now + timedelta(minutes=1))
        assert (done.starts_at, done.ends_at) == (
            now + timedelta(minutes=1),
            now + timedelta(minutes=1) + 90 * DAY,
        )
        assert done.proposal.state == Proposal.State.CERTIFIED
        view = state_of(done.subversion, now + timedelta(minutes=1))
        assert view.state is State.CERTIFIED
        assert done.subversion.certified_digest == done.subversion.artifact.digest
        assert done.subversion.certified_repository == done.publication.target_repository.name
        record = Record.objects.get(verb="certification.completed")
        assert record.subject_id == str(done.subversion.pk)
        assert record.data["digest"] == done.subversion.artifact.digest

    def test_the_subversion_is_the_tag_beside_the_digest(self, now):
        assert certifying(now).publication.tag == "12-20261124.1"

    @pytest.mark.parametrize(("name", "tag"), [("first", "12-first"), ("12-first", "12-first"), ("f" * 126, "")])
    def test_a_name_of_its_own_stands_behind_the_version(self, now, name, tag):
        subversion = SubversionFactory(now, version=VersionFactory(now, "debian/12"), name=name)
        certification = certifying(now, proposal=ProposalFactory(now, subversion=subversion))
        assert certification.publication.tag == tag

    def test_a_tag_of_ours_never_moves(self, now):
        names = (("debian/1", "2-x"), ("debian/1-2", "x"))
        made = [SubversionFactory(now, version=VersionFactory(now, version), name=name) for version, name in names]
        first, second = (certifying(now, proposal=ProposalFactory(now, subversion=one)) for one in made)
        assert (first.publication.tag, second.publication.tag) == ("1-2-x", "")

    def test_before_the_signature_is_sent_it_waits(self, now):
        certification = certifying(now)
        with pytest.raises(NotSent):
            services.finalise(publication_id=certification.publication_id, now=now)
        assert state_of(certification.subversion, now).cause is Cause.CERTIFYING

    def test_done_twice_is_done_once(self, now):
        certification = certifying(now)
        publish(certification, now)
        first = finalised(certification, now)
        second = finalised(certification, now + DAY)
        assert first.starts_at == second.starts_at == now
        assert Record.objects.filter(verb="certification.completed").count() == 1

    def test_a_publication_of_something_else_is_left_alone(self, now):
        certification = certifying(now)
        other = begin_publication(
            artifact=SubversionFactory(now).artifact,
            target=certification.publication.target_repository,
            predicate_type="https://example.org/other",
            predicate={},
            actor=person_with().as_actor(),
            now=now,
        )
        assert services.finalise(publication_id=other.pk, now=now) is None

    def test_the_policy_says_how_long(self, now):
        adopted(now, certificate_days=30)
        assert certified(now).ends_at == now + 30 * DAY

    @pytest.mark.parametrize("gone", ["role", "account"])
    def test_a_role_that_is_gone_fails_it(self, now, gone):
        reviewers = [person_with(Role.REVIEWER), person_with(Role.REVIEWER)]
        certification = certifying(now, reviewers=reviewers)
        publish(certification, now)
        if gone == "role":
            end_role(grant=reviewers[0].role_grants.get(), by=None, now=now)
        else:
            reviewers[0].is_active, reviewers[0].deactivated_at = False, now
            reviewers[0].save()
        failed = finalised(certification, now)
        assert (failed.failed_at, failed.finalised_at) == (now, None)
        assert failed.reason == f"{reviewers[0]} no longer holds a role that may certify."
        assert failed.proposal.state == Proposal.State.FAILED
        assert failed.publication.withdrawal_begun_at == now
        assert state_of(failed.subversion, now).cause is Cause.NONE
        verbs = list(Record.objects.order_by("pk").values_list("verb", flat=True))
        assert verbs[-2:] == ["publication.withdrawal_begun", "certification.failed"]

    def test_accounts_that_turned_out_to_be_one_person_fail_it(self, now):
        reviewers = [person_with(Role.REVIEWER), person_with(Role.REVIEWER)]
        certification = certifying(now, reviewers=reviewers)
        publish(certification, now)
        reviewers[1].same_person_as = reviewers[0]
        reviewers[1].save()
        failed = finalised(certification, now)
        assert failed.reason == "2 persons must certify; the accounts belong to 1."

    def test_a_reviewer_who_turned_out_to_be_the_proposer_fails_it(self, now):
        proposal = ProposalFactory(now)
        reviewers = [person_with(Role.REVIEWER), person_with(Role.REVIEWER)]
        certification = certifying(now, proposal=proposal, reviewers=reviewers)
        publish(certification, now)
        reviewers[1].same_person_as = proposal.proposed_by
        reviewers[1].save()
        assert "turned out to be the same person" in finalised(certification, now).reason

    def test_a_policy_that_asks_for_more_meanwhile_fails_it(self, now):
        certification = certifying(now)
        publish(certification, now)
        adopted(now, reviewers=3)
        assert finalised(certification, now).reason == "3 persons must certify; the accounts belong to 2."

    def test_a_house_that_is_no_longer_one_person_s_fails_it(self, now, settings):
        settings.GOLDGATE_ONE_PERSON = True
        alone = person_with(*Role)
        certification = certifying(now, proposal=ProposalFactory(now, proposed_by=alone), reviewers=[alone])
        publish(certification, now)
        settings.GOLDGATE_ONE_PERSON = False
        assert finalised(certification, now).reason == "Goldgate no longer runs for one person."

    def test_one_person_certifies_and_it_is_said(self, now, settings):
        settings.GOLDGATE_ONE_PERSON = True
        alone = person_with(*Role)
        certificate = certified(now, proposal=ProposalFactory(now, proposed_by=alone), reviewers=[alone])
        assert certificate.is_one_person
        assert Record.objects.get(verb="certification.completed").data["is_one_person"] is True

    def test_a_finding_that_came_meanwhile_fails_it(self, now):
        certification = certifying(now)
        publish(certification, now)
        known(
            certification.subversion.artifact,
            now,
            [Finding("CVE-2026-1", "openssl", "3.0.1", "3.0.2", "critical", fix_since=now)],
        )
        failed = finalised(certification, now)
        assert failed.reason.startswith("1 finding (1 vulnerability: 1 critical) have a fix")

    def test_a_failed_one_can_be_proposed_again(self, now):
        reviewers = [person_with(Role.REVIEWER), person_with(Role.REVIEWER)]
        certification = certifying(now, reviewers=reviewers)
        publish(certification, now)
        end_role(grant=reviewers[0].role_grants.get(), by=None, now=now)
        failed = finalised(certification, now)
        again = certified(now, proposal=ProposalFactory(now, subversion=failed.subversion))
        assert state_of(again.subversion, now).state is State.CERTIFIED

    def test_counts_what_has_no_fix(self, now):
        subversion = SubversionFactory(now)
        found = [Finding(f"CVE-2026-{n}", "zlib1g", "1.2", "", "critical") for n in range(2)]
        known(subversion.artifact, now, found)
        assert certified(now, proposal=ProposalFactory(now, subversion=subversion)).unfixed == {"critical": 2}


class TestSuccession:
    def test_an_older_one_retires_with_a_date(self, now):
        version = VersionFactory(now, "debian/12")
        older = certified(now, proposal=ProposalFactory(now, subversion=SubversionFactory(now, version=version)))
        later = now + DAY
        newer = certified(later, proposal=ProposalFactory(later, subversion=SubversionFactory(now, version=version)))
        older.subversion.refresh_from_db()
        view = state_of(older.subversion, later)
        assert (view.state, view.until) == (State.RETIRING, later + 30 * DAY)
        assert newer.subversion.name in view.sentence
        assert current_certified("debian/12", later) == newer.subversion

    def test_a_renewal_replaces_the_certificate(self, now):
        first = certified(now)
        later = now + 80 * DAY
        known(first.subversion.artifact, later)
        second = certified(later, proposal=ProposalFactory(later, subversion=first.subversion))
        first.refresh_from_db()
        assert first.ended_at == second.starts_at == later
        assert second.subversion.certified_until == later + 90 * DAY
        assert selectors.live_certification(second.subversion) == second

    def test_another_version_is_left_alone(self, now):
        first = certified(now)
        certified(now + DAY)
        first.subversion.refresh_from_db()
        assert first.subversion.retiring_from is None


class TestMovedSincePacket:
    def test_lists_what_came_and_what_went(self, now):
        subversion = SubversionFactory(now)
        known(subversion.artifact, now, [Finding("CVE-2026-1", "zlib1g", "1.2", "", "low")])
        certified(now, proposal=ProposalFactory(now, subversion=subversion))
        assert selectors.moved_since_packet(subversion).is_empty
        assert selectors.moved_certified(now) == []
        known(subversion.artifact, now, [Finding("CVE-2026-2", "openssl", "3.0.1", "3.0.2", "critical")])
        moved = selectors.moved_since_packet(subversion)
        assert [(one.vulnerability_id, one.severity) for one in moved.added] == [("CVE-2026-2", "critical")]
        assert [one.vulnerability_id for one in moved.removed] == ["CVE-2026-1"]
        assert [one.certification.subversion for one in selectors.moved_certified(now)] == [subversion]

    def test_is_empty_without_a_certificate(self, now):
        assert selectors.moved_since_packet(SubversionFactory(now)).is_empty
