"""The breaker, by the clock alone."""

from datetime import datetime, timedelta

from builds.domain.breaker import free_at, is_tripped

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class TestBreaker:
    def test_the_third_is_allowed_and_the_fourth_is_not(self, now: datetime) -> None:
        assert not is_tripped([now, now], now)
        assert is_tripped([now, now, now], now)

    def test_a_day_is_half_open(self, now: datetime) -> None:
        earlier = [now, now + HOUR, now + 2 * HOUR]

        assert is_tripped(earlier, now + 24 * HOUR - SECOND)
        assert not is_tripped(earlier, now + 24 * HOUR)

    def test_it_says_from_when(self, now: datetime) -> None:
        assert free_at([now, now + HOUR, now + 2 * HOUR], now + 3 * HOUR) == now + 24 * HOUR
        assert free_at([now, now + HOUR, now + 2 * HOUR, now + 2 * HOUR], now + 3 * HOUR) == now + 25 * HOUR

    def test_where_one_may_start_it_is_now(self, now: datetime) -> None:
        assert free_at([now], now + HOUR) == now + HOUR

    def test_order_does_not_matter(self, now: datetime) -> None:
        assert free_at([now + 2 * HOUR, now, now + HOUR], now + 3 * HOUR) == now + 24 * HOUR
