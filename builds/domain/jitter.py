"""When the next renewal is due: spread, so that sources added on one day do not build in one minute for ever."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

SPREAD = 0.1  # of the interval, to either side
_STEPS = 2**32


def jittered(thing_id: UUID, interval: timedelta) -> timedelta:
    """``interval`` moved by at most ``SPREAD`` of itself, always by the same for the same ``thing_id``."""
    # The id's own bits begin with the time it was made: things made together would be moved together.
    drawn = int.from_bytes(hashlib.sha256(thing_id.bytes).digest()[:4], "big") / _STEPS  # 0 ≤ drawn < 1
    return interval * (1 + SPREAD * (2 * drawn - 1))


def next_due(thing_id: UUID, *, now: datetime, interval: timedelta) -> datetime:
    """When it is due again, reckoned from ``now``: after a long pause it is due once, not for every time missed."""
    return now + jittered(thing_id, interval)
