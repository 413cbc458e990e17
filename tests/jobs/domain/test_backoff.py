import pytest

from jobs.domain.backoff import delay_seconds


class TestDelaySeconds:
    @pytest.mark.parametrize(
        ("attempt", "lowest"), [(1, 1.0), (2, 2.0), (3, 4.0), (8, 128.0), (9, 150.0), (10_000, 150.0)]
    )
    def test_doubles_up_to_a_limit(self, attempt, lowest):
        assert delay_seconds(attempt=attempt, draw=0.0) == lowest

    def test_the_draw_spreads_the_upper_half(self):
        assert delay_seconds(attempt=2, draw=0.5) == 3.0

    def test_the_other_side_may_ask_for_longer(self):
        assert delay_seconds(attempt=1, draw=0, asked_seconds=40) == 40
        assert delay_seconds(attempt=9, draw=0, asked_seconds=40) == 150

    def test_but_not_for_ever(self):
        assert delay_seconds(attempt=1, draw=0, asked_seconds=86_400) == 300

    def test_attempts_are_counted_from_one(self):
        with pytest.raises(ValueError, match="from 1"):
            delay_seconds(attempt=0, draw=0)
