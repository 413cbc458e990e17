import copy

import pytest

from gate.policy import DEFAULT, DEFAULT_JSON, DEMO, Action, MalformedPolicy, Mode, Of, PolicyDocument


def changed(pointer: str, value: object) -> dict:
    document = copy.deepcopy(DEFAULT_JSON)
    *parents, last = pointer.strip("/").split("/")
    place = document
    for key in parents:
        place = place[key]
    place[last] = value
    return document


class TestPolicyDocument:
    def test_the_default_says_what_the_design_says(self):
        certify, deploy, restart = DEFAULT.certify, DEFAULT.deploy, DEFAULT.restart
        assert (certify.reviewers, certify.certificate_days) == (2, 90)
        assert (certify.scan_max_age_days, certify.feed_max_age_hours) == (7, 48)
        assert (certify.known_exploited_feed_max_age_days, certify.end_of_life_feed_max_age_days) == (7, 120)
        assert certify.findings.known_exploited is Action.REFUSE
        assert [certify.findings.fixable_grace_days.of(one) for one in ("critical", "high")] == [0, 0]
        assert [certify.findings.fixable_grace_days.of(one) for one in ("medium", "low", "unknown", "x")] == [14] * 4
        assert certify.findings.unfixed is Action.ACCEPT
        assert (certify.end_of_life, certify.extended_support) == (Action.REFUSE, Action.WARN)
        assert certify.root is Action.WARN
        assert deploy.mode is Mode.CERTIFIED_BASE
        assert (deploy.scan_max_age_days, deploy.feed_max_age_hours) == (14, 7 * 24)
        assert deploy.findings.known_exploited is Action.REFUSE
        assert deploy.findings.fixable_grace_days.of("critical") == 14
        assert deploy.root is Action.REFUSE
        assert (restart.window_days, restart.expired_certificate) == (30, Action.WARN)

    @pytest.mark.parametrize(
        ("mode", "approved"),
        [(Mode.CERTIFIED_ONLY, Of.IMAGE), (Mode.CERTIFIED_BASE, Of.BASE), (Mode.TRUSTED_ANY, Of.NOBODY)],
    )
    def test_each_mode_asks_what_its_name_says(self, mode, approved):
        row = DEFAULT.modes.of(mode)
        assert (row.approved, row.signed, row.scanned, row.root) == (approved, approved, Of.IMAGE, Of.POD)

    @pytest.mark.parametrize("document", [DEFAULT, DEMO], ids=["default", "demo"])
    def test_writing_and_reading_gives_the_same(self, document):
        assert PolicyDocument.from_json(document.to_json()) == document

    def test_the_hash_changes_with_any_number(self):
        other = PolicyDocument.from_json(changed("/certify/certificate_days", 89))
        assert other.sha256 != DEFAULT.sha256
        assert PolicyDocument.from_json(DEFAULT.to_json()).sha256 == DEFAULT.sha256

    @pytest.mark.parametrize(
        ("pointer", "value", "code"),
        [
            ("/certify/reviewer", 2, "unknown_key"),
            ("/certify/findings/fixable_grace_days/moderate", 2, "unknown_key"),
            ("/certify/reviewers", 0, "out_of_range"),
            ("/certify/reviewers", "2", "wrong_type"),
            ("/certify/reviewers", True, "wrong_type"),
            ("/certify/reviewers", 2.0, "wrong_type"),
            ("/certify/reviewers", None, "wrong_type"),
            ("/certify/findings", [], "wrong_type"),
            ("/certify/findings/known_exploited", "accept", "not_allowed"),
            ("/certify/findings/known_exploited", 1, "not_allowed"),
            ("/certify/reviewer_roles", [], "wrong_type"),
            ("/certify/reviewer_roles", ["reviewer", "reviewer"], "doubled"),
            ("/deploy/mode", "anything", "not_allowed"),
            ("/deploy/root", "accept", "not_allowed"),
            ("/name", "", "out_of_range"),
            ("/schema", "goldgate.policy/v2", "not_allowed"),
            ("/is_demo", 0, "wrong_type"),
        ],
    )
    def test_names_the_wrong_place(self, pointer, value, code):
        with pytest.raises(MalformedPolicy) as refused:
            PolicyDocument.from_json(changed(pointer, value))
        assert [(row.pointer, row.code) for row in refused.value.errors] == [(pointer, code)]

    def test_names_the_wrong_item_of_a_list(self):
        with pytest.raises(MalformedPolicy) as refused:
            PolicyDocument.from_json(changed("/certify/reviewer_roles", ["reviewer", "viewer"]))
        assert [row.pointer for row in refused.value.errors] == ["/certify/reviewer_roles/1"]

    def test_escapes_a_key_as_rfc_6901_asks(self):
        document = {**copy.deepcopy(DEFAULT_JSON), "a/b~c": 1}
        with pytest.raises(MalformedPolicy) as refused:
            PolicyDocument.from_json(document)
        assert [row.pointer for row in refused.value.errors] == ["/a~1b~0c"]

    def test_a_missing_key_is_not_filled_in(self):
        document = copy.deepcopy(DEFAULT_JSON)
        del document["restart"]["window_days"]
        with pytest.raises(MalformedPolicy) as refused:
            PolicyDocument.from_json(document)
        assert [(row.pointer, row.code) for row in refused.value.errors] == [("/restart/window_days", "missing_key")]

    @pytest.mark.parametrize("value", [None, [], "policy", 7])
    def test_what_is_no_object_is_no_policy(self, value):
        with pytest.raises(MalformedPolicy):
            PolicyDocument.from_json(value)

    @pytest.mark.parametrize("section", ["certify", "deploy"])
    def test_only_a_demo_accepts_a_feed_that_stands_still(self, section):
        with pytest.raises(MalformedPolicy) as refused:
            PolicyDocument.from_json(changed(f"/{section}/frozen_feed", "accept"))
        assert refused.value.errors[0].code == "demo_only"
        assert DEMO.is_demo
        assert DEMO.certify.frozen_feed is Action.ACCEPT

    @pytest.mark.parametrize("of", ["image", "nobody"])
    def test_a_mode_keeps_the_promise_of_its_name(self, of):
        with pytest.raises(MalformedPolicy) as refused:
            PolicyDocument.from_json(changed("/modes/certified-base/approved", of))
        assert [row.pointer for row in refused.value.errors] == ["/modes/certified-base"]
