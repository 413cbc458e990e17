"""Whether a tag of a certified repository names what it should.

- A tag of ours (a publication put it there) names the newest certification sent under it, nothing else.
- A tag that somebody else put beside our digests may follow certification: to a digest certified there later. That is
  told, and no alarm. It moved behind our back when it goes back, or names one that was never certified.
- A tag that never named anything certified is foreign: nothing but certifying writes there.
- What is on its way (begun and not sent, or being withdrawn) is no drift.
- ``sha256-<hex>`` tags are cosign's; ours among them hold at least the layers that we sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_COSIGN_TAG = re.compile(r"sha256-[0-9a-f]{64}(\.[a-z]+)?")


class Drift(StrEnum):
    """What is wrong with a tag, if anything."""

    NONE = "none"
    FOLLOWED = "followed"  # nothing is wrong: it moved on to a digest that was certified later
    MOVED = "moved"
    GONE = "gone"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class OwnTag:
    """A tag that publications put there. ``expected`` "" = it was taken back: nothing is right."""

    expected: str
    also_allowed: frozenset[str] = frozenset()  # digests on their way in or out; "" = on its way out


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What one certified repository should look like."""

    own_tags: Mapping[str, OwnTag] = field(default_factory=dict)
    # Digest -> when its certification was sent, as a number that grows; only live ones.
    certified: Mapping[str, int] = field(default_factory=dict)
    ever_certified: frozenset[str] = frozenset()
    last_certified: Mapping[str, str] = field(default_factory=dict)  # tag -> the last certified digest it named


@dataclass(frozen=True, slots=True)
class TagVerdict:
    """One tag, judged: what it should name and what it names ("" = no tag)."""

    tag: str
    drift: Drift
    expected: str
    found: str

    @property
    def is_alarm(self) -> bool:
        """Whether something is wrong with it."""
        return self.drift not in (Drift.NONE, Drift.FOLLOWED)


def is_cosign_tag(tag: str) -> bool:
    """Whether the tag belongs to a digest, as cosign and registries without a referrers API name what refers to it."""
    return _COSIGN_TAG.fullmatch(tag) is not None


def judge_tag(tag: str, found: str, facts: RepositoryFacts) -> TagVerdict:
    """Judge what ``tag`` names. ``found`` "" = it is not there."""
    own = facts.own_tags.get(tag)
    if own is not None:
        if found == own.expected or found in own.also_allowed:
            return TagVerdict(tag, Drift.NONE, own.expected, found)
        return TagVerdict(tag, Drift.MOVED if found else Drift.GONE, own.expected, found)
    before = facts.last_certified.get(tag, "")
    if not found:
        return TagVerdict(tag, Drift.GONE if before else Drift.NONE, before, "")
    if found == before:
        return TagVerdict(tag, Drift.NONE, before, found)
    if found in facts.certified:
        if not before:
            return TagVerdict(tag, Drift.NONE, "", found)
        is_back = facts.certified[found] < facts.certified.get(before, -1)
        return TagVerdict(tag, Drift.MOVED if is_back else Drift.FOLLOWED, before, found)
    return TagVerdict(tag, Drift.MOVED if before else Drift.FOREIGN, before, found)
