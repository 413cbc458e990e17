"""One line of what is asked before something is certified."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Unknown refuses like fail does: what cannot be told is not good enough."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


BLOCKING = frozenset({Outcome.FAIL, Outcome.UNKNOWN})
BADNESS = {Outcome.PASS: 0, Outcome.WARN: 1, Outcome.UNKNOWN: 2, Outcome.FAIL: 3}


@dataclass(frozen=True, slots=True)
class Line:
    """One check: what came out, why, and what to do about it."""

    code: str
    outcome: Outcome
    reason: str
    remedy: str = ""
    digest: str = ""  # of the image that decides, where it is one child of several
    items: tuple[str, ...] = ()

    @property
    def is_blocking(self) -> bool:
        """Whether it keeps the candidate from being certified."""
        return self.outcome in BLOCKING
