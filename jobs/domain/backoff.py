"""How long a job waits before it is tried again."""

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 300.0


def delay_seconds(*, attempt: int, draw: float, asked_seconds: float = 0.0) -> float:
    """The wait after failed attempt number ``attempt`` (from 1): doubling from 2 s, at most 300 s.

    ``draw`` in [0, 1) spreads it over the upper half, so that a hundred jobs that one outage stopped
    do not come back in one second. ``asked_seconds`` is what the other side asked for (Retry-After);
    it only ever lengthens the wait, and no further than the longest.
    """
    if attempt < 1:
        raise ValueError("attempts are counted from 1")
    doubled = min(FIRST_SECONDS * 2.0 ** min(attempt - 1, 16), LONGEST_SECONDS)
    return min(max(doubled * (0.5 + draw / 2), asked_seconds), LONGEST_SECONDS)
