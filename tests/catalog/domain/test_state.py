from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from catalog.domain.state import Cause, Facts, State, state_at

DAY = timedelta(days=1)


def certified(now: datetime, **changes: object) -> Facts:
    return replace(Facts(certified_from=now, certified_until=now + 90 * DAY), **changes)


class TestStateAt:
    def test_without_facts_it_is_a_candidate(self, now):
        view = state_at(Facts(), now)
        assert (view.state, view.cause, view.is_usable) == (State.CANDIDATE, Cause.NONE, False)

    def test_certifying_is_a_step_of_candidate(self, now):
        view = state_at(Facts(certifying_since=now), now)
        assert (view.state, view.cause, view.is_usable) == (State.CANDIDATE, Cause.CERTIFYING, False)

    @pytest.mark.parametrize(
        ("offset", "state", "cause"),
        [
            pytest.param(-timedelta(microseconds=1), State.CANDIDATE, Cause.NONE, id="a moment before"),
            pytest.param(timedelta(), State.CERTIFIED, Cause.NONE, id="at its beginning"),
            pytest.param(90 * DAY - timedelta(microseconds=1), State.CERTIFIED, Cause.NONE, id="at its last moment"),
            pytest.param(90 * DAY, State.WITHDRAWN, Cause.EXPIRED, id="at its end"),
        ],
    )
    def test_a_certificate_is_half_open(self, now, offset, state, cause):
        view = state_at(certified(now), now + offset)
        assert (view.state, view.cause) == (state, cause)

    def test_says_until_when(self, now):
        view = state_at(certified(now), now)
        assert view.sentence == "May be used until 2027-02-22."
        assert view.until == now + 90 * DAY

    def test_retiring_names_what_to_move_to(self, now):
        facts = certified(now, retiring_from=now + DAY, retiring_until=now + 31 * DAY, successor="12-20261125.1")
        view = state_at(facts, now + DAY)
        assert (view.state, view.is_usable, view.until) == (State.RETIRING, True, now + 31 * DAY)
        assert view.sentence == "May be used until 2026-12-25; move to 12-20261125.1."
        assert view.next_action == "Move to 12-20261125.1."

    def test_retiring_ends_with_the_certificate_where_that_ends_earlier(self, now):
        facts = certified(now, retiring_from=now + 80 * DAY, retiring_until=now + 110 * DAY)
        assert state_at(facts, now + 90 * DAY).cause is Cause.EXPIRED

    def test_after_retiring_it_is_withdrawn(self, now):
        facts = certified(now, retiring_from=now, retiring_until=now + 30 * DAY, successor="new")
        view = state_at(facts, now + 30 * DAY)
        assert (view.state, view.cause, view.next_action) == (State.WITHDRAWN, Cause.EXPIRED, "Move to new.")

    def test_a_suspension_withdraws_until_it_ends(self, now):
        facts = certified(now, suspended_from=now, suspended_until=now + 3 * DAY, reason="odd process")
        view = state_at(facts, now)
        assert (view.state, view.cause, view.is_usable) == (State.WITHDRAWN, Cause.SUSPENDED, False)
        assert view.sentence == "Must not be used, suspended until 2026-11-27 12:00 UTC: odd process"
        assert state_at(facts, now + 3 * DAY).state is State.CERTIFIED

    def test_revoked_beats_everything(self, now):
        facts = certified(
            now, suspended_from=now, suspended_until=now + DAY, rejected_at=now, revoked_at=now, reason="backdoor"
        )
        view = state_at(facts, now)
        assert (view.state, view.cause) == (State.WITHDRAWN, Cause.REVOKED)
        assert view.sentence == "Must not be used, revoked on 2026-11-24: backdoor"
        assert view.next_action == "Stop what runs on it, and ask for a certified one."

    def test_a_revocation_to_come_does_not_hold_yet(self, now):
        assert state_at(certified(now, revoked_at=now + DAY), now).state is State.CERTIFIED

    def test_rejected_keeps_its_reason(self, now):
        view = state_at(Facts(rejected_at=now, reason="unmaintained"), now)
        assert (view.state, view.sentence) == (State.REJECTED, "Never allowed, rejected on 2026-11-24: unmaintained")

    def test_refuses_a_naive_time(self, now):
        with pytest.raises(ValueError, match="naive"):
            state_at(Facts(), now.replace(tzinfo=None))

    def test_every_state_has_a_sentence_and_a_next_action(self, now):
        samples = [
            Facts(),
            Facts(certifying_since=now),
            certified(now),
            certified(now, retiring_from=now, retiring_until=now + DAY),
            certified(now, suspended_from=now, suspended_until=now + DAY, reason="x"),
            certified(now - 91 * DAY, certified_until=now),
            Facts(revoked_at=now, reason="x"),
            Facts(rejected_at=now, reason="x"),
        ]
        for facts in samples:
            view = state_at(facts, now)
            assert view.sentence
            assert view.next_action
