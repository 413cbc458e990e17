"""*Last renewed* follows from times alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from builds.domain.renewal import Light, RenewalFacts, renewal_state

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
HELD = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


@pytest.fixture
def weekly(now: datetime) -> RenewalFacts:
    """Renewed just now, every seven days; so it may be 42 hours late."""
    return RenewalFacts(interval=7 * DAY, since=now - 100 * DAY, last_good_at=now)


class TestRenewalState:
    def test_without_source_or_watch_nothing_renews_it(self, now: datetime) -> None:
        assert renewal_state(RenewalFacts(), now).light is Light.NONE

    def test_renewed_is_green(self, weekly: RenewalFacts, now: datetime) -> None:
        assert renewal_state(weekly, now).light is Light.GREEN

    @pytest.mark.parametrize(
        ("after", "light"),
        [
            pytest.param(7.7 * DAY - SECOND, Light.GREEN, id="jitter-is-not-late"),
            pytest.param(7.7 * DAY, Light.AMBER, id="due"),
            pytest.param(7 * DAY + 42 * HOUR - SECOND, Light.AMBER, id="the-last-second-of-slack"),
            pytest.param(7 * DAY + 42 * HOUR, Light.RED, id="overdue"),
            pytest.param(400 * DAY, Light.RED, id="long-overdue"),
        ],
    )
    def test_turns_by_the_clock_alone(
        self, weekly: RenewalFacts, now: datetime, after: timedelta, light: Light
    ) -> None:
        assert renewal_state(weekly, now + after).light is light

    def test_with_a_dead_scheduler_it_says_where_to_look(self, weekly: RenewalFacts, now: datetime) -> None:
        told = renewal_state(weekly, now + 30 * DAY)

        assert told.sentence == "Last renewed on 2026-11-24 12:00 UTC; it should be every 7 days."
        assert "scheduler" in told.next_action

    def test_never_renewed_turns_red_from_when_it_was_added(self, now: datetime) -> None:
        facts = RenewalFacts(interval=DAY, since=now)

        assert renewal_state(facts, now + DAY + 6 * HOUR - SECOND).light is Light.AMBER
        assert renewal_state(facts, now + DAY + 6 * HOUR).light is Light.RED

    def test_a_failed_renewal_is_red_at_once_with_its_reason(self, weekly: RenewalFacts, now: datetime) -> None:
        told = renewal_state(replace(weekly, last_failure_at=now, last_failure="apt failed"), now)

        assert told.light is Light.RED
        assert "apt failed" in told.sentence
        assert "certified stays" in told.next_action

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"is_paused": True}, id="paused"),
            pytest.param({"unanswered": "It does not answer."}, id="registry-down"),
            pytest.param({"held_since": HELD}, id="held"),
        ],
    )
    def test_what_will_make_it_late_is_amber(self, weekly: RenewalFacts, now: datetime, changes: dict) -> None:
        assert renewal_state(replace(weekly, **changes), now).light is Light.AMBER

    def test_paused_and_overdue_is_red(self, weekly: RenewalFacts, now: datetime) -> None:
        told = renewal_state(replace(weekly, is_paused=True), now + 30 * DAY)

        assert (told.light, told.next_action) == (Light.RED, "It is paused: let it go on.")

    def test_a_watch_that_was_stopped_is_red(self, weekly: RenewalFacts, now: datetime) -> None:
        assert renewal_state(replace(weekly, is_stopped=True, is_built=False), now).light is Light.RED

    def test_a_candidate_may_wait_for_a_while(self, weekly: RenewalFacts, now: datetime) -> None:
        waiting = replace(weekly, last_good_at=now + 42 * HOUR, candidate_since=now)

        assert renewal_state(waiting, now + 42 * HOUR - SECOND).light is Light.GREEN
        assert renewal_state(waiting, now + 42 * HOUR).light is Light.AMBER

    def test_a_naive_time_is_refused(self, weekly: RenewalFacts) -> None:
        with pytest.raises(ValueError, match="naive"):
            renewal_state(weekly, datetime(2026, 11, 24))  # noqa: DTZ001
