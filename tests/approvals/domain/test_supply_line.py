from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from approvals.domain.evidence import BrokenRule, BuildEvidence, FilesEvidence
from approvals.domain.line import Outcome
from approvals.domain.supply_line import hardening_line, supply_lines
from tests.factories.approvals import evidence

CLEAN = FilesEvidence(state="complete", files_digest="sha256:" + "a" * 64)
SECRET = BrokenRule("GG2004", "A private key is in the image.", "Rebuild without it.", "root/.ssh/id_rsa")
BUILD = BuildEvidence(
    source="debian-12",
    number=3,
    builder="buildah",
    builder_id="https://gate.example/builders/buildah",
    commit="c" * 40,
    recipe_sha256="d" * 64,
    recipe_number=2,
    is_recipe_approved=True,
    recipe_approved_by=("ann", "bob"),
    provenance_sha256="e" * 64,
)


def lines(build: BuildEvidence | None) -> dict[str, Outcome]:
    return {line.code: line.outcome for line in supply_lines(build)}


class TestHardening:
    def test_a_broken_rule_refuses_and_names_its_remedy(self, now: datetime):
        line = hardening_line([evidence(now, files=replace(CLEAN, errors=(SECRET,)))], None)
        assert (line.outcome, line.remedy) == (Outcome.FAIL, "Rebuild without it.")
        assert line.items == ("GG2004: A private key is in the image. (root/.ssh/id_rsa)",)

    def test_a_waiver_lets_it_pass_and_is_told(self, now: datetime):
        waived = replace(SECRET, waived_until=now + timedelta(days=3), waived_by="sam", waiver_reason="A test key.")
        line = hardening_line([evidence(now, files=replace(CLEAN, errors=(waived,)))], None)
        assert line.outcome is Outcome.WARN
        assert "waived until 2026-11-27 by sam" in line.items[0]

    def test_one_waiver_does_not_cover_another_rule(self, now: datetime):
        waived = replace(SECRET, waived_until=now + timedelta(days=3), waived_by="sam")
        other = replace(SECRET, rule="GG2002", message="It is world-writable.")
        line = hardening_line([evidence(now, files=replace(CLEAN, errors=(waived, other)))], None)
        assert (line.outcome, len(line.items)) == (Outcome.FAIL, 1)

    def test_the_recipes_rules_count_too(self, now: datetime):
        build = replace(BUILD, errors=(replace(SECRET, rule="GG1003", where="line 2"),))
        assert hardening_line([evidence(now, files=CLEAN)], build).outcome is Outcome.FAIL

    @pytest.mark.parametrize(("build", "outcome"), [(BUILD, Outcome.UNKNOWN), (None, Outcome.WARN)])
    def test_not_inspected_is_never_clean(self, now: datetime, build: BuildEvidence | None, outcome: Outcome):
        assert hardening_line([evidence(now, files=FilesEvidence())], build).outcome is outcome

    def test_a_recipe_that_no_rule_was_held_against_is_never_clean(self, now: datetime):
        build = replace(BUILD, is_recipe_checked=False)
        assert hardening_line([evidence(now, files=CLEAN)], build).outcome is Outcome.UNKNOWN

    def test_one_child_not_inspected_decides(self, now: datetime):
        children = [evidence(now, files=CLEAN), evidence(now, files=FilesEvidence())]
        assert hardening_line(children, BUILD).outcome is Outcome.UNKNOWN

    def test_a_failed_inspection_is_unknown(self, now: datetime):
        failed = FilesEvidence(state="failed", failure="The layer is truncated.")
        line = hardening_line([evidence(now, files=failed)], None)
        assert (line.outcome, "truncated" in line.reason) == (Outcome.UNKNOWN, True)

    def test_kept_rules_pass(self, now: datetime):
        assert hardening_line([evidence(now, files=CLEAN)], BUILD).outcome is Outcome.PASS


class TestSupply:
    def test_what_was_adopted_has_no_such_lines(self):
        assert supply_lines(None) == []

    def test_an_approved_recipe_and_provenance_pass(self):
        assert lines(BUILD) == {"recipe": Outcome.PASS, "provenance": Outcome.PASS}

    def test_an_unreviewed_recipe_refuses(self):
        build = replace(BUILD, is_recipe_approved=False, recipe_approved_by=())
        assert lines(build)["recipe"] is Outcome.FAIL

    def test_provenance_not_made_yet_is_unknown(self):
        assert lines(replace(BUILD, provenance_sha256=""))["provenance"] is Outcome.UNKNOWN

    def test_a_pipelines_build_names_its_subject(self):
        build = replace(BUILD, recipe_sha256="", is_recipe_approved=False, submitted_by="repo:acme/base:ref:main")
        line = supply_lines(build)[0]
        assert (line.outcome, "repo:acme/base:ref:main" in line.reason) == (Outcome.PASS, True)
