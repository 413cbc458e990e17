"""``goldgate waves | renewals | upstream | drift | profile``: what they send and say, and how they end."""

import json

import pytest

from tests.client.renewal_answers import ALARM, PROBE, RENEWALS, SUBVERSION, WATCH, WAVE, answers, profile, watch
from tests.client.stand_in import Answer, StandIn
from tests.client.test_statuses import API, JOB, VERSION


@pytest.fixture
def portal(signed_in: StandIn) -> StandIn:
    signed_in.answers = answers() | {f"GET {API}/jobs/j1": Answer(JOB)}  # type: ignore[assignment]
    return signed_in


def page(*rows: object) -> Answer:
    return Answer({"next": None, "results": list(rows)})


class TestWaves:
    def test_list_filters(self, run, portal: StandIn) -> None:
        assert run("waves", "list", "--closed").status == 0
        assert portal.asked[-1].query == "open=false"
        assert json.loads(run("waves", "list", "-o", "json").out)[0]["id"] == WAVE

    def test_start_names_where_it_begins(self, run, portal: StandIn) -> None:
        ran = run("waves", "start", "debian/12", "-o", "json")
        assert portal.asked[-1].json == {"version": "debian/12"}
        assert json.loads(ran.out)["id"] == WAVE

    def test_show_says_who_must_act(self, run, portal: StandIn) -> None:
        assert "reviewers" in run("waves", "show", WAVE).out
        assert run("waves", "show", "../people").status == 2


class TestRenewals:
    def test_red_is_exit_status_1(self, run, portal: StandIn) -> None:
        assert run("renewals", "--image", "debian").status == 0
        assert portal.asked[-1].query == "image=debian"
        portal.answers[f"GET {API}/renewals"] = page(*RENEWALS)
        ran = run("renewals", "-o", "json")
        assert (ran.status, len(json.loads(ran.out))) == (1, 2)

    def test_amber_and_none_are_no_alarm(self, run, portal: StandIn) -> None:
        portal.answers[f"GET {API}/renewals"] = page(RENEWALS[0] | {"light": "amber"}, RENEWALS[0] | {"light": "none"})
        assert run("renewals").status == 0


class TestUpstream:
    def test_list_filters(self, run, portal: StandIn) -> None:
        assert run("upstream", "list", "--stopped", "--not-paused").status == 0
        assert portal.asked[-1].query == "stopped=true&paused=false"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"stopped_at": "2026-11-24T12:00:00Z"}, "stopped: it moved too often"),
            ({"is_paused": True}, "paused"),
            ({"last_failure": "It is gone."}, "failing: It is gone."),
        ],
    )
    def test_list_says_how_each_is(self, run, portal: StandIn, changes, words) -> None:
        portal.answers[f"GET {API}/watches"] = page(watch(**changes))
        assert words in run("upstream", "list").out

    def test_add(self, run, portal: StandIn) -> None:
        line = ["upstream", "add", "debian-slim/12", "docker.io/library/debian:12-slim", "--every-hours", "6"]
        assert run(*line, "--platform", "linux/amd64").status == 0
        assert portal.asked[-1].json == {
            "version": "debian-slim/12",
            "reference": "docker.io/library/debian:12-slim",
            "platforms": ["linux/amd64"],
            "every_seconds": 21600,
        }
        assert run(*line[:3], "x", "--every-hours", "721").status == 2

    @pytest.mark.parametrize("name", [WATCH, "debian-slim/12", "docker.io/library/debian:12-slim"])
    def test_a_tag_is_named_in_three_ways(self, run, portal: StandIn, name) -> None:
        assert run("upstream", "pause", name).status == 0
        assert portal.asked[-1].path == f"{API}/watches/{WATCH}"
        assert portal.asked[-1].json == {"is_paused": True}

    def test_one_that_is_not_followed_or_may_be_several(self, run, portal: StandIn) -> None:
        assert run("upstream", "remove", "nothing/1").status == 2
        portal.answers[f"GET {API}/watches"] = page(watch(), watch(id=WAVE, reference="quay.io/other:1"))
        ran = run("upstream", "remove", "debian-slim/12")
        assert (ran.status, "quay.io/other:1" in ran.err) == (2, True)
        assert {asked.method for asked in portal.asked} == {"GET"}

    def test_remove(self, run, portal: StandIn) -> None:
        assert run("upstream", "remove", "debian-slim/12").status == 0
        assert (portal.asked[-1].method, portal.asked[-1].path) == ("DELETE", f"{API}/watches/{WATCH}")

    @pytest.mark.parametrize(
        ("changes", "methods"),
        [
            ({"is_paused": True}, ["GET", "PATCH"]),
            ({"stopped_at": "2026-11-24T12:00:00Z"}, ["GET", "POST"]),
            ({}, ["GET"]),
        ],
    )
    def test_resume_undoes_what_holds_it(self, run, portal: StandIn, changes, methods) -> None:
        portal.answers[f"GET {API}/watches"] = page(watch(**changes))
        assert run("upstream", "resume", WATCH).status == 0
        assert [asked.method for asked in portal.asked] == methods

    def test_look_waits_for_its_job(self, run, portal: StandIn) -> None:
        assert run("upstream", "look", WATCH).status == 0
        portal.answers[f"GET {API}/jobs/j1"] = Answer(JOB | {"state": "failed"})
        portal.answers[f"GET {API}/watches/{WATCH}"] = Answer(watch(last_failure="It is gone."))
        ran = run("upstream", "look", WATCH)
        assert (ran.status, "It is gone." in ran.err) == (1, True)
        asked = len(portal.asked)
        assert run("upstream", "look", WATCH, "--no-wait").status == 0
        assert len(portal.asked) == asked + 2


class TestDrift:
    @pytest.mark.parametrize(("path", "row"), [("drift-alarms", ALARM), ("pull-probes", PROBE)])
    def test_each_alone_is_exit_status_1(self, run, portal: StandIn, path, row) -> None:
        assert run("drift").status == 0
        assert [asked.query for asked in portal.asked] == ["open=true", "pullable=false"]
        portal.answers[f"GET {API}/{path}"] = page(row)
        assert run("drift").status == 1
        ran = run("drift", "-o", "json")
        shown = json.loads(ran.out)
        assert (ran.status, shown["alarms"] + shown["not_pullable"]) == (1, [row])


class TestProfile:
    def test_one_subversion_or_what_is_certified(self, run, portal: StandIn) -> None:
        for name in ("debian/12", "debian/12@12.1"):
            assert run("profile", name).status == 0
            assert portal.asked[-1].path == f"{API}/subversions/{SUBVERSION}/profile"
        assert json.loads(run("profile", "debian/12", "-o", "json").out)["subversion"] == "debian/12 12.1"

    def test_what_is_not_there(self, run, portal: StandIn) -> None:
        assert run("profile", "debian/12@13").status == 2
        assert run("profile", "debian").status == 2
        portal.answers[f"GET {API}/images/debian/12"] = Answer(VERSION | {"current": None})
        ran = run("profile", "debian/12")
        assert (ran.status, "Nothing is certified" in ran.err) == (2, True)

    def test_unknown_is_said(self, run, portal: StandIn) -> None:
        unknown = profile(profiles=[], smaller=[], unknown={"linux/amd64": "Nobody looked into its files."})
        portal.answers[f"GET {API}/subversions/{SUBVERSION}/profile"] = Answer(unknown)
        assert "linux/amd64 is unknown: Nobody looked into its files." in run("profile", "debian/12").err

    def test_none_that_has_less_is_said_and_one_that_was_not_counted_is_no_zero(self, run, portal: StandIn) -> None:
        counted = profile()["profiles"][0] | {"packages": None}
        portal.answers[f"GET {API}/subversions/{SUBVERSION}/profile"] = Answer(profile(profiles=[counted], smaller=[]))
        ran = run("profile", "debian/12")
        assert "unknown" in ran.out
        assert "None of the 1 certified images" in ran.err
