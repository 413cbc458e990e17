"""``goldgate sbom``: attested inventories from the command line."""

import json

import pytest

from tests.client.sbom_answers import PATH, ROW, SIGNER
from tests.client.stand_in import DIGEST, Answer, StandIn, problem


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b'{"payloadType": "x"}')
    return path


class TestAttest:
    def test_hands_the_file_in_as_it_is(self, run, signed_in: StandIn, file):
        signed_in.answers[f"POST {PATH}"] = Answer(ROW, status=201)
        ran = run("sbom", "attest", DIGEST, "-f", str(file))
        assert ran.status == 0, ran.err
        assert "Verified: 12 components, CycloneDX 1.6, signed by base images." in ran.out
        (asked,) = [one for one in signed_in.asked if one.method == "POST"]
        assert asked.body == file.read_bytes()

    def test_says_why_it_was_refused(self, run, signed_in: StandIn, file):
        signed_in.answers[f"POST {PATH}"] = Answer(problem(409, "No signer that is named here."), 409)
        ran = run("sbom", "attest", DIGEST, "-f", str(file))
        assert ran.status == 1
        assert "No signer that is named here." in ran.err

    def test_a_missing_file_and_a_name_without_a_digest_are_wrong_input(self, run, signed_in: StandIn, file, tmp_path):
        assert run("sbom", "attest", DIGEST, "-f", str(tmp_path / "none")).status == 2
        assert run("sbom", "attest", "debian:12", "-f", str(file)).status == 2


class TestLists:
    def test_shows_what_is_attested(self, run, signed_in: StandIn):
        signed_in.answers[f"GET {PATH}"] = Answer({"results": [ROW], "next": None})
        assert "base images" in run("sbom", "list", DIGEST).out
        assert json.loads(run("sbom", "list", DIGEST, "-o", "json").out) == [ROW]

    def test_shows_who_may_attest_what(self, run, signed_in: StandIn):
        ended = SIGNER | {"name": "older", "ended_at": "2026-11-24T12:00:00Z", "end_reason": "it leaked"}
        signed_in.answers["GET /api/v1/inventory-signers"] = Answer({"results": [SIGNER, ended], "next": None})
        out = run("sbom", "signers").out
        assert "debian, registry.example/base" in out
        assert "ended: it leaked" in out
