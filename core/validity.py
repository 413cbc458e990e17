"""When something holds. Half-open: ``[starts_at, ends_at)``; at ``ends_at`` it no longer does.

One function answers for certificates, roles, tokens, suspensions and grants, and every surface
calls it: five copies of this comparison is how expired exceptions stay applied.
"""

from datetime import datetime
from typing import Protocol


class Bounded(Protocol):
    """Anything with a beginning and, perhaps, an end. Times are aware, in UTC."""

    @property
    def starts_at(self) -> datetime | None: ...

    @property
    def ends_at(self) -> datetime | None: ...


def is_in_force(thing: Bounded, at: datetime) -> bool:
    """Whether ``thing`` holds at ``at``. No beginning: never began. No end: until further notice.

    Raises ValueError for a naive ``at``: comparing it would depend on the machine's time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a naive time cannot be judged")
    if thing.starts_at is None or at < thing.starts_at:
        return False
    return thing.ends_at is None or at < thing.ends_at
