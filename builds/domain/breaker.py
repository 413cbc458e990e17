"""The breaker: a cause that comes back and back stops by itself, and says so.

More than ``LIMIT`` builds of one source for one reason within ``WINDOW`` are not started, whatever the keys of its
causes are: each push of a loop has a digest of its own. What is held back joins the next build that starts for another
reason, or by a person; fixes are built when the window is over.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

LIMIT = 3  # builds
WINDOW = timedelta(hours=24)


def is_tripped(earlier: Iterable[datetime], at: datetime) -> bool:
    """Whether one more at ``at`` would be one too many; ``earlier`` are the times of those before."""
    return len(_in_window(earlier, at)) >= LIMIT


def free_at(earlier: Iterable[datetime], at: datetime) -> datetime:
    """From when on one more may start; ``at`` itself when it may start now."""
    counted = _in_window(earlier, at)
    return at if len(counted) < LIMIT else counted[-LIMIT] + WINDOW


def _in_window(earlier: Iterable[datetime], at: datetime) -> list[datetime]:
    # Half-open: what happened exactly a window ago counts no longer.
    return sorted(one for one in earlier if one > at - WINDOW)
