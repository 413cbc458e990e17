"""Jobs on pages: a requester is shown, and let, what they asked for themselves."""

import pytest

from accounts.models import Person
from accounts.roles import Role
from jobs.domain.state import State
from jobs.models import Job
from tests.factories.accounts import person_with
from tests.factories.audit import RecordFactory
from tests.factories.jobs import JobFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def requester() -> Person:
    return person_with(Role.REQUESTER, username="rosa")


@pytest.fixture
def own(requester) -> Job:
    return JobFactory(state=State.FAILED, caused_by=RecordFactory(actor=requester.as_actor()))


@pytest.fixture
def foreign(admin) -> Job:
    return JobFactory(state=State.FAILED, caused_by=RecordFactory(actor=admin.as_actor()))


def test_the_button_is_shown_to_whom_it_works_for(requester, admin, viewer, own, foreign, signed_in):
    shown = {
        (who.username, job is own): "Try again" in signed_in(who).get(f"/jobs/{job.pk}").content.decode()
        for who in (requester, admin, viewer)
        for job in (own, foreign)
    }
    assert shown == {
        ("rosa", True): True,
        ("rosa", False): False,
        ("ada", True): True,
        ("ada", False): True,
        ("vic", True): False,
        ("vic", False): False,
    }


def test_a_form_sent_all_the_same_is_refused_in_words(requester, own, foreign, signed_in):
    client = signed_in(requester)
    answer = client.post(f"/jobs/{foreign.pk}/retry", follow=True)
    foreign.refresh_from_db()
    assert foreign.state == State.FAILED
    assert "This job was caused by ada" in answer.content.decode()
    client.post(f"/jobs/{own.pk}/retry")
    own.refresh_from_db()
    assert own.state == State.QUEUED
