"""What is said of an image in which nobody can tell what is in it, and of everything else that was not compared."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from approvals.domain.certify_line import blocking, certificate_end, certify_line
from approvals.domain.evidence import ArtifactEvidence, Evidence, Finding, InventoryWaiver
from approvals.domain.line import Line, Outcome
from approvals.domain.packet import packet_document, says_the_same
from gate.policy import DEFAULT
from tests.approvals.domain.test_packet import SUBJECT
from tests.factories.approvals import evidence

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ASKING_FOR_ONE = ("scanned", "feed_age", "known_exploited", "findings", "unfixed", "end_of_life")
COMPARISONS = ("known_exploited", "findings", "unfixed")


def waiver(now: datetime, **changes: object) -> InventoryWaiver:
    """Thirty days, for hello/1."""
    good = InventoryWaiver(now + 30 * DAY, "sam", "Its build attests nothing yet.", "version", "hello/1")
    return replace(good, **changes)


def bare(now: datetime, **changes: object) -> ArtifactEvidence:
    """An image from scratch: scanned, and nothing could be told."""
    fields = {
        "scan_state": "unsupported",
        "scan_sentence": "No known distribution: 0 components without an os-release that names one.",
        "scan_cure": "Base the image on a supported release.",
        "feed_snapshot_at": None,
        "support": "unknown",
        "support_ends_on": None,
        "release": "",
        "is_without_inventory": True,
    }
    return evidence(now, **(fields | changes))


def judge(now: datetime, *artifacts: ArtifactEvidence) -> dict[str, Line]:
    found = Evidence(artifacts, known_exploited_at=now - DAY, end_of_life_at=now - DAY)
    return {line.code: line for line in certify_line(found, policy=DEFAULT, now=now)}


class TestWithoutInventory:
    def test_without_a_waiver_every_line_that_asks_for_one_refuses(self, now):
        lines = judge(now, bare(now))
        assert [code for code, line in lines.items() if line.is_blocking] == list(ASKING_FOR_ONE)
        assert {lines[code].outcome for code in COMPARISONS} == {Outcome.UNKNOWN}
        assert lines["findings"].reason == (
            "Nothing was compared that would count: No known distribution: 0 components without an os-release that"
            " names one."
        )

    def test_with_one_they_warn_in_its_words(self, now):
        lines = judge(now, bare(now, inventory_waiver=waiver(now)))
        assert not blocking(tuple(lines.values()))
        for code in ASKING_FOR_ONE:
            assert lines[code].outcome is Outcome.WARN
            assert lines[code].reason.endswith(
                "; waived until 2026-12-24 12:00 UTC by sam: “Its build attests nothing yet.”"
            )
        assert lines["findings"].reason.startswith("Nothing was compared: there is no inventory of it")

    def test_one_pair_of_eyes_is_said(self, now):
        lines = judge(now, bare(now, inventory_waiver=waiver(now, is_one_person=True)))
        assert "by sam, one pair of eyes by a setting" in lines["scanned"].reason

    @pytest.mark.parametrize(("left", "is_open"), [(SECOND, True), (timedelta(), False)])
    def test_at_its_end_it_holds_no_longer(self, now, left, is_open):
        lines = judge(now, bare(now, inventory_waiver=waiver(now, ends_at=now + left)))
        assert (lines["scanned"].outcome is Outcome.WARN) == is_open
        assert lines["findings"].is_blocking != is_open

    def test_an_old_scan_is_asked_for_anew_all_the_same(self, now):
        lines = judge(now, bare(now, scanned_at=now - 8 * DAY, inventory_waiver=waiver(now)))
        assert lines["scan_age"].outcome is Outcome.FAIL

    @pytest.mark.parametrize(
        ("found", "code", "outcome"),
        [
            pytest.param({"is_known_exploited": True}, "known_exploited", Outcome.FAIL, id="known-exploited"),
            pytest.param({}, "findings", Outcome.FAIL, id="a fix that is overdue"),
            pytest.param({"is_comparable": False, "fixed_version": ""}, "findings", Outcome.UNKNOWN, id="cannot-tell"),
        ],
    )
    def test_what_is_found_all_the_same_counts(self, now, found, code, outcome):
        one = replace(Finding("CVE-2026-1", "stdlib", "1.21.0", "1.21.9", "critical"), **found)
        lines = judge(now, bare(now, findings=(one,), inventory_waiver=waiver(now)))
        assert lines[code].outcome is outcome

    def test_a_fix_in_its_grace_warns_beside_it(self, now):
        one = Finding("CVE-2026-1", "stdlib", "1.21.0", "1.21.9", "low", fix_since=now)
        line = judge(now, bare(now, findings=(one,), inventory_waiver=waiver(now)))["findings"]
        assert line.outcome is Outcome.WARN
        assert "still in its grace. Nothing was compared" in line.reason
        assert judge(now, bare(now, findings=(one,)))["findings"].outcome is Outcome.UNKNOWN

    def test_one_child_of_an_index_without_it_refuses(self, now):
        other = bare(now, digest="sha256:" + "b" * 64, platform="linux/arm64")
        lines = judge(now, bare(now, inventory_waiver=waiver(now)), other)
        assert lines["scanned"].outcome is Outcome.FAIL
        assert lines["scanned"].digest == other.digest

    def test_a_waiver_says_nothing_of_an_image_that_has_an_inventory(self, now):
        failed = evidence(now, scan_state="failed", feed_snapshot_at=None, inventory_waiver=waiver(now))
        assert judge(now, failed)["scanned"].outcome is Outcome.FAIL
        assert judge(now, failed)["feed_age"].outcome is Outcome.UNKNOWN


class TestNeverCompared:
    @pytest.mark.parametrize("state", ["none", "failed", "unsupported", "running"])
    def test_no_findings_are_unknown_and_never_clean(self, now, state):
        lines = judge(now, evidence(now, scan_state=state))
        assert {lines[code].outcome for code in COMPARISONS} == {Outcome.UNKNOWN}

    def test_nor_where_no_advisories_cover_it(self, now):
        lines = judge(now, evidence(now, scan_state="stale", feed_snapshot_at=None))
        assert {lines[code].outcome for code in COMPARISONS} == {Outcome.UNKNOWN}


class TestCertificateEnd:
    def test_it_ends_with_the_waiver_that_ends_first(self, now):
        early, late = (bare(now, inventory_waiver=waiver(now, ends_at=now + days * DAY)) for days in (20, 40))
        assert certificate_end(Evidence((late, early)), starts_at=now, days=90) == now + 20 * DAY

    def test_and_never_later_than_the_policy_says(self, now):
        long = bare(now, inventory_waiver=waiver(now, ends_at=now + 180 * DAY))
        for artifacts in ((long,), (evidence(now),)):
            assert certificate_end(Evidence(artifacts), starts_at=now, days=90) == now + 90 * DAY


class TestPacket:
    def document(self, artifact: ArtifactEvidence) -> dict:
        return packet_document(SUBJECT, Evidence((artifact,)))

    def test_the_waiver_stands_in_it(self, now):
        found = self.document(bare(now, inventory_waiver=waiver(now)))["artifacts"][0]["inventory"]["waiver"]
        assert found == {
            "rule": "GG3001",
            "scope_kind": "version",
            "scope": "hello/1",
            "waived_until": "2026-12-24T12:00:00Z",
            "waived_by": "sam",
            "waiver_reason": "Its build attests nothing yet.",
            "is_one_person": False,
        }

    def test_another_or_none_says_something_new(self, now):
        held = self.document(bare(now, inventory_waiver=waiver(now)))
        assert not says_the_same(held, self.document(bare(now)))
        assert not says_the_same(held, self.document(bare(now, inventory_waiver=waiver(now, given_by="vera"))))

    def test_packets_of_other_images_have_no_such_member(self, now):
        assert "waiver" not in self.document(evidence(now))["artifacts"][0]["inventory"]
