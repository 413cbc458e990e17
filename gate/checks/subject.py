"""The image under judgement, with everything the checks read about it."""

from typing import NamedTuple

from gate.facts import ArtifactKind, DigestFacts
from gate.policy import ModeChecks, PolicyDocument
from gate.snapshot import Snapshot
from gate.standing import Standing
from gate.verdict import Check, ImageUse, Line, Outcome


class Subject(NamedTuple):
    """One use of a digest that is known."""

    use: ImageUse
    name: str  # "host/path" of the reference
    facts: DigestFacts
    members: tuple[tuple[str, DigestFacts | None], ...]  # what would run: itself, or an index's children
    standings: list[Standing]  # what decides about it, at least one
    line: Line
    policy: PolicyDocument
    asks: ModeChecks  # whose fact each check reads, in this namespace's mode
    snapshot: Snapshot
    at: int  # Unix seconds

    @property
    def is_index(self) -> bool:
        """Whether the reference names several platforms at once."""
        return self.facts.kind is ArtifactKind.INDEX

    def called(self, digest: str) -> str:
        """How to name a member in a sentence: nothing for the image itself."""
        return f" (platform image {digest[:19]})" if self.is_index else ""


_BADNESS = {Outcome.PASS: 0, Outcome.WARN: 1, Outcome.UNKNOWN: 2, Outcome.FAIL: 3}


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
