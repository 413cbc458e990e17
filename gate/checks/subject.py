"""The image under judgement, with everything the checks read about it."""

from typing import NamedTuple

from gate.facts import DigestFacts
from gate.policy import ModeChecks, PolicyDocument
from gate.snapshot import Snapshot
from gate.standing import Standing
from gate.verdict import FAIL, PASS, UNKNOWN, WARN, Check, ImageUse, Line


class Subject(NamedTuple):
    """One use of a digest that is known."""

    use: ImageUse
    name: str  # "host/path" of the reference
    facts: DigestFacts
    # What would run: itself, or an index's children; and how to name each in a sentence (nothing for itself).
    members: tuple[tuple[DigestFacts | None, str], ...]
    alone: DigestFacts | None  # the image itself, where it is not an index
    standings: list[Standing]  # what decides about it, at least one
    line: Line
    policy: PolicyDocument
    asks: ModeChecks  # whose fact each check reads, in this namespace's mode
    snapshot: Snapshot
    at: int  # Unix seconds


_BADNESS = {PASS: 0, WARN: 1, UNKNOWN: 2, FAIL: 3}


def worst(checks: list[Check]) -> Check:
    """The member that decides; among equals the first, with the earliest end of all of them.

    ``checks`` holds at least one: an index without a member is refused before (``known``).
    """
    if len(checks) == 1:
        return checks[0]
    found = max(checks, key=lambda check: _BADNESS[check.outcome])
    ends = [check.until for check in checks if check.until]
    if not ends or found.refuses:
        return found
    return Check(found.code, found.outcome, found.reason, found.remedy, min(ends), found.retry_after_seconds)
