"""``goldgate builds``: what it shows, and how it ends."""

import json

import pytest

from tests.client.builds_answers import BUILD, SECOND, SOURCE, answers, build
from tests.client.stand_in import Answer, StandIn

FAILED = {"state": "failed", "failure": "apt-get failed.", "failed_line": 2, "subversion_name": None, "artifact": None}


@pytest.fixture
def portal(signed_in: StandIn) -> StandIn:
    signed_in.answers = answers()
    return signed_in


class TestBuilds:
    def test_list_asks_for_the_source_by_its_name(self, run, portal: StandIn) -> None:
        ran = run("builds", "list", "--source", "debian-base", "--state", "succeeded")

        assert ran.status == 0
        assert "debian-base 7" in ran.out
        assert f"source={SOURCE}" in portal.asked[-1].query
        assert "state=succeeded" in portal.asked[-1].query

    def test_a_source_that_is_not_there(self, run, portal: StandIn) -> None:
        portal.answers["GET /api/v1/sources"] = Answer({"next": None, "results": []})

        ran = run("builds", "start", "nothing")

        assert ran.status == 2
        assert not any(asked.method == "POST" for asked in portal.asked)

    def test_start_follows_the_log_to_its_end(self, run, portal: StandIn) -> None:
        first = {"state": "running", "text": "STEP 1\n", "next": 1, "is_end": False}
        last = {"state": "succeeded", "text": "STEP 2\n", "next": 2, "is_end": True}
        portal.answers[f"GET /api/v1/builds/{BUILD}/log"] = [Answer(first), Answer(last)]

        ran = run("builds", "start", "debian-base")

        assert ran.status == 0
        assert ran.out.startswith("STEP 1\nSTEP 2\n")
        assert "succeeded" in ran.out

    def test_a_build_that_failed_is_exit_status_1_with_its_line(self, run, portal: StandIn) -> None:
        portal.answers = answers(**FAILED)

        ran = run("builds", "watch", BUILD)

        assert ran.status == 1
        assert "apt-get failed." in ran.out
        assert "line      2" in ran.out

    def test_no_change_is_no_failure(self, run, portal: StandIn) -> None:
        portal.answers = answers(state="no_change", subversion_name=None, artifact=None)

        assert run("builds", "watch", BUILD).status == 0

    def test_json_keeps_the_log_out_of_the_result(self, run, portal: StandIn) -> None:
        ran = run("builds", "watch", BUILD, "-o", "json")

        assert json.loads(ran.out)["id"] == BUILD
        assert "STEP 1/3" in ran.err

    def test_what_is_no_id_is_never_sent(self, run, portal: StandIn) -> None:
        assert run("builds", "show", "../../people").status == 2
        assert portal.asked == []


class TestReproduce:
    def test_equal_layers_are_reproduced(self, run, portal: StandIn) -> None:
        ran = run("builds", "reproduce", BUILD)
        assert ran.status == 0
        assert "reproduced: all 3 layers are equal" in ran.out

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"comparison": {"layers": 3, "equal": 1, "is_reproduced": False}}, id="another-layer"),
            pytest.param({"comparison": {}}, id="not-compared"),
            pytest.param({"state": "failed", "comparison": {}}, id="failed"),
        ],
    )
    def test_anything_else_is_exit_status_1(self, run, portal: StandIn, changes) -> None:
        portal.answers[f"GET /api/v1/builds/{SECOND}"] = Answer(build(id=SECOND, purpose="reproduction", **changes))
        assert run("builds", "reproduce", BUILD).status == 1

    def test_without_waiting(self, run, portal: StandIn) -> None:
        assert run("builds", "reproduce", BUILD, "--no-wait").status == 0
        assert [asked.method for asked in portal.asked] == ["POST"]
