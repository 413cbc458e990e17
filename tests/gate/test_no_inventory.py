"""An image without an inventory at the gate: while a waiver holds, after its end, on both lines, in an index."""

from typing import Any

import pytest

from gate.checks.evidence import NO_INVENTORY
from gate.engine import decide
from gate.facts import DigestFacts, Fixable, ScanState
from gate.line import warning_lines
from gate.snapshot import BaseFile, Ran, write_base
from gate.verdict import Check, ImageUse, Outcome, Verdict, Where
from tests.factories.gate import (
    BASE,
    BASE_NAME,
    BASE_REFERENCE,
    DAY,
    NOW,
    SnapshotFactory,
    certified_base,
    digest_of,
    policy,
)

WEB = Where(cluster="prod", namespace="web")
RAN = {"ran": {"prod": (Ran("web", BASE, NOW - DAY),)}}


def bare(until: int, **fields: Any) -> DigestFacts:
    """A certified image from scratch, with a waiver until then."""
    unseen = {"scan": ScanState.UNSUPPORTED, "scan_cause": "No known distribution.", "feed_at": 0}
    return certified_base(**{**unseen, "inventory_waived_until": until, **fields})


def ask(
    snapshot_of: SnapshotFactory, *facts: DigestFacts, at: int = NOW, reference: str = BASE_REFERENCE, **overlay: Any
) -> Verdict:
    snapshot = snapshot_of(*facts, expires_at=at + 900, **overlay)
    return decide([ImageUse(reference=reference)], snapshot=snapshot, at=at, where=WEB)


def check(verdict: Verdict, code: str) -> Check:
    return next(item for item in verdict.images[0].checks if item.code == code)


class TestWaived:
    def test_while_it_holds_it_is_allowed_and_says_until_when(self, snapshot_of):
        verdict = ask(snapshot_of, bare(NOW + 3 * DAY))
        assert verdict.allowed
        assert verdict.valid_until == NOW + 3 * DAY
        for code in ("scanned", "findings"):
            assert check(verdict, code) == Check(
                code,
                Outcome.WARN,
                "no inventory, waived until 2026-11-27: nothing was compared with advisories",
                NO_INVENTORY,
                NOW + 3 * DAY,
            )
        assert any("no inventory, waived until 2026-11-27" in line for line in warning_lines(verdict))

    def test_from_its_end_on_it_is_refused(self, snapshot_of):
        facts = bare(NOW + DAY)
        assert ask(snapshot_of, facts, at=NOW + DAY - 1).allowed
        verdict = ask(snapshot_of, facts, at=NOW + DAY)
        assert not verdict.allowed
        for code in ("scanned", "findings"):
            found = check(verdict, code)
            assert found.outcome is Outcome.FAIL
            assert found.reason == "it has no inventory, and the waiver of that ended 2026-11-25"
            assert found.remedy == NO_INVENTORY

    def test_what_ran_before_starts_again_after_its_end_and_says_so(self, snapshot_of):
        verdict = ask(snapshot_of, bare(NOW + DAY), at=NOW + DAY, **RAN)
        assert verdict.allowed
        for code in ("scanned", "findings"):
            found = check(verdict, code)
            assert found.outcome is Outcome.WARN
            assert found.reason == "it has no inventory, and the waiver of that ended 2026-11-25; it ran here before"

    def test_unless_the_policy_says_otherwise_or_it_was_revoked(self, snapshot_of):
        strict = policy()
        strict["restart"] = strict["restart"] | {"scanned": "refuse"}
        assert not ask(snapshot_of, bare(NOW), policy=strict, **RAN).allowed
        assert not ask(snapshot_of, bare(NOW, revoked_at=NOW - 1), **RAN).allowed

    def test_how_long_ago_somebody_looked_does_not_matter(self, snapshot_of):
        assert ask(snapshot_of, bare(NOW + DAY, scanned_at=NOW - 300 * DAY)).allowed

    @pytest.mark.parametrize("state", [state for state in ScanState if state is not ScanState.UNSUPPORTED])
    def test_it_opens_no_other_state_of_a_scan(self, snapshot_of, state):
        with_it = ask(snapshot_of, bare(NOW + DAY, scan=state, scanned_at=0))
        without = ask(snapshot_of, bare(0, scan=state, scanned_at=0))
        assert with_it == without
        assert not with_it.allowed

    def test_without_one_nobody_can_tell(self, snapshot_of):
        verdict = ask(snapshot_of, bare(0))
        assert check(verdict, "scanned").outcome is Outcome.UNKNOWN
        assert check(verdict, "findings").outcome is Outcome.UNKNOWN

    @pytest.mark.parametrize("mode", ["certified-only", "certified-base", "trusted-any"])
    def test_in_every_mode(self, snapshot_of, mode):
        assert ask(snapshot_of, bare(NOW + 1), policy=policy(mode=mode)).allowed
        assert not ask(snapshot_of, bare(NOW), policy=policy(mode=mode)).allowed


class TestWhatIsFoundAllTheSame:
    @pytest.mark.parametrize(
        "found",
        [
            pytest.param({"known_exploited": 1, "known_exploited_due_at": NOW + DAY}, id="known-exploited"),
            pytest.param({"fixable": (Fixable("high", 1, NOW - 90 * DAY, "CVE-1 in stdlib"),)}, id="over-its-grace"),
        ],
    )
    def test_refuses(self, snapshot_of, found):
        assert check(ask(snapshot_of, bare(NOW + DAY, **found)), "findings").outcome is Outcome.FAIL

    def test_in_its_grace_it_ends_the_answer_earlier(self, snapshot_of):
        rows = (Fixable("high", 1, NOW - 12 * DAY, "CVE-1 in stdlib"),)
        assert check(ask(snapshot_of, bare(NOW + 30 * DAY, fixable=rows)), "findings").until == NOW + 2 * DAY

    def test_where_it_ran_an_overdue_exploited_one_refuses(self, snapshot_of):
        found = {"known_exploited": 1, "known_exploited_due_at": NOW - 1}
        assert not ask(snapshot_of, bare(NOW + DAY, **found), **RAN).allowed

    def test_where_it_ran_old_findings_warn(self, snapshot_of):
        rows = (Fixable("high", 1, NOW - 90 * DAY, "CVE-1 in stdlib"),)
        assert ask(snapshot_of, bare(NOW + DAY, fixable=rows), **RAN).allowed


class TestIndex:
    INDEX, AMD64, ARM64 = (digest_of(name) for name in ("hello index", "hello amd64", "hello arm64"))

    def facts(self, amd64: dict[str, Any], arm64: dict[str, Any]) -> list[DigestFacts]:
        unseen = {"scan": ScanState.NONE, "scanned_at": 0, "feed_at": 0}
        index = certified_base(digest=self.INDEX, kind="index", members=(self.AMD64, self.ARM64), user="", **unseen)
        nothing = {"repositories": (), "certified_from": 0, "certified_until": 0, "subversion": ""}
        children = [
            bare(digest=digest, member_of=(self.INDEX,), **{"until": 0, **nothing, **fields})
            for digest, fields in ((self.AMD64, amd64), (self.ARM64, arm64))
        ]
        return [index, *children]

    def ask(
        self, snapshot_of: SnapshotFactory, amd64: dict[str, Any], arm64: dict[str, Any], **overlay: Any
    ) -> Verdict:
        facts = self.facts(amd64, arm64)
        return ask(snapshot_of, *facts, reference=f"{BASE_NAME}@{self.INDEX}", **overlay)

    def test_each_child_needs_its_own(self, snapshot_of):
        waived = {"until": NOW + DAY}
        assert self.ask(snapshot_of, waived, waived).allowed
        assert not self.ask(snapshot_of, waived, {}).allowed

    def test_one_that_ended_refuses_the_index(self, snapshot_of):
        verdict = self.ask(snapshot_of, {"until": NOW + DAY}, {"until": NOW})
        assert check(verdict, "scanned").outcome is Outcome.FAIL


class TestSnapshot:
    def test_it_survives_the_base_in_its_side_file(self, tmp_path):
        facts = bare(NOW + DAY)
        paths = tmp_path / "b", tmp_path / "r"
        write_base([facts], version=1, issued_at=NOW, base_path=paths[0], reasons_path=paths[1])
        assert BaseFile.open(*paths).lookup(BASE) == facts

    def test_and_the_overlay(self, snapshot_of):
        assert ask(snapshot_of, bare(0), facts=(bare(NOW + DAY),)).allowed
        assert not ask(snapshot_of, bare(NOW + DAY), facts=(bare(NOW),)).allowed

    def test_other_digests_have_no_member_for_it(self, tmp_path):
        paths = tmp_path / "b", tmp_path / "r"
        write_base([certified_base()], version=1, issued_at=NOW, base_path=paths[0], reasons_path=paths[1])
        assert b"inventory_waived_until" not in paths[1].read_bytes()
