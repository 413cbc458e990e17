"""The order of a wave, and what came of each image: from values alone."""

from dataclasses import replace

import pytest

from builds.domain.wave import Outcome, Reviews, RowFacts, plan, row_outcome

BUILT = RowFacts(is_started=True, owner="ada", build_state="succeeded", candidate="12-1", candidate_state="candidate")
TAKEN_BACK = Reviews(state="withdrawn", reason="x")


class TestPlan:
    def test_base_images_come_first(self) -> None:
        children = {"debian": {"python"}, "python": {"app"}}

        assert plan(children, "debian") == [("debian", None), ("python", "debian"), ("app", "python")]

    def test_what_does_not_stand_on_the_root_is_left_out(self) -> None:
        assert plan({"debian": {"python"}, "alpine": {"nginx"}}, "python") == [("python", None)]

    def test_it_waits_for_the_base_that_is_decided_last(self) -> None:
        children = {"debian": {"python", "app"}, "python": {"app"}}

        assert dict(plan(children, "debian"))["app"] == "python"

    def test_each_image_stands_once(self) -> None:
        children = {"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}

        assert sorted(key for key, _ in plan(children, "a")) == ["a", "b", "c", "d"]

    def test_a_circle_ends(self) -> None:
        children = {"a": {"b"}, "b": {"c"}, "c": {"a", "b"}}

        assert plan(children, "a") == [("a", None), ("b", "a"), ("c", "b")]

    def test_a_chain_of_ten_thousand(self) -> None:
        children = {number: [number + 1] for number in range(10_000)}

        assert plan(children, 0)[-1] == (10_000, 9_999)


class TestRowOutcome:
    @pytest.mark.parametrize(
        ("facts", "outcome"),
        [
            pytest.param(RowFacts(parent="debian/12"), Outcome.WAITS, id="waits-for-its-parent"),
            pytest.param(RowFacts(is_started=True, build_state="asked"), Outcome.BUILDING, id="building"),
            pytest.param(RowFacts(is_started=True, build_state="built"), Outcome.BUILDING, id="taken-in"),
            pytest.param(RowFacts(is_started=True, build_state="no_change"), Outcome.NO_CHANGE, id="no-change"),
            pytest.param(RowFacts(is_started=True, build_state="failed"), Outcome.FAILED, id="failed"),
            pytest.param(RowFacts(is_started=True, build_state="stopped"), Outcome.FAILED, id="stopped"),
            pytest.param(RowFacts(is_started=True), Outcome.ASKING, id="asking-upstream"),
            pytest.param(RowFacts(is_started=True, import_state="failed"), Outcome.FAILED, id="import-failed"),
            pytest.param(RowFacts(is_started=True, written="no_source"), Outcome.NO_SOURCE, id="no-source"),
            pytest.param(
                RowFacts(is_started=True, build_state="succeeded", written="fix_not_in_mirror"),
                Outcome.FIX_NOT_IN_MIRROR,
                id="fix-not-in-mirror",
            ),
            pytest.param(
                RowFacts(is_started=True, candidate="1", candidate_state="certified"), Outcome.CERTIFIED, id="certified"
            ),
            pytest.param(
                RowFacts(is_started=True, candidate="1", candidate_state="rejected"), Outcome.REJECTED, id="rejected"
            ),
            pytest.param(
                RowFacts(is_started=True, candidate="1", candidate_state="candidate", newer_certified="2"),
                Outcome.CERTIFIED,
                id="a-newer-one",
            ),
            pytest.param(BUILT, Outcome.EXAMINED, id="candidate"),
            pytest.param(
                replace(BUILT, reviews=Reviews(state="withdrawn", reason="x")), Outcome.WITHDRAWN, id="taken-back"
            ),
            pytest.param(
                replace(BUILT, reviews=Reviews(state="failed", reason="x")), Outcome.FAILED, id="not-certified"
            ),
            pytest.param(
                replace(BUILT, reviews=Reviews(state="withdrawn", reason="x"), newer_certified="12-2"),
                Outcome.CERTIFIED,
                id="taken-back-for-a-newer-one",
            ),
        ],
    )
    def test_first_rule_that_holds(self, facts: RowFacts, outcome: Outcome) -> None:
        assert row_outcome(facts).outcome is outcome

    def test_every_outcome_says_who_must_act(self) -> None:
        for outcome in Outcome:
            told = row_outcome(RowFacts(written=outcome))

            assert told.who
            assert told.sentence
            assert told.word

    def test_a_candidate_says_how_many_reviewers_are_missing(self) -> None:
        reviews = Reviews(state="open", needed=2, given=1, roles=("reviewer", "security_reviewer"))
        facts = RowFacts(is_started=True, candidate="12-1", candidate_state="candidate", reviews=reviews)

        told = row_outcome(facts)

        assert told.outcome is Outcome.IN_REVIEW
        assert told.sentence == "12-1 waits for 1 reviewer."
        assert told.who == "1 more of: reviewer or security reviewer, neither owner nor author."

    @pytest.mark.parametrize(
        ("is_superseded", "who"),
        [
            pytest.param(False, "ada proposes it again, or has it built anew.", id="by-a-person"),
            pytest.param(True, "Whoever reviews the newer one.", id="for-a-newer-one"),
        ],
    )
    def test_what_was_withdrawn_says_why_and_who_goes_on(self, is_superseded: bool, who: str) -> None:
        reviews = Reviews(state="withdrawn", reason="Superseded by 12-2.", is_superseded=is_superseded)

        told = row_outcome(replace(BUILT, reviews=reviews))

        assert (told.is_ended, told.sentence, told.who) == (True, "12-1 was withdrawn: Superseded by 12-2.", who)

    def test_a_failure_names_the_owner(self) -> None:
        told = row_outcome(RowFacts(is_started=True, build_state="failed", build_failure="apt failed", owner="ada"))

        assert (told.sentence, told.who) == ("Its build failed: apt failed", "ada, who owns its source.")
