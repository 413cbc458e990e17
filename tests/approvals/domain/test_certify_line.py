from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from approvals.domain.certify_line import blocking, certify_line
from approvals.domain.evidence import ArtifactEvidence, Evidence, Finding
from approvals.domain.line import Line, Outcome
from gate.policy import DEFAULT, DEFAULT_JSON, DEMO, PolicyDocument
from tests.factories.approvals import evidence as artifact

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def finding(vulnerability_id: str = "CVE-2026-1", **changes: object) -> Finding:
    one = Finding(
        vulnerability_id, "openssl", "3.0.1-1", "3.0.2-1", "critical", fix_since=datetime(2020, 1, 1, tzinfo=UTC)
    )
    return replace(one, **changes)


def judge(now: datetime, *artifacts: ArtifactEvidence, policy: PolicyDocument = DEFAULT) -> dict[str, Line]:
    evidence = Evidence(artifacts, known_exploited_at=now - DAY, end_of_life_at=now - DAY)
    return {line.code: line for line in certify_line(evidence, policy=policy, now=now)}


def tightened(**certify: object) -> PolicyDocument:
    return PolicyDocument.from_json({**DEFAULT_JSON, "certify": {**DEFAULT_JSON["certify"], **certify}})


class TestCertifyLine:
    def test_a_good_candidate_passes_every_line(self, now):
        lines = judge(now, artifact(now))
        assert {line.outcome for line in lines.values()} == {Outcome.PASS}
        assert list(lines) == [
            "scanned",
            "scan_age",
            "feed_age",
            "known_exploited",
            "findings",
            "unfixed",
            "end_of_life",
            "root",
            "hardening",
            "known_exploited_feed",
            "end_of_life_feed",
        ]

    @pytest.mark.parametrize(
        ("state", "outcome"),
        [
            ("none", Outcome.UNKNOWN),
            ("failed", Outcome.FAIL),
            ("unsupported", Outcome.FAIL),
            ("running", Outcome.UNKNOWN),
        ],
    )
    def test_what_is_not_scanned_is_never_clean(self, now, state, outcome):
        lines = judge(now, artifact(now, scan_state=state, scanned_at=None))
        assert lines["scanned"].outcome is outcome
        assert lines["scan_age"].outcome is Outcome.UNKNOWN

    def test_an_unscanned_image_has_no_findings_to_judge(self, now):
        lines = judge(now, artifact(now, scan_state="none"))
        judged = [lines[code].outcome for code in ("known_exploited", "findings", "unfixed")]
        assert judged == [Outcome.UNKNOWN] * 3

    @pytest.mark.parametrize(("age", "outcome"), [(7 * DAY, Outcome.PASS), (7 * DAY + HOUR, Outcome.FAIL)])
    def test_a_scan_is_good_for_seven_days(self, now, age, outcome):
        assert judge(now, artifact(now, scanned_at=now - age))["scan_age"].outcome is outcome

    @pytest.mark.parametrize(("age", "outcome"), [(48 * HOUR, Outcome.PASS), (49 * HOUR, Outcome.FAIL)])
    def test_advisories_are_good_for_two_days(self, now, age, outcome):
        assert judge(now, artifact(now, feed_snapshot_at=now - age))["feed_age"].outcome is outcome

    def test_without_advisories_nothing_can_be_told(self, now):
        line = judge(now, artifact(now, feed_snapshot_at=None))["feed_age"]
        assert (line.outcome, line.reason) == (
            Outcome.UNKNOWN,
            "No advisories cover debian 12: nothing was compared.",
        )

    def test_a_frozen_feed_is_refused_by_its_age(self, now):
        frozen = artifact(now, feed_snapshot_at=now - 100 * DAY, is_feed_frozen=True)
        assert judge(now, frozen)["feed_age"].outcome is Outcome.FAIL

    def test_the_demo_accepts_a_frozen_feed_and_says_so(self, now):
        frozen = artifact(now, feed_snapshot_at=now - 100 * DAY, is_feed_frozen=True, scan_state="stale")
        lines = judge(now, frozen, policy=DEMO)
        assert lines["feed_age"].outcome is Outcome.WARN
        assert "frozen at that date" in lines["feed_age"].reason
        assert not blocking(tuple(lines.values()))

    def test_the_demo_accepts_no_feed_that_is_only_old(self, now):
        old = artifact(now, feed_snapshot_at=now - 100 * DAY)
        assert judge(now, old, policy=DEMO)["feed_age"].outcome is Outcome.FAIL

    def test_known_exploited_refuses_with_and_without_a_fix(self, now):
        for fixed in ("", "3.0.2-1"):
            found = (finding(fixed_version=fixed, is_known_exploited=True, severity="low", fix_since=now),)
            assert judge(now, artifact(now, findings=found))["known_exploited"].outcome is Outcome.FAIL

    @pytest.mark.parametrize(
        ("severity", "age", "outcome"),
        [
            pytest.param("critical", timedelta(), Outcome.FAIL, id="critical at once"),
            pytest.param("high", timedelta(), Outcome.FAIL, id="high at once"),
            pytest.param("medium", 14 * DAY - HOUR, Outcome.WARN, id="medium in its grace"),
            pytest.param("medium", 14 * DAY, Outcome.FAIL, id="medium after its grace"),
            pytest.param("unknown", 14 * DAY - HOUR, Outcome.WARN, id="unrated in its grace"),
            pytest.param("unknown", 14 * DAY, Outcome.FAIL, id="unrated after its grace"),
            pytest.param("severe!", 14 * DAY, Outcome.FAIL, id="a word we do not know counts as unrated"),
        ],
    )
    def test_a_fix_must_be_taken_in_its_time(self, now, severity, age, outcome):
        found = (finding(severity=severity, fix_since=now - age),)
        assert judge(now, artifact(now, findings=found))["findings"].outcome is outcome

    def test_a_fix_of_unknown_age_counts_as_old(self, now):
        found = (finding(severity="low", fix_since=None),)
        assert judge(now, artifact(now, findings=found))["findings"].outcome is Outcome.FAIL

    def test_says_how_many_and_what_to_do(self, now):
        found = tuple(
            finding(f"CVE-2026-{number}", package=package, severity=severity, fix_since=now)
            for number, severity in enumerate(["critical"] * 2 + ["high"])
            for package in ("libssl3", "openssl")
        )
        line = judge(now, artifact(now, findings=found))["findings"]
        assert line.reason == (
            "6 findings (3 vulnerabilities: 2 critical, 1 high) have a fix that must be taken before certifying."
        )
        assert line.remedy == "Rebuild with updated packages: libssl3, openssl."
        assert line.items[0] == "CVE-2026-0 (critical) in libssl3 3.0.1-1, fixed in 3.0.2-1"

    def test_what_cannot_be_compared_is_unknown(self, now):
        found = (finding(fixed_version="", is_comparable=False),)
        assert judge(now, artifact(now, findings=found))["findings"].outcome is Outcome.UNKNOWN

    def test_unfixed_ones_are_counted_and_do_not_refuse(self, now):
        found = (finding(fixed_version="", fix_since=None),)
        lines = judge(now, artifact(now, findings=found))
        assert lines["unfixed"].outcome is Outcome.WARN
        assert "whoever approves accepts them by signature" in lines["unfixed"].reason
        assert lines["findings"].outcome is Outcome.PASS

    def test_a_policy_may_refuse_unfixed_ones(self, now):
        policy = tightened(findings={**DEFAULT_JSON["certify"]["findings"], "unfixed": "refuse"})
        found = (finding(fixed_version="", fix_since=None),)
        assert judge(now, artifact(now, findings=found), policy=policy)["unfixed"].outcome is Outcome.FAIL

    @pytest.mark.parametrize(
        ("support", "outcome"),
        [
            ("supported", Outcome.PASS),
            ("extended", Outcome.WARN),
            ("ended", Outcome.FAIL),
            ("unknown", Outcome.UNKNOWN),
        ],
    )
    def test_the_release_must_be_supported(self, now, support, outcome):
        assert judge(now, artifact(now, support=support))["end_of_life"].outcome is outcome

    @pytest.mark.parametrize(
        ("user", "outcome"),
        [
            ("65532", Outcome.PASS),
            ("65532:0", Outcome.PASS),
            ("", Outcome.WARN),
            ("root", Outcome.WARN),
            ("0", Outcome.WARN),
            ("00:1", Outcome.WARN),
            ("nobody", Outcome.WARN),
        ],
    )
    def test_root_is_stated_and_not_refused(self, now, user, outcome):
        assert judge(now, artifact(now, user=user))["root"].outcome is outcome

    def test_a_policy_may_refuse_root(self, now):
        assert judge(now, artifact(now, user=""), policy=tightened(root="refuse"))["root"].outcome is Outcome.FAIL

    def test_old_knowledge_only_warns(self, now):
        evidence = Evidence((artifact(now),), known_exploited_at=now - 8 * DAY, end_of_life_at=None)
        lines = certify_line(evidence, policy=DEFAULT, now=now)
        assert [line.outcome for line in lines[-2:]] == [Outcome.WARN, Outcome.WARN]
        assert not blocking(lines)

    def test_an_index_is_as_good_as_its_worst_child(self, now):
        good = artifact(now)
        bad = artifact(now, digest="sha256:" + "b" * 64, platform="linux/arm64", scan_state="none")
        line = judge(now, good, bad)["scanned"]
        assert (line.outcome, line.digest) == (Outcome.UNKNOWN, bad.digest)
        assert line.reason == "linux/arm64: Not scanned yet."

    def test_an_index_without_anything_to_run_is_unknown(self, now):
        lines = judge(now)
        assert lines["scanned"].outcome is Outcome.UNKNOWN
        assert lines["scanned"].reason == "Nothing in it could run."
