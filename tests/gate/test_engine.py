"""The verdict: each check passes, warns, fails or cannot tell; every allowed case has a refused twin."""

from typing import Any

import pytest

from gate.engine import decide
from gate.facts import ArtifactKind, DigestFacts, Fixable, Lineage, ScanState
from gate.policy import DEFAULT_JSON
from gate.snapshot import Ran, Revocation
from gate.verdict import CHECKS, Check, ImageUse, Line, Outcome, Place, Verdict, Where
from tests.factories.gate import (
    APP,
    APP_NAME,
    APP_REFERENCE,
    BASE,
    BASE_NAME,
    BASE_REFERENCE,
    DAY,
    NOW,
    SnapshotFactory,
    application,
    certified_base,
    clean_scan,
    digest_of,
    policy,
)

WEB = Where(cluster="prod", namespace="web")
SUCCESSOR = f"{BASE_NAME}@{digest_of('debian 12 next')}"
PENDING = {"scan": ScanState.RUNNING}


def ask(snapshot_of: SnapshotFactory, *facts: DigestFacts, reference: str = APP_REFERENCE, **overlay: Any) -> Verdict:
    snapshot = snapshot_of(*facts, **overlay)
    return decide(
        [ImageUse(reference=reference, path="spec.containers[0].image")], snapshot=snapshot, at=NOW, where=WEB
    )


def check(verdict: Verdict, code: str) -> Check:
    return next(item for item in verdict.images[0].checks if item.code == code)


def ran(days_ago: float, digest: str = APP) -> dict[str, Any]:
    return {"ran": {"prod": (Ran("web", digest, int(NOW - days_ago * DAY)),)}}


class TestAllowed:
    def test_an_application_on_a_certified_base_is_allowed(self, snapshot_of):
        verdict = ask(snapshot_of)
        assert verdict.allowed
        assert [item.code for item in verdict.images[0].checks] == list(CHECKS)
        assert {item.outcome for item in verdict.images[0].checks} == {Outcome.PASS}

    def test_the_base_itself_is_allowed(self, snapshot_of):
        assert ask(snapshot_of, reference=BASE_REFERENCE).allowed

    def test_the_answer_names_snapshot_policy_and_its_own_end(self, snapshot_of):
        verdict = ask(snapshot_of, version=7, policy_version=4)
        assert (verdict.snapshot_version, verdict.policy_version) == (7, 4)
        # The feed's seven days end before the scan's fourteen and the certificate's eighty.
        assert verdict.valid_until == NOW - DAY + 7 * DAY


class TestWholeObject:
    def test_one_refused_image_refuses_all(self, snapshot_of):
        uses = [ImageUse(reference=APP_REFERENCE), ImageUse(reference=f"{APP_NAME}@{digest_of('other')}")]
        verdict = decide(uses, snapshot=snapshot_of(), at=NOW)
        assert [image.allowed for image in verdict.images] == [True, False]
        assert not verdict.allowed
        assert verdict.valid_until == 0

    def test_nothing_to_judge_is_refused(self, snapshot_of):
        assert not decide([], snapshot=snapshot_of(), at=NOW).allowed

    @pytest.mark.parametrize(("at", "allowed"), [(NOW + 899, True), (NOW + 900, False), (NOW + 901, False)])
    def test_an_expired_snapshot_answers_nothing(self, snapshot_of, at, allowed):
        verdict = decide([ImageUse(reference=APP_REFERENCE)], snapshot=snapshot_of(expires_at=NOW + 900), at=at)
        assert verdict.allowed is allowed


class TestReference:
    @pytest.mark.parametrize(
        "reference",
        [
            pytest.param("", id="empty"),
            pytest.param(APP_NAME, id="no-tag-no-digest"),
            pytest.param(f"{APP_NAME}:1.2", id="tag"),
            pytest.param(f"{APP_REFERENCE}\n", id="trailing-newline"),
            pytest.param(APP_REFERENCE.upper(), id="upper-case"),
            pytest.param(APP_REFERENCE[:-1], id="short-digest"),
            pytest.param(f"web@{APP}", id="host-left-out"),
            pytest.param(f"REGISTRY.corp/apps/web@{APP}", id="host-in-upper-case"),
        ],
    )
    def test_what_is_not_canonical_and_pinned_is_refused(self, snapshot_of, reference):
        verdict = ask(snapshot_of, reference=reference)
        assert not verdict.allowed
        assert verdict.images[0].refusal.code == "reference"

    def test_a_tag_beside_the_digest_is_fine(self, snapshot_of):
        assert ask(snapshot_of, reference=f"{APP_NAME}:1.2@{APP}").allowed

    def test_a_tag_is_refused_with_the_digest_to_use(self, snapshot_of):
        verdict = ask(snapshot_of, reference=f"{APP_NAME}:1.2", instead={f"{APP_NAME}:1.2": APP_REFERENCE})
        assert verdict.images[0].refusal.remedy == f"Use {APP_REFERENCE}."


class TestRegistry:
    @pytest.mark.parametrize(
        ("trusted", "allowed"),
        [
            pytest.param("registry.corp", True, id="host"),
            pytest.param("registry.corp/apps", True, id="path"),
            pytest.param("registry.corp/apps/web", True, id="repository"),
            pytest.param("registry.corp/apps/we", False, id="not-on-a-boundary"),
            pytest.param("registry.corp/app", False, id="path-not-on-a-boundary"),
            pytest.param("registry.cor", False, id="host-not-on-a-boundary"),
            pytest.param("registry.corp:5000", False, id="other-port"),
            pytest.param("corp", False, id="parent-domain"),
            pytest.param("registry.corp/apps/web/more", False, id="deeper"),
        ],
    )
    def test_exact_host_and_path_boundaries(self, snapshot_of, trusted, allowed):
        verdict = ask(snapshot_of, trusted_repositories=(trusted,))
        assert (check(verdict, "registry").outcome is Outcome.PASS) is allowed
        assert verdict.allowed is allowed

    def test_no_trusted_repository_trusts_none(self, snapshot_of):
        assert not ask(snapshot_of, trusted_repositories=()).allowed


class TestKnown:
    def test_an_unknown_digest_is_refused_and_nothing_else_is_claimed(self, snapshot_of):
        verdict = ask(snapshot_of, reference=f"{APP_NAME}@{digest_of('never seen')}")
        assert verdict.images[0].refusal.code == "known"
        assert {item.outcome for item in verdict.images[0].checks[3:]} == {Outcome.UNKNOWN}

    def test_a_digest_recorded_under_another_repository_is_refused_with_that_one(self, snapshot_of):
        verdict = ask(snapshot_of, reference=f"registry.corp/apps/other@{APP}")
        assert check(verdict, "known").outcome is Outcome.FAIL
        assert check(verdict, "known").remedy == f"Use {APP_REFERENCE}."

    @pytest.mark.parametrize(
        ("use_instead", "cure"),
        [
            pytest.param(SUCCESSOR, f"Use {SUCCESSOR}.", id="its-certified-successor"),
            pytest.param("", f"Import it: goldgate import {APP_REFERENCE}.", id="nothing-instead"),
        ],
    )
    def test_a_digest_from_an_archive_is_in_no_repository_and_the_cure_is_one(self, snapshot_of, use_instead, cure):
        verdict = ask(snapshot_of, certified_base(), application(repositories=(), use_instead=use_instead))
        assert (check(verdict, "known").outcome, check(verdict, "known").remedy) == (Outcome.FAIL, cure)

    @pytest.mark.parametrize("kind", [ArtifactKind.ATTESTATION, ArtifactKind.OTHER])
    def test_what_is_no_image_never_runs(self, snapshot_of, kind):
        assert not ask(snapshot_of, certified_base(), application(kind=kind)).allowed

    def test_a_digest_removed_since_the_base_is_unknown(self, snapshot_of):
        assert not ask(snapshot_of, removed=(APP,)).allowed


class TestScanned:
    @pytest.mark.parametrize("state", [item for item in ScanState if item is not ScanState.COMPLETE])
    def test_anything_but_a_complete_scan_refuses(self, snapshot_of, state):
        verdict = ask(snapshot_of, certified_base(), application(scan=state))
        assert not verdict.allowed
        assert check(verdict, "scanned").refuses
        assert check(verdict, "findings").refuses

    def test_a_running_scan_is_pending(self, snapshot_of):
        verdict = ask(snapshot_of, certified_base(), application(**PENDING))
        assert verdict.retry_after_seconds == 20
        assert verdict.images[0].refusal.remedy == "Try again in 20 s."

    def test_what_waiting_cannot_cure_is_not_pending(self, snapshot_of):
        verdict = ask(snapshot_of, certified_base(revoked_at=NOW), application(**PENDING))
        assert verdict.retry_after_seconds == 0

    @pytest.mark.parametrize(
        ("scan_days", "feed_days", "outcome"),
        [
            pytest.param(1, 1, Outcome.PASS, id="fresh"),
            pytest.param(8, 1, Outcome.WARN, id="scan-older-than-certify-asks"),
            pytest.param(13.99, 1, Outcome.WARN, id="scan-in-its-last-hours"),
            pytest.param(14, 1, Outcome.FAIL, id="scan-over"),
            pytest.param(1, 3, Outcome.WARN, id="feed-older-than-certify-asks"),
            pytest.param(1, 7, Outcome.FAIL, id="feed-over"),
        ],
    )
    def test_freshness_warns_then_refuses_a_new_digest(self, snapshot_of, scan_days, feed_days, outcome):
        facts = application(scanned_at=int(NOW - scan_days * DAY), feed_at=int(NOW - feed_days * DAY))
        assert check(ask(snapshot_of, certified_base(), facts), "scanned").outcome is outcome

    def test_an_unknown_feed_age_refuses(self, snapshot_of):
        assert check(ask(snapshot_of, certified_base(), application(feed_at=0)), "scanned").outcome is Outcome.UNKNOWN

    @pytest.mark.parametrize(("frozen_feed", "allowed"), [("accept", True), ("refuse", False)])
    def test_a_frozen_feed_passes_only_where_the_policy_accepts_it(self, snapshot_of, frozen_feed, allowed):
        facts = application(is_feed_frozen=True, feed_at=NOW - 300 * DAY)
        changed = {**policy(frozen_feed=frozen_feed), "is_demo": True}
        assert ask(snapshot_of, certified_base(), facts, policy=changed).allowed is allowed


class TestFindings:
    @pytest.mark.parametrize(
        ("days_out", "outcome"),
        [(0, Outcome.WARN), (13.99, Outcome.WARN), (14, Outcome.FAIL), (400, Outcome.FAIL)],
    )
    @pytest.mark.parametrize("severity", ["critical", "high", "medium", "low", "unknown"])
    def test_a_fixable_finding_warns_through_its_grace_then_refuses(self, snapshot_of, days_out, outcome, severity):
        row = Fixable(severity, 1, int(NOW - days_out * DAY), "CVE-2026-1 in openssl 1 (fixed in 2)")
        found = check(ask(snapshot_of, certified_base(), application(fixable=(row,))), "findings")
        assert found.outcome is outcome
        assert "CVE-2026-1" in found.reason

    def test_the_verdict_ends_when_the_grace_does(self, snapshot_of):
        row = Fixable("high", 1, NOW - 10 * DAY, "CVE-2026-1")
        assert ask(snapshot_of, certified_base(), application(fixable=(row,))).valid_until == NOW + 4 * DAY

    def test_the_worst_severity_by_time_decides_whatever_its_place(self, snapshot_of):
        rows = (Fixable("critical", 1, NOW - DAY, "new"), Fixable("low", 1, NOW - 20 * DAY, "old"))
        assert check(ask(snapshot_of, certified_base(), application(fixable=rows)), "findings").outcome is Outcome.FAIL

    def test_known_exploited_refuses_a_new_digest_before_its_due_date(self, snapshot_of):
        facts = application(known_exploited=1, known_exploited_due_at=NOW + DAY, known_exploited_example="CVE-2026-2")
        assert check(ask(snapshot_of, certified_base(), facts), "findings").outcome is Outcome.FAIL

    def test_an_overdue_known_exploited_one_refuses_even_where_the_policy_only_warns(self, snapshot_of):
        loose = policy(findings={**DEFAULT_JSON["deploy"]["findings"], "known_exploited": "warn"})
        facts = application(known_exploited=1, known_exploited_due_at=NOW)
        assert not ask(snapshot_of, certified_base(), facts, policy=loose).allowed
        facts = application(known_exploited=1, known_exploited_due_at=NOW + 1)
        assert ask(snapshot_of, certified_base(), facts, policy=loose).allowed

    @pytest.mark.parametrize(("unfixed", "outcome"), [("accept", "pass"), ("warn", "warn"), ("refuse", "fail")])
    def test_unfixed_findings_do_what_the_policy_says(self, snapshot_of, unfixed, outcome):
        changed = policy(findings={**DEFAULT_JSON["deploy"]["findings"], "unfixed": unfixed})
        verdict = ask(snapshot_of, certified_base(), application(unfixed=12, unfixed_example="CVE-1"), policy=changed)
        assert check(verdict, "findings").outcome == outcome


class TestApproved:
    @pytest.mark.parametrize(
        ("base", "outcome"),
        [
            pytest.param({}, Outcome.PASS, id="live"),
            pytest.param({"certified_until": NOW}, Outcome.FAIL, id="ended-this-second"),
            pytest.param({"certified_until": NOW + 1}, Outcome.PASS, id="one-second-left"),
            pytest.param({"certified_from": NOW + 1}, Outcome.FAIL, id="not-begun"),
            pytest.param({"certified_from": 0, "certified_until": 0}, Outcome.FAIL, id="never"),
            pytest.param({"revoked_at": NOW}, Outcome.FAIL, id="revoked"),
            pytest.param({"revoked_at": NOW + 1}, Outcome.PASS, id="revocation-announced"),
            pytest.param({"suspended_from": NOW - 5}, Outcome.FAIL, id="suspended"),
            pytest.param({"suspended_from": NOW - 5, "suspended_until": NOW}, Outcome.PASS, id="suspension-lifted"),
            pytest.param({"suspended_from": NOW - 5, "suspended_until": NOW + 1}, Outcome.FAIL, id="suspension-runs"),
            pytest.param({"rejected_at": NOW - 5}, Outcome.FAIL, id="rejected"),
            pytest.param({"retiring_from": NOW - 5}, Outcome.WARN, id="retiring"),
        ],
    )
    @pytest.mark.parametrize("reference", [APP_REFERENCE, BASE_REFERENCE])
    def test_the_certificate_of_the_base_decides(self, snapshot_of, base, outcome, reference):
        verdict = ask(snapshot_of, certified_base(**base), application(), reference=reference)
        assert check(verdict, "approved").outcome is outcome
        assert verdict.allowed is (outcome in (Outcome.PASS, Outcome.WARN))

    def test_an_announced_revocation_ends_the_verdict(self, snapshot_of):
        assert ask(snapshot_of, certified_base(revoked_at=NOW + 60), application()).valid_until == NOW + 60

    def test_the_refusal_names_the_successor_in_full(self, snapshot_of):
        ended = certified_base(certified_until=NOW - 4 * DAY, use_instead=SUCCESSOR, use_instead_name="12.15-2")
        found = ask(snapshot_of, ended, application()).images[0].refusal
        assert found.reason == "certificate of debian/12 12.15-20261124.1 ended 2026-11-20"
        assert found.remedy == f"Rebuild: FROM {SUCCESSOR} (12.15-2)."
        found = ask(snapshot_of, ended, application(), reference=BASE_REFERENCE).images[0].refusal
        assert found.reason == "certificate ended 2026-11-20"
        assert found.remedy == f"Use {SUCCESSOR} (12.15-2)."

    @pytest.mark.parametrize(
        "facts",
        [
            pytest.param(application(lineage=Lineage.UNKNOWN, bases=()), id="no-ancestor"),
            pytest.param(application(bases=(digest_of("gone"),)), id="ancestor-not-in-the-snapshot"),
        ],
    )
    def test_lineage_that_cannot_be_told_is_unknown(self, snapshot_of, facts):
        assert check(ask(snapshot_of, certified_base(), facts), "approved").outcome is Outcome.UNKNOWN

    def test_the_worst_of_several_possible_bases_decides(self, snapshot_of):
        other = certified_base(digest=digest_of("twin"))
        facts = application(lineage=Lineage.AMBIGUOUS, bases=(BASE, other.digest))
        assert ask(snapshot_of, certified_base(), other, facts).allowed
        revoked = certified_base(digest=digest_of("twin"), revoked_at=NOW)
        assert not ask(snapshot_of, certified_base(), revoked, facts).allowed

    def test_lineage_is_climbed_to_the_nearest_certified_ancestor(self, snapshot_of):
        middle = application(digest=digest_of("middle"), repositories=("registry.corp/apps/middle",))
        facts = application(bases=(middle.digest,))
        assert ask(snapshot_of, certified_base(), middle, facts).allowed
        assert not ask(snapshot_of, certified_base(revoked_at=NOW), middle, facts).allowed

    def test_lineage_in_a_circle_ends_and_refuses(self, snapshot_of):
        one, two = digest_of("one"), digest_of("two")
        facts = [
            application(digest=one, bases=(two,)),
            application(digest=two, bases=(one,)),
            application(bases=(one,)),
        ]
        assert not ask(snapshot_of, *facts).allowed

    def test_its_own_expired_certificate_decides_although_its_base_is_certified(self, snapshot_of):
        own = {"subversion": "python/3.12 1", "certified_from": NOW - 9 * DAY, "certified_until": NOW - DAY}
        assert not ask(snapshot_of, certified_base(), application(**own)).allowed

    @pytest.mark.parametrize("field", ["revoked_at", "suspended_from", "rejected_at"])
    def test_its_own_withdrawal_decides_although_its_base_is_certified(self, snapshot_of, field):
        assert not ask(snapshot_of, certified_base(), application(**{field: NOW - 1})).allowed

    def test_a_revocation_in_the_overlay_beats_the_base_file(self, snapshot_of):
        revocation = Revocation(digest=BASE, revoked_at=NOW - 1, reason="backdoor")
        found = ask(snapshot_of, revocations=(revocation,)).images[0].refusal
        assert "revoked" in found.reason
        assert "backdoor" in found.reason

    def test_a_revocation_in_the_overlay_beats_the_overlays_own_facts(self, snapshot_of):
        revocation = Revocation(digest=BASE, revoked_at=NOW - 1)
        assert not ask(snapshot_of, revocations=(revocation,), facts=(certified_base(),)).allowed


class TestModes:
    @pytest.mark.parametrize(
        ("mode", "reference", "allowed"),
        [
            ("certified-only", BASE_REFERENCE, True),
            ("certified-only", APP_REFERENCE, False),
            ("certified-base", BASE_REFERENCE, True),
            ("certified-base", APP_REFERENCE, True),
            ("trusted-any", APP_REFERENCE, True),
        ],
    )
    def test_whose_certificate_a_mode_asks_for(self, snapshot_of, mode, reference, allowed):
        assert ask(snapshot_of, reference=reference, policy=policy(mode=mode)).allowed is allowed

    def test_trusted_any_needs_no_certificate_but_everything_else(self, snapshot_of):
        facts = application(bases=(), lineage=Lineage.UNKNOWN)
        trusted = policy(mode="trusted-any")
        assert ask(snapshot_of, facts, policy=trusted).allowed
        assert not ask(snapshot_of, application(bases=(), scan=ScanState.NONE), policy=trusted).allowed
        assert not ask(snapshot_of, facts, policy=trusted, trusted_repositories=("other.corp",)).allowed
        assert not ask(snapshot_of, facts, policy=trusted, reference=f"{APP_NAME}@{digest_of('x')}").allowed

    @pytest.mark.parametrize("mode", ["certified-only", "certified-base", "trusted-any"])
    @pytest.mark.parametrize("reference", [APP_REFERENCE, BASE_REFERENCE])
    def test_a_revoked_base_refuses_in_every_mode(self, snapshot_of, mode, reference):
        revoked = certified_base(revoked_at=NOW)
        assert not ask(snapshot_of, revoked, application(), reference=reference, policy=policy(mode=mode)).allowed


class TestSigned:
    @pytest.mark.parametrize("mode", ["certified-only", "certified-base"])
    def test_without_our_signature_it_is_refused(self, snapshot_of, mode):
        unsigned = certified_base(signed_repositories=())
        verdict = ask(snapshot_of, unsigned, reference=BASE_REFERENCE, policy=policy(mode=mode))
        assert verdict.images[0].refusal.code == "signed"

    def test_certified_only_asks_for_a_signature_over_this_very_repository(self, snapshot_of):
        copied = certified_base(repositories=(BASE_NAME, "registry.corp/copies/debian"))
        strict = policy(mode="certified-only")
        assert ask(snapshot_of, copied, reference=BASE_REFERENCE, policy=strict).allowed
        verdict = ask(snapshot_of, copied, reference=f"registry.corp/copies/debian@{BASE}", policy=strict)
        assert verdict.images[0].refusal.code == "signed"
        assert verdict.images[0].refusal.remedy == f"Use {BASE_REFERENCE}."


class TestIndex:
    AMD64, ARM64, INDEX = digest_of("amd64"), digest_of("arm64"), digest_of("index")
    REFERENCE = f"{BASE_NAME}@{INDEX}"

    def index(self, **overrides: Any) -> DigestFacts:
        fields = {"digest": self.INDEX, "kind": ArtifactKind.INDEX, "members": (self.AMD64, self.ARM64), "user": ""}
        unscanned = {"scan": ScanState.NONE, "scanned_at": 0, "feed_at": 0}
        return certified_base(**{**fields, **unscanned, **overrides})

    def child(self, digest: str, **overrides: Any) -> DigestFacts:
        fields = {"digest": digest, "repositories": (), "user": "65532", "member_of": (self.INDEX,)}
        return DigestFacts(**{**fields, **clean_scan(), **overrides})

    def ask(self, snapshot_of: SnapshotFactory, *facts: DigestFacts, reference: str = "", **overlay: Any) -> Verdict:
        return ask(snapshot_of, *facts, reference=reference or self.REFERENCE, **overlay)

    def test_a_certified_index_with_evidence_for_each_child_is_allowed(self, snapshot_of):
        assert self.ask(snapshot_of, self.index(), self.child(self.AMD64), self.child(self.ARM64)).allowed

    @pytest.mark.parametrize(
        "worse",
        [
            pytest.param({"scan": ScanState.NONE}, id="not-scanned"),
            pytest.param({"scan": ScanState.FAILED}, id="scan-failed"),
            pytest.param({"known_exploited": 1}, id="known-exploited"),
            pytest.param({"user": ""}, id="runs-as-root"),
            pytest.param({"revoked_at": NOW}, id="revoked-by-name"),
        ],
    )
    def test_the_worst_child_decides(self, snapshot_of, worse):
        verdict = self.ask(snapshot_of, self.index(), self.child(self.AMD64), self.child(self.ARM64, **worse))
        assert not verdict.allowed

    def test_a_child_that_is_not_known_refuses(self, snapshot_of):
        assert not self.ask(snapshot_of, self.index(), self.child(self.AMD64)).allowed

    def test_an_index_without_runnable_children_refuses(self, snapshot_of):
        assert not self.ask(snapshot_of, self.index(members=())).allowed

    def test_a_child_passes_by_membership_and_its_own_evidence(self, snapshot_of):
        facts = [self.index(), self.child(self.AMD64), self.child(self.ARM64, scan=ScanState.FAILED)]
        assert self.ask(snapshot_of, *facts, reference=f"{BASE_NAME}@{self.AMD64}").allowed
        assert not self.ask(snapshot_of, *facts, reference=f"{BASE_NAME}@{self.ARM64}").allowed

    def test_membership_that_the_index_does_not_confirm_counts_for_nothing(self, snapshot_of):
        facts = [self.index(members=(self.AMD64,)), self.child(self.AMD64), self.child(self.ARM64)]
        assert not self.ask(snapshot_of, *facts, reference=f"{BASE_NAME}@{self.ARM64}").allowed

    def test_a_revoked_index_speaks_against_its_children(self, snapshot_of):
        facts = [self.index(revoked_at=NOW), self.child(self.AMD64), self.child(self.ARM64)]
        assert not self.ask(snapshot_of, *facts, reference=f"{BASE_NAME}@{self.AMD64}").allowed

    def test_a_later_certified_index_speaks_for_a_child_again(self, snapshot_of):
        newer = self.index(digest=digest_of("index 2"), certified_from=NOW - DAY)
        child = self.child(self.AMD64, member_of=(self.INDEX, newer.digest))
        reference = f"{BASE_NAME}@{self.AMD64}"
        facts = [newer, child, self.child(self.ARM64)]
        assert self.ask(snapshot_of, self.index(revoked_at=NOW - 2 * DAY), *facts, reference=reference).allowed
        assert not self.ask(snapshot_of, self.index(revoked_at=NOW - DAY // 2), *facts, reference=reference).allowed

    def test_an_application_on_a_child_stands_by_the_certified_index(self, snapshot_of):
        facts = [self.index(), self.child(self.AMD64), self.child(self.ARM64), application(bases=(self.AMD64,))]
        assert ask(snapshot_of, *facts).allowed
        assert not ask(snapshot_of, self.index(suspended_from=NOW - 1), *facts[1:]).allowed

    def test_an_application_index_stands_by_the_base_of_each_child(self, snapshot_of):
        index = self.index(subversion="", certified_from=0, certified_until=0, signed_repositories=())
        good = self.child(self.AMD64, bases=(BASE,))
        assert self.ask(snapshot_of, certified_base(), index, good, self.child(self.ARM64, bases=(BASE,))).allowed
        assert not self.ask(snapshot_of, certified_base(), index, good, self.child(self.ARM64)).allowed

    def test_a_user_set_by_the_pod_holds_for_every_platform(self, snapshot_of):
        snapshot = snapshot_of(self.index(), self.child(self.AMD64, user=""), self.child(self.ARM64, user="app"))
        assert not decide([ImageUse(reference=self.REFERENCE)], snapshot=snapshot, at=NOW).allowed
        assert decide([ImageUse(reference=self.REFERENCE, run_as_user=1000)], snapshot=snapshot, at=NOW).allowed


class TestRestart:
    ENDED = {"certified_until": NOW - DAY}

    @pytest.mark.parametrize(("days_ago", "allowed"), [(1, True), (29.99, True), (30, False), (31, False)])
    def test_what_ran_here_within_thirty_days_starts_again_although_its_base_expired(
        self, snapshot_of, days_ago, allowed
    ):
        verdict = ask(snapshot_of, certified_base(**self.ENDED), application(), **ran(days_ago))
        assert verdict.allowed is allowed
        assert verdict.images[0].line is (Line.RESTART if allowed else Line.DEPLOY)

    def test_it_is_said_in_the_answer(self, snapshot_of):
        verdict = ask(snapshot_of, certified_base(**self.ENDED), application(), **ran(1))
        assert "starts again" in check(verdict, "approved").reason
        assert check(verdict, "approved").outcome is Outcome.WARN

    @pytest.mark.parametrize(
        "where", [Where(cluster="prod", namespace="other"), Where(cluster="dev", namespace="web"), Where()]
    )
    def test_only_for_the_cluster_and_namespace_that_ran_it(self, snapshot_of, where):
        snapshot = snapshot_of(certified_base(**self.ENDED), application(), **ran(1))
        assert not decide([ImageUse(reference=APP_REFERENCE)], snapshot=snapshot, at=NOW, where=where).allowed

    @pytest.mark.parametrize(
        ("base", "own"),
        [
            pytest.param({"revoked_at": NOW}, {}, id="base-revoked"),
            pytest.param({"suspended_from": NOW}, {}, id="base-suspended"),
            pytest.param({"rejected_at": NOW}, {}, id="base-rejected"),
            pytest.param({}, {"revoked_at": NOW}, id="revoked"),
            pytest.param({}, {"suspended_from": NOW}, id="suspended"),
            pytest.param({}, {"known_exploited": 1, "known_exploited_due_at": NOW}, id="known-exploited-overdue"),
            pytest.param({}, {"known_exploited": 1}, id="known-exploited-without-a-date"),
            pytest.param({}, {"user": ""}, id="root"),
            pytest.param({"certified_from": 0, "certified_until": 0}, {}, id="never-certified"),
        ],
    )
    def test_never_when_withdrawn_overdue_or_root(self, snapshot_of, base, own):
        assert not ask(snapshot_of, certified_base(**base), application(**own), **ran(1)).allowed

    @pytest.mark.parametrize(
        "own",
        [
            pytest.param({"scanned_at": NOW - 300 * DAY}, id="old-scan"),
            pytest.param({"feed_at": NOW - 300 * DAY}, id="dead-feed"),
            pytest.param({"scan": ScanState.FAILED}, id="scan-failed"),
            pytest.param({"fixable": (Fixable("critical", 1, NOW - 90 * DAY, "CVE-1"),)}, id="old-finding"),
            pytest.param({"known_exploited": 1, "known_exploited_due_at": NOW + 1}, id="known-exploited-not-due"),
        ],
    )
    def test_freshness_and_findings_warn_what_ran_and_refuse_what_is_new(self, snapshot_of, own):
        assert ask(snapshot_of, certified_base(), application(**own), **ran(1)).allowed
        assert not ask(snapshot_of, certified_base(), application(**own)).allowed


class TestRoot:
    def ask(self, snapshot_of: SnapshotFactory, user: str, **use: Any) -> Check:
        snapshot = snapshot_of(certified_base(), application(user=user))
        return check(decide([ImageUse(reference=APP_REFERENCE, **use)], snapshot=snapshot, at=NOW), "root")

    @pytest.mark.parametrize(
        ("user", "outcome"),
        [
            ("65532", Outcome.PASS),
            ("1000:1000", Outcome.PASS),
            ("1000:root", Outcome.PASS),
            ("", Outcome.FAIL),
            ("root", Outcome.FAIL),
            ("0", Outcome.FAIL),
            ("0:1000", Outcome.FAIL),
            ("00", Outcome.FAIL),
            (":1000", Outcome.FAIL),
            ("nobody", Outcome.UNKNOWN),
            ("+0", Outcome.UNKNOWN),
            (" 0", Outcome.UNKNOWN),
            ("1000\n", Outcome.UNKNOWN),
            ("-1", Outcome.UNKNOWN),
            ("4294967296", Outcome.UNKNOWN),
            ("2147483647", Outcome.PASS),
            ("2147483648", Outcome.UNKNOWN),
            ("٣", Outcome.UNKNOWN),
        ],
    )
    def test_the_images_user(self, snapshot_of, user, outcome):
        assert self.ask(snapshot_of, user).outcome is outcome

    @pytest.mark.parametrize("user", ["", "root", "nobody", "0", "65532"])
    def test_the_pods_number_overrides_the_image(self, snapshot_of, user):
        assert self.ask(snapshot_of, user, run_as_user=65532).outcome is Outcome.PASS
        assert self.ask(snapshot_of, user, run_as_user=0).outcome is Outcome.FAIL
        assert self.ask(snapshot_of, user, run_as_user=-1).outcome is Outcome.UNKNOWN
        assert self.ask(snapshot_of, user, is_user_malformed=True).outcome is Outcome.UNKNOWN

    def test_a_mounted_image_does_not_run(self, snapshot_of):
        assert self.ask(snapshot_of, "", place=Place.VOLUME).outcome is Outcome.PASS

    def test_outside_a_pod_it_is_stated_not_refused(self, snapshot_of):
        assert self.ask(snapshot_of, "", place=Place.BARE).outcome is Outcome.WARN
        assert self.ask(snapshot_of, "nobody", place=Place.BARE).outcome is Outcome.WARN
