"""No verdict allows what is not certified (invariant 1), asked of thousands of tangled little worlds.

The rule is written here a second time, the way a person would say it, and compared with the engine's: images and
indexes with every mixture of certified, expired, revoked, suspended, rejected and scanned, on one another in any
order, with memberships that only one side claims, ancestors nobody knows, and circles.
"""

import random
from collections.abc import Iterator

import pytest

from gate.engine import decide
from gate.facts import ArtifactKind, DigestFacts, Lineage, ScanState
from gate.policy import DEFAULT_JSON
from gate.snapshot import Ran, Revocation, Snapshot
from gate.verdict import ImageUse, ImageVerdict, Where
from tests.factories.gate import DAY, NOW, SnapshotFactory, digest_of

NAME = "registry.corp/apps/any"
DIGESTS = [digest_of(f"world {number}") for number in range(7)]
STRANGER = digest_of("nobody knows this one")
WEB = Where(cluster="prod", namespace="web")
PAST, FUTURE = NOW - 5 * DAY, NOW + 5 * DAY
World = dict[str, DigestFacts]


def sometimes(chance: random.Random, share: float, value: int) -> int:
    return value if chance.random() < share else 0


def make_world(chance: random.Random) -> World:
    """Seven digests, each decided about, listed and built on as chance will have it."""
    world: World = {}
    for digest in DIGESTS:
        others = [one for one in (*DIGESTS, STRANGER) if one != digest]
        is_index = chance.random() < 0.25
        certified_from = sometimes(chance, 0.5, chance.choice([PAST - DAY, PAST, PAST + DAY, FUTURE]))
        suspended_from = sometimes(chance, 0.1, chance.choice([PAST, FUTURE]))
        world[digest] = DigestFacts(
            digest=digest,
            kind=ArtifactKind.INDEX
            if is_index
            else chance.choice([ArtifactKind.IMAGE] * 9 + [ArtifactKind.ATTESTATION]),
            repositories=(NAME,) if chance.random() < 0.9 else ("registry.corp/elsewhere",),
            members=tuple(chance.sample(others, chance.randint(0, 3))) if is_index else (),
            member_of=tuple(chance.sample(others, chance.randint(0, 2))) if not is_index else (),
            user="65532",
            lineage=chance.choice(list(Lineage)),
            bases=tuple(chance.sample(others, chance.choice([0, 0, 1, 1, 1, 2]))) if not is_index else (),
            scan=chance.choice([ScanState.COMPLETE] * 6 + list(ScanState)),
            scanned_at=NOW - DAY,
            feed_at=NOW - DAY,
            subversion="any/1 1.1" if certified_from or chance.random() < 0.2 else "",
            certified_from=certified_from,
            certified_until=certified_from and chance.choice([NOW, NOW + DAY, FUTURE + DAY]),
            suspended_from=suspended_from,
            suspended_until=suspended_from and chance.choice([0, NOW, FUTURE + DAY]),
            revoked_at=sometimes(chance, 0.08, chance.choice([PAST, NOW, FUTURE])),
            rejected_at=sometimes(chance, 0.08, chance.choice([PAST, FUTURE])),
            signed_repositories=(NAME,) if chance.random() < 0.95 else (),
        )
    # Half of the memberships are told by both sides, as the registry tells them.
    for digest, facts in list(world.items()):
        for member in facts.members:
            if member in world and world[member].kind is not ArtifactKind.INDEX and chance.random() < 0.8:
                told = tuple({*world[member].member_of, digest})
                world[member] = _replaced(world[member], member_of=told)
    return world


def _replaced(facts: DigestFacts, **changes: object) -> DigestFacts:
    return DigestFacts(**{**{name: getattr(facts, name) for name in facts.__struct_fields__}, **changes})


class Rule:
    """What design §4 says of ``approved`` in the mode *certified-base*, in the words of a person."""

    def __init__(self, world: World) -> None:
        self.world = world

    def withdrawn_at(self, facts: DigestFacts) -> int:
        """Since when it must not be used by somebody's word; 0: it may."""
        if 0 < facts.revoked_at <= NOW:
            return facts.revoked_at
        if 0 < facts.suspended_from <= NOW and (facts.suspended_until == 0 or facts.suspended_until > NOW):
            return facts.suspended_from
        return facts.rejected_at if 0 < facts.rejected_at <= NOW else 0

    def was_certified(self, facts: DigestFacts) -> bool:
        return 0 < facts.certified_from <= NOW

    def is_live(self, facts: DigestFacts) -> bool:
        return not self.withdrawn_at(facts) and self.was_certified(facts) and facts.certified_until > NOW

    def listings(self, facts: DigestFacts) -> list[DigestFacts]:
        known = [self.world[digest] for digest in facts.member_of if digest in self.world]
        return [index for index in known if facts.digest in index.members]

    def is_decided(self, facts: DigestFacts) -> bool:
        """Whether the catalog ever said anything of it, itself or by an index that lists it."""
        said = [facts, *self.listings(facts)]
        return any(self.withdrawn_at(one) or self.was_certified(one) for one in said)

    def is_covered(self, facts: DigestFacts) -> bool:
        """A live certificate of it or of an index that lists it, none of them withdrawn since."""
        if self.withdrawn_at(facts):
            return False
        certificates = [one for one in (facts, *self.listings(facts)) if self.is_live(one)]
        newest = max((one.certified_from for one in certificates), default=0)
        against = [self.withdrawn_at(one) for one in self.listings(facts) if self.withdrawn_at(one)]
        return bool(certificates) and all(since < newest for since in against)

    def stands_on_certified(self, facts: DigestFacts, seen: set[str]) -> list[bool]:
        """One answer for each nearest ancestor that the catalog said something of; False where the chain ends."""
        if not facts.bases:
            return [False]
        found = []
        for digest in facts.bases:
            if digest in seen:
                continue
            seen.add(digest)
            base = self.world.get(digest)
            if base is None:
                found.append(False)
            elif self.is_decided(base):
                found.append(self.is_covered(base))
            else:
                found.extend(self.stands_on_certified(base, seen))
        return found

    def approves(self, digest: str, *, is_member: bool = False) -> bool:
        facts = self.world.get(digest)
        if facts is None or (is_member and facts.kind is ArtifactKind.INDEX):
            return False
        if facts.kind is ArtifactKind.INDEX:
            members = [self.world.get(one) for one in facts.members]
            if self.is_decided(facts):
                return self.is_covered(facts) and not any(one and self.withdrawn_at(one) for one in members)
            return bool(members) and all(self.approves(one, is_member=True) for one in facts.members)
        if self.is_decided(facts):
            return self.is_covered(facts)
        answers = self.stands_on_certified(facts, {digest})
        return bool(answers) and all(answers)

    def is_scanned(self, facts: DigestFacts | None) -> bool:
        if facts is None:
            return False
        if facts.kind is ArtifactKind.INDEX:
            return all(self.is_scanned(self.world.get(one)) and self.is_plain(one) for one in facts.members)
        return facts.scan is ScanState.COMPLETE

    def is_plain(self, digest: str) -> bool:
        return digest in self.world and self.world[digest].kind is not ArtifactKind.INDEX


def verdicts(snapshot: Snapshot) -> Iterator[tuple[str, ImageVerdict]]:
    for digest in DIGESTS:
        verdict = decide([ImageUse(reference=f"{NAME}@{digest}")], snapshot=snapshot, at=NOW, where=WEB)
        assert verdict.allowed is verdict.images[0].allowed
        yield digest, verdict.images[0]


@pytest.mark.parametrize("seed", range(8))
def test_approved_is_what_the_rule_says_and_allowed_is_never_more(snapshot_of: SnapshotFactory, seed):
    chance = random.Random(seed)
    approved = allowed = 0
    for _ in range(250):
        world = make_world(chance)
        rule = Rule(world)
        for digest, image in verdicts(snapshot_of(*world.values())):
            facts = world[digest]
            found = next(check for check in image.checks if check.code == "approved")
            if facts.kind is not ArtifactKind.INDEX or facts.members:
                assert (not found.refuses) == rule.approves(digest), (facts, found)
            approved += not found.refuses
            if image.allowed:
                allowed += 1
                assert rule.approves(digest)
                assert rule.is_scanned(facts)
                assert facts.kind in (ArtifactKind.IMAGE, ArtifactKind.INDEX)
                assert NAME in facts.repositories or any(NAME in one.repositories for one in rule.listings(facts))
    # Else nothing was shown.
    assert approved > 100
    assert allowed > 50


@pytest.mark.parametrize("mode", ["certified-only", "certified-base", "trusted-any"])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_withdrawn_is_allowed_in_any_mode_nor_because_it_ran_here(snapshot_of: SnapshotFactory, seed, mode):
    chance = random.Random(seed)
    policy = {**DEFAULT_JSON, "deploy": {**DEFAULT_JSON["deploy"], "mode": mode}}
    ran = {"prod": tuple(Ran("web", digest, NOW - DAY) for digest in DIGESTS)}
    allowed = 0
    for _ in range(150):
        world = make_world(chance)
        rule = Rule(world)
        late = chance.choice(DIGESTS)  # revoked a second ago: only the overlay knows
        snapshot = snapshot_of(*world.values(), policy=policy, ran=ran, revocations=(Revocation(late, NOW - 1),))
        for digest, image in verdicts(snapshot):
            if not image.allowed:
                continue
            allowed += 1
            assert digest != late
            assert late not in world[digest].members
            assert not rule.withdrawn_at(world[digest])
            if mode == "certified-only":
                assert rule.is_decided(world[digest])
    assert allowed > 50
