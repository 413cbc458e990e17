"""``goldgate provenance``: what a person reads, and what a program does."""

import json

import pytest

from tests.client.provenance_answers import COMMIT, provenance
from tests.client.stand_in import DIGEST, Answer, StandIn, problem

PATH = f"GET /api/v1/artifacts/{DIGEST}/provenance"
SUBMITTED = {"kind": "github", "issuer": "https://issuer.example", "subject": "repo:acme/x:ref:y", "at": "2026-11-24"}


@pytest.fixture
def known(signed_in: StandIn) -> StandIn:
    signed_in.answers[PATH] = Answer(provenance())
    return signed_in


class TestProvenance:
    def test_says_who_built_it(self, run, known):
        ran = run("provenance", DIGEST)
        assert ran.status == 0
        assert f"commit      {COMMIT}" in ran.out
        assert "approved by rita and sam" in ran.out

    def test_says_when_nobody_had_approved_it(self, run, known):
        known.answers[PATH] = Answer(provenance(is_recipe_approved=False, approved_by=[]))
        assert "approved by nobody, when it was built" in run("provenance", DIGEST).out

    def test_says_which_pipeline_submitted_it(self, run, known):
        known.answers[PATH] = Answer(provenance(recipe=None, submitted_by=SUBMITTED))
        assert "submitted   by repo:acme/x:ref:y (https://issuer.example)" in run("provenance", DIGEST).out

    def test_says_that_a_second_build_differs(self, run, known):
        second = {"number": 8, "comparison": {"layers": 2, "equal": 1, "is_reproduced": False}}
        known.answers[PATH] = Answer(provenance(reproductions=[second]))
        assert "build 8: differs, 1 of 2 layers equal" in run("provenance", DIGEST).out

    def test_prints_the_predicate_for_programs(self, run, known):
        assert json.loads(run("provenance", DIGEST, "--predicate").out) == provenance()["predicate"]

    def test_what_nobody_built_here_is_missing(self, run, known):
        known.answers[PATH] = Answer(problem(404, "Who built it is not known.", code="provenance_missing"), 404)
        ran = run("provenance", DIGEST)
        assert ran.status == 2
        assert "not known" in ran.err

    def test_what_is_no_digest_is_asked_of_nobody(self, run, known):
        asked = len(known.asked)
        assert run("provenance", "../people").status == 2
        assert len(known.asked) == asked
