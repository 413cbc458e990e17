"""``goldgate sources``: what it shows, and how it ends."""

import json

import pytest

from tests.client.sources_answers import SOURCE, answers
from tests.client.stand_in import Answer, StandIn
from tests.client.test_statuses import API, JOB


@pytest.fixture
def portal(signed_in: StandIn) -> StandIn:
    signed_in.answers = answers() | {f"GET {API}/jobs/j1": Answer(JOB)}
    return signed_in


class TestSources:
    def test_list_as_a_table_and_as_json(self, run, portal: StandIn) -> None:
        ran = run("sources", "list", "--not-paused")
        assert ran.status == 0
        assert "debian-base  debian/12  https://git.example/base.git" in ran.out
        assert portal.asked[-1].query == "paused=false"
        assert json.loads(run("-o", "json", "sources", "list").out)[0]["id"] == SOURCE

    def test_show_names_its_recipes(self, run, portal: StandIn) -> None:
        ran = run("sources", "show", "debian-base")
        assert ran.status == 0
        assert "recipe 2  efefefefefefefef unreviewed" in ran.out
        shown = json.loads(run("-o", "json", "sources", "show", "debian-base").out)
        assert [recipe["number"] for recipe in shown["recipes"]] == [2, 1]

    def test_a_source_that_is_not_there(self, run, portal: StandIn) -> None:
        portal.answers[f"GET {API}/sources"] = Answer({"next": None, "results": []})
        ran = run("sources", "fetch", "nothing")
        assert ran.status == 2
        assert "There is no source 'nothing'." in ran.err
        assert not any(asked.method == "POST" for asked in portal.asked)

    def test_fetch_waits_for_its_job(self, run, portal: StandIn) -> None:
        ran = run("sources", "fetch", "debian-base")
        assert ran.status == 0
        assert portal.asked[-2].path == f"{API}/sources/{SOURCE}"
        assert "debian-base: ok" in ran.out

    def test_a_refused_repository_is_exit_status_1(self, run, portal: StandIn) -> None:
        portal.answers |= answers(last_failure="The commit holds no Dockerfile.")
        portal.answers[f"GET {API}/jobs/j1"] = Answer(JOB | {"state": "failed"})
        ran = run("sources", "fetch", "debian-base")
        assert ran.status == 1
        assert "failure   The commit holds no Dockerfile." in ran.out

    def test_fetch_without_waiting(self, run, portal: StandIn) -> None:
        ran = run("sources", "fetch", "debian-base", "--no-wait")
        assert ran.status == 0
        assert "/api/v1/jobs/j1" in ran.err
        assert not any(asked.path.endswith("/jobs/j1") for asked in portal.asked)
