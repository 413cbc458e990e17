"""Renewals that follow from one event: their order, and what came of each image.

- The order is that of lineage, base images first. An image that stands on several others of the wave waits for the one
  that is decided last: the one farthest from the wave's beginning.
- What came of an image is computed from facts, the first rule that holds decides:

1. an outcome that was written down (what neither build nor candidate can say)
2. not started                       -> waits for its parent
3. it, or a newer one, is certified  -> certified
4. its candidate is refused          -> rejected
5. its proposal was taken back       -> withdrawn; so it is where a newer candidate took its place
6. it could not be certified         -> failed
7. its candidate is undecided        -> waits for reviewers, is being certified, or is being examined
8. its build or its import failed    -> failed
9. its build changed nothing         -> no change
10. otherwise                        -> building, or asking upstream

Whatever is withdrawn or could not be certified may be proposed anew. The wave does not wait for that: what stands on it
is renewed by a wave of its own once it is certified.
"""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


class Outcome(StrEnum):
    """What came of an image in a wave."""

    WAITS = "waits"  # for its parent's decision
    BUILDING = "building"
    ASKING = "asking"  # upstream
    EXAMINED = "examined"  # a candidate that is not before its reviewers yet
    IN_REVIEW = "in_review"
    CERTIFYING = "certifying"
    CERTIFIED = "certified"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # its proposal was taken back, by a person or for a newer candidate
    FAILED = "failed"
    NO_CHANGE = "no_change"
    FIX_NOT_IN_MIRROR = "fix_not_in_mirror"
    NO_SOURCE = "no_source"
    PINNED = "pinned"  # its Dockerfile names the old base by digest
    HELD = "held"  # by the breaker, or paused


ENDED = frozenset(
    {
        Outcome.CERTIFIED, Outcome.REJECTED, Outcome.WITHDRAWN, Outcome.FAILED, Outcome.NO_CHANGE,
        Outcome.FIX_NOT_IN_MIRROR, Outcome.NO_SOURCE, Outcome.PINNED, Outcome.HELD,
    }
)  # fmt: skip

WORDS = {
    Outcome.WAITS: "waits for its parent",
    Outcome.BUILDING: "building",
    Outcome.ASKING: "asking upstream",
    Outcome.EXAMINED: "being examined",
    Outcome.IN_REVIEW: "waits for reviewers",
    Outcome.CERTIFYING: "being certified",
    Outcome.CERTIFIED: "certified",
    Outcome.REJECTED: "rejected",
    Outcome.WITHDRAWN: "withdrawn",
    Outcome.FAILED: "failed",
    Outcome.NO_CHANGE: "no change",
    Outcome.FIX_NOT_IN_MIRROR: "fix published but not in the mirror",
    Outcome.NO_SOURCE: "no source",
    Outcome.PINNED: "pinned to the old base",
    Outcome.HELD: "held",
}

NOBODY = "Nobody."
_TOLD = {
    Outcome.NO_SOURCE: ("Nothing renews it here.", "A platform administrator gives it a source, or follows its tag."),
    Outcome.PINNED: ("Its Dockerfile names the old base by its digest.", "The owner of its source changes that line."),
    Outcome.FIX_NOT_IN_MIRROR: (
        "The fix is published, and what it is built from does not have it yet.",
        "Whoever runs the mirror; the next renewal tries again.",
    ),
    Outcome.NO_CHANGE: ("It holds the same as what is there already.", NOBODY),
    Outcome.HELD: ("Its renewal is held back.", "A platform administrator starts it by hand."),
    Outcome.REJECTED: ("What it stands on was rejected.", "The owner of its source."),
    Outcome.WITHDRAWN: ("What it stands on was withdrawn.", "Nobody: it follows once its base is certified."),
    Outcome.FAILED: ("What it stands on failed.", "The owner of its source."),
}


@dataclass(frozen=True, slots=True)
class Reviews:
    """How a candidate's review stands. ``state``: none, open, certifying, or how its proposal ended, and why."""

    state: str = "none"
    reason: str = ""
    is_superseded: bool = False  # withdrawn, as a newer candidate is before the reviewers
    needed: int = 0
    given: int = 0
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What is known of one image in a wave."""

    written: str = ""  # an Outcome that was written down
    written_detail: str = ""
    is_started: bool = False
    parent: str = ""  # the parent's name
    owner: str = ""  # who answers for its source or its watch
    candidate: str = ""  # its name
    candidate_state: str = ""  # candidate, certified, retiring, withdrawn, rejected
    candidate_reason: str = ""
    newer_certified: str = ""  # the name of a later subversion that was certified since
    reviews: Reviews = Reviews()
    build_state: str = ""
    build_failure: str = ""
    import_state: str = ""
    import_failure: str = ""
    upstream_failure: str = ""  # why the registry did not answer


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What came of it, one sentence, and who must act."""

    outcome: Outcome
    sentence: str
    who: str

    @property
    def is_ended(self) -> bool:
        """Whether nothing more comes of it in this wave."""
        return self.outcome in ENDED

    @property
    def word(self) -> str:
        """For a badge."""
        return WORDS[self.outcome]


def plan(children_of: Mapping[Key, Collection[Key]], root: Key) -> list[tuple[Key, Key | None]]:
    """``root`` and everything that stands on it, each once, after its parent. A circle is cut where it closes."""
    order = _topological(children_of, root)
    place = {key: at for at, key in enumerate(order)}
    depth: dict[Key, int] = {root: 0}
    parent: dict[Key, Key | None] = {root: None}
    for key in order:
        for child in children_of.get(key, ()):
            # An edge back to what came before closes a circle.
            if place[child] > place[key] and depth[key] + 1 > depth.get(child, 0):
                depth[child], parent[child] = depth[key] + 1, key
    return [(key, parent[key]) for key in order]


def _topological(children_of: Mapping[Key, Collection[Key]], root: Key) -> list[Key]:
    """Depth first, reversed: every key before what stands on it. Without recursion, as chains may be long."""
    done: list[Key] = []
    seen = {root}
    stack = [(root, iter(list(children_of.get(root, ()))))]
    while stack:
        key, children = stack[-1]
        child = next((one for one in children if one not in seen), None)
        if child is None:
            done.append(key)
            stack.pop()
        else:
            seen.add(child)
            stack.append((child, iter(list(children_of.get(child, ())))))
    return done[::-1]


def row_outcome(facts: RowFacts) -> RowOutcome:
    """What came of an image, by the rules above."""
    if facts.written:
        return _written(facts)
    if not facts.is_started:
        waits = f"It waits for the decision about {facts.parent}." if facts.parent else "It begins in a moment."
        return RowOutcome(Outcome.WAITS, waits, f"Whoever decides about {facts.parent}." if facts.parent else NOBODY)
    return _of_candidate(facts) or _of_work(facts)


def _written(facts: RowFacts) -> RowOutcome:
    outcome = Outcome(facts.written)
    sentence, who = _TOLD.get(outcome, (f"{WORDS[outcome].capitalize()}.", NOBODY))
    return RowOutcome(outcome, facts.written_detail or sentence, who)


def _of_candidate(facts: RowFacts) -> RowOutcome | None:
    if facts.candidate_state in ("certified", "retiring"):
        return RowOutcome(Outcome.CERTIFIED, f"{facts.candidate} is certified.", NOBODY)
    if facts.newer_certified:
        return RowOutcome(Outcome.CERTIFIED, f"A newer one, {facts.newer_certified}, is certified.", NOBODY)
    if facts.candidate_state in ("rejected", "withdrawn"):
        because = f": {facts.candidate_reason}" if facts.candidate_reason else "."
        return RowOutcome(Outcome.REJECTED, f"{facts.candidate} was refused{because}", _owner(facts))
    if facts.candidate_state != "candidate":
        return None
    return _in_review(facts)


def _in_review(facts: RowFacts) -> RowOutcome:
    reviews = facts.reviews
    match reviews.state:
        case "certifying":
            return RowOutcome(Outcome.CERTIFYING, f"{facts.candidate} is being copied and signed.", NOBODY)
        case "open":
            left = max(reviews.needed - reviews.given, 0)
            noun = "reviewer" if left == 1 else "reviewers"
            roles = " or ".join(role.replace("_", " ") for role in reviews.roles) or "reviewers"
            sentence = f"{facts.candidate} waits for {left} {noun}."
            return RowOutcome(Outcome.IN_REVIEW, sentence, f"{left} more of: {roles}, neither owner nor author.")
        case "withdrawn":
            who = "Whoever reviews the newer one." if reviews.is_superseded else _proposer(facts)
            return RowOutcome(Outcome.WITHDRAWN, f"{facts.candidate} was withdrawn: {reviews.reason}", who)
        case "failed":
            return RowOutcome(
                Outcome.FAILED, f"{facts.candidate} was not certified: {reviews.reason}", _proposer(facts)
            )
    return RowOutcome(Outcome.EXAMINED, f"{facts.candidate} is being examined.", NOBODY)


def _of_work(facts: RowFacts) -> RowOutcome:
    if facts.build_state in ("failed", "stopped"):
        return RowOutcome(Outcome.FAILED, f"Its build {facts.build_state}: {facts.build_failure}", _owner(facts))
    if facts.build_state == "no_change":
        return RowOutcome(Outcome.NO_CHANGE, "It was built and holds the same as what is there already.", NOBODY)
    if facts.build_state:
        return RowOutcome(Outcome.BUILDING, "It is being built.", NOBODY)
    if facts.import_state == "failed":
        return RowOutcome(Outcome.FAILED, f"Its import failed: {facts.import_failure}", _owner(facts))
    if facts.upstream_failure:
        sentence = f"Its upstream tag could not be looked at: {facts.upstream_failure}"
        return RowOutcome(Outcome.ASKING, sentence, "A platform administrator tests its registry.")
    word = "It is being imported." if facts.import_state else "Its upstream tag is being looked at."
    return RowOutcome(Outcome.ASKING, word, NOBODY)


def _proposer(facts: RowFacts) -> str:
    return f"{facts.owner or 'The owner of its source'} proposes it again, or has it built anew."


def _owner(facts: RowFacts) -> str:
    return f"{facts.owner}, who owns its source." if facts.owner else "The owner of its source."
