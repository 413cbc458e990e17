"""A role's end stands behind what its holder did while the end waited for the lock."""

from datetime import datetime, timedelta

import pytest

from accounts.roles import Role
from accounts.services import end_role
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from tests.factories.accounts import person_with

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def deed(at: datetime) -> None:
    record(Verb.PROPOSAL_REVIEWED, actor=Actor.system("test"), subject=Subject("proposal", "1", "p"), at=at)


@pytest.mark.parametrize(
    ("recorded", "ends"),
    [
        (timedelta(), timedelta()),
        (timedelta(microseconds=5), timedelta(microseconds=6)),
        (30 * SECOND, 30 * SECOND + timedelta(microseconds=1)),
        (-SECOND, timedelta()),
        # A clock that is wrong elsewhere holds no role in force.
        (31 * SECOND, timedelta()),
    ],
)
def test_it_ends_behind_what_was_recorded_meanwhile(recorded: timedelta, ends: timedelta):
    now = datetime.fromisoformat("2040-01-01T12:00:00+00:00")
    grant = person_with(Role.REVIEWER).role_grants.get()
    deed(now + recorded)
    assert end_role(grant=grant, by=None, now=now).ends_at == now + ends
