import pytest

from accounts.roles import Role
from approvals import selectors, services
from approvals.errors import (
    AlreadyThere,
    NotAsked,
    ReasonMissing,
    RequestClosed,
    RequestMissing,
    RoleMissing,
)
from approvals.models import Request, RequestJoin
from audit.models import Record
from catalog.errors import BadName
from tests.factories.accounts import TeamFactory, person_with
from tests.factories.approvals import ProposalFactory, certified
from tests.factories.catalog import SubversionFactory, VersionFactory

pytestmark = pytest.mark.django_db


def ask(now, person=None, name="debian/12", reason="for our service", **fields):
    image, _, version = name.partition("/")
    return services.ask_request(
        image_name=image,
        version_name=version,
        reason=reason,
        asked_by=person or person_with(Role.REQUESTER),
        now=now,
        **fields,
    )


class TestAskRequest:
    def test_is_written_and_recorded(self, now):
        team = TeamFactory()
        request = ask(now, team=team)
        assert (request.state, request.team) == (Request.State.OPEN, team)
        assert Record.objects.get(verb="request.asked").subject_label == f"#{request.pk} debian/12"

    def test_a_second_team_joins_the_first_one_s_request(self, now):
        first = ask(now)
        second = person_with(Role.REQUESTER)
        assert ask(now, person=second, reason="us too") == first
        assert RequestJoin.objects.get().reason == "us too"
        assert selectors.request_by_id(first.pk).join_count == 1
        assert list(selectors.requests_of(second)) == [first]

    def test_asking_twice_is_asking_once(self, now):
        person = person_with(Role.REQUESTER)
        assert ask(now, person=person) == ask(now, person=person)
        assert not RequestJoin.objects.exists()

    def test_what_is_certified_is_answered_at_once(self, now):
        version = VersionFactory(now, "debian/12")
        certificate = certified(now, proposal=ProposalFactory(now, subversion=SubversionFactory(now, version=version)))
        with pytest.raises(AlreadyThere) as refused:
            ask(now)
        assert refused.value.cure == (
            f"Use FROM registry.example/golden/debian@{certificate.subversion.artifact.digest}"
        )

    def test_certifying_it_answers_the_request(self, now):
        request = ask(now)
        version = VersionFactory(now, "debian/12")
        certificate = certified(now, proposal=ProposalFactory(now, subversion=SubversionFactory(now, version=version)))
        request.refresh_from_db()
        assert request.state == Request.State.ANSWERED
        assert request.answer.endswith(f"FROM registry.example/golden/debian@{certificate.subversion.artifact.digest}")
        assert request.subversion == certificate.subversion

    @pytest.mark.parametrize("name", ["Debian/12", "debian/", "/12", "debian/a b", "debian\n/12", "debian/12\n"])
    def test_a_name_that_could_not_be_one(self, now, name):
        with pytest.raises(BadName):
            ask(now, name=name)

    def test_needs_a_role_and_a_reason(self, now):
        with pytest.raises(RoleMissing):
            ask(now, person=person_with(Role.VIEWER))
        with pytest.raises(ReasonMissing):
            ask(now, reason=" ")
        assert not Request.objects.exists()


class TestJoinRequest:
    def test_twice_is_once(self, now):
        request, person = ask(now), person_with(Role.REQUESTER)
        for _ in range(2):
            services.join_request(request_id=request.pk, person=person, now=now)
        assert RequestJoin.objects.count() == 1
        assert Record.objects.filter(verb="request.joined").count() == 1

    def test_needs_an_open_request_and_a_role(self, now):
        person = person_with(Role.REQUESTER)
        with pytest.raises(RequestMissing):
            services.join_request(request_id=99, person=person, now=now)
        request = ask(now, person=person)
        with pytest.raises(RoleMissing):
            services.join_request(request_id=request.pk, person=person_with(), now=now)
        services.withdraw_request(request_id=request.pk, person=person, now=now)
        with pytest.raises(RequestClosed):
            services.join_request(request_id=request.pk, person=person_with(Role.REQUESTER), now=now)


class TestAnswerRequest:
    def test_closes_it_with_words(self, now):
        request = ask(now)
        services.answer_request(
            request_id=request.pk, answered_by=person_with(Role.REVIEWER), answer="use debian/13", now=now
        )
        request.refresh_from_db()
        assert (request.state, request.answer, request.closed_at) == (Request.State.ANSWERED, "use debian/13", now)

    def test_needs_a_role_and_words(self, now):
        request = ask(now)
        with pytest.raises(RoleMissing):
            services.answer_request(request_id=request.pk, answered_by=person_with(Role.REQUESTER), answer="x", now=now)
        with pytest.raises(ReasonMissing):
            services.answer_request(request_id=request.pk, answered_by=person_with(Role.REVIEWER), answer="", now=now)


class TestWithdrawRequest:
    def test_without_others_it_is_over(self, now):
        person = person_with(Role.REQUESTER)
        request = ask(now, person=person)
        services.withdraw_request(request_id=request.pk, person=person, now=now)
        request.refresh_from_db()
        assert (request.state, request.closed_at) == (Request.State.WITHDRAWN, now)

    def test_with_others_it_goes_on_as_theirs(self, now):
        person, heir = person_with(Role.REQUESTER), person_with(Role.REQUESTER)
        request = ask(now, person=person)
        ask(now, person=heir, reason="us too")
        services.withdraw_request(request_id=request.pk, person=person, now=now)
        request.refresh_from_db()
        assert (request.state, request.asked_by, request.reason) == (Request.State.OPEN, heir, "us too")

    def test_only_who_asked_withdraws(self, now):
        with pytest.raises(NotAsked):
            services.withdraw_request(request_id=ask(now).pk, person=person_with(Role.REQUESTER), now=now)
