"""Whether a digest may be used by decision: certified, withdrawn, never judged; of itself, its index, its base.

The rules:

- Revoked beats suspended beats rejected beats certified beats expired. Intervals are half-open.
- A child of an index stands by membership: a live certification of an index that lists it covers it.
  A withdrawn index speaks against its children too, unless one certified later lists them as well.
- An image that the catalog never certified stands by its base: the nearest ancestors that were certified
  or withdrawn. They are a set where lineage is ambiguous, and the worst member decides.
- Who cannot be told what an image is built on is told that, never "no base".
"""

from enum import IntEnum
from typing import NamedTuple

from gate.facts import ArtifactKind, DigestFacts
from gate.snapshot import Snapshot

MAX_LINEAGE = 64  # ancestors looked at for one image; a longer chain reads as "cannot tell"


class Grade(IntEnum):
    """From worst to best: ``min`` of a set decides."""

    REVOKED = 0
    SUSPENDED = 1
    REJECTED = 2
    UNTOLD = 3  # lineage cannot be told
    NEVER = 4  # known, and nobody ever certified it
    EXPIRED = 5
    LIVE = 6


WITHDRAWN_BY_HAND = frozenset((Grade.REVOKED, Grade.SUSPENDED, Grade.REJECTED))


class Standing(NamedTuple):
    """One subject's grade. ``moment``: since when (EXPIRED, withdrawn) or until when (LIVE). Unix seconds."""

    grade: Grade
    moment: int
    subject: DigestFacts


_LIVE, _NEVER, _EXPIRED, _INDEX = Grade.LIVE, Grade.NEVER, Grade.EXPIRED, ArtifactKind.INDEX


def worst_of(standings: list[Standing]) -> Standing:
    """The one that decides; there is at least one."""
    if len(standings) == 1:
        return standings[0]
    return min(standings, key=lambda item: (item.grade, item.moment))


def of_itself(facts: DigestFacts, at: int) -> Standing:
    """What was decided about exactly this digest."""
    if facts.revoked_at and facts.revoked_at <= at:
        return Standing(Grade.REVOKED, facts.revoked_at, facts)
    if facts.suspended_from and facts.suspended_from <= at and not 0 < facts.suspended_until <= at:
        return Standing(Grade.SUSPENDED, facts.suspended_from, facts)
    if facts.rejected_at and facts.rejected_at <= at:
        return Standing(Grade.REJECTED, facts.rejected_at, facts)
    if not facts.certified_from or at < facts.certified_from:
        return Standing(_NEVER, 0, facts)
    if facts.certified_until <= at:
        return Standing(Grade.EXPIRED, facts.certified_until, facts)
    return Standing(_LIVE, _end(facts, at), facts)


def with_index(facts: DigestFacts, at: int, snapshot: Snapshot) -> Standing:
    """The digest's own standing, or by membership that of the indexes which list it."""
    own = of_itself(facts, at)
    if not facts.member_of or own.grade in WITHDRAWN_BY_HAND:
        return own
    live, against = ([own] if own.grade is Grade.LIVE else []), []
    expired = own if own.grade is Grade.EXPIRED else None
    for digest in facts.member_of:
        index = snapshot.lookup(digest)
        # Both must say so: a record that claims an index which does not list it proves nothing.
        if index is None or facts.digest not in index.members:
            continue
        standing = of_itself(index, at)
        if standing.grade is Grade.LIVE:
            live.append(standing)
        elif standing.grade in WITHDRAWN_BY_HAND:
            against.append(standing)
        elif standing.grade is Grade.EXPIRED and (expired is None or standing.moment > expired.moment):
            expired = standing
    newest = max((item.subject.certified_from for item in live), default=0)
    blocking = [item for item in against if item.moment >= newest]
    if blocking:
        return worst_of(blocking)
    if live:
        return max(live, key=lambda item: item.moment)
    return expired or own


def of_base(facts: DigestFacts, at: int, snapshot: Snapshot) -> list[Standing]:
    """The standings of what ``facts`` is built on; several where lineage is ambiguous, never none."""
    if len(facts.bases) == 1 and (only := snapshot.lookup(facts.bases[0])) is not None:
        standing = with_index(only, at, snapshot)
        if standing.grade is not _NEVER:
            return [standing]
    found: list[Standing] = []
    seen = {facts.digest}
    untold = Standing(Grade.UNTOLD, 0, facts)
    pending = [facts]
    while pending:
        child = pending.pop()
        if not child.bases:
            # A candidate of the catalog need not be built on anything: it is not certified, and that is told.
            is_told = child is not facts or bool(facts.subversion)
            found.append(Standing(Grade.NEVER, 0, child) if is_told else untold)
        for digest in child.bases:
            if digest in seen:
                continue
            seen.add(digest)
            base = snapshot.lookup(digest)
            if base is None or len(seen) > MAX_LINEAGE:
                found.append(untold)
                continue
            standing = with_index(base, at, snapshot)
            if standing.grade is _NEVER:
                pending.append(base)
            else:
                found.append(standing)
    return found or [untold]


def of_image(facts: DigestFacts, at: int, snapshot: Snapshot, *, by_base: bool) -> list[Standing]:
    """What decides about the image: itself or its index; with ``by_base`` its base where the catalog is silent.

    An index is decided by its own certification, else by the base of each runnable child. An index in an index
    is no child that anybody could have examined.
    """
    own = with_index(facts, at, snapshot)
    if facts.kind is not _INDEX:
        return of_base(facts, at, snapshot) if by_base and own.grade is _NEVER else [own]
    members = [snapshot.lookup(digest) for digest in facts.members]
    if by_base and own.grade is _NEVER:
        standings = []
        for member in members:
            if member is None or member.kind is _INDEX:
                standings.append(own)
            else:
                standings += of_image(member, at, snapshot, by_base=True)
        return standings or [own]
    # A certified index falls with a child that was withdrawn by name.
    judged = (of_itself(member, at) for member in members if member)
    return [own, *(item for item in judged if item.grade in WITHDRAWN_BY_HAND)]


def _end(facts: DigestFacts, at: int) -> int:
    """When a live certification ends, announced withdrawals included."""
    if not (facts.revoked_at or facts.suspended_from or facts.rejected_at):
        return facts.certified_until
    ends = (facts.certified_until, facts.revoked_at, facts.suspended_from, facts.rejected_at)
    return min(end for end in ends if end > at)
