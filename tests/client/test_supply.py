"""``goldgate catalog`` and ``goldgate waivers``: what they send, and how they end."""

import json

import pytest

from tests.client.stand_in import Answer, StandIn, problem
from tests.client.supply_answers import answers
from tests.client.test_statuses import API


@pytest.fixture
def portal(signed_in: StandIn) -> StandIn:
    signed_in.answers = answers()
    return signed_in


def sent(portal: StandIn) -> list[dict[str, object]]:
    return [json.loads(asked.body) for asked in portal.asked if asked.method == "POST"]


class TestCatalogAdd:
    def test_a_version_of_an_image_that_there_is(self, run, portal: StandIn) -> None:
        ran = run("catalog", "add", "debian/12")
        assert (ran.status, ran.out, sent(portal)) == (0, "debian/12: named\n", [{"name": "12"}])

    def test_an_image_that_is_new_is_named_first(self, run, portal: StandIn) -> None:
        missing = Answer(problem(404, "There is no image debian."), 404)
        named = portal.answers[f"POST {API}/images/debian/versions"]
        portal.answers[f"POST {API}/images/debian/versions"] = [missing, named]  # type: ignore[list-item]
        ran = run("catalog", "add", "debian/12", "--purpose", "build", "--description", "Compilers.", "-o", "json")
        assert (ran.status, json.loads(ran.out)) == (0, {"image": "debian", "name": "12"})
        image = {"name": "debian", "purpose": "build", "description": "Compilers."}
        assert sent(portal) == [{"name": "12"}, image, {"name": "12"}]

    def test_one_that_there_is_already(self, run, portal: StandIn) -> None:
        portal.answers[f"POST {API}/images/debian/versions"] = Answer(problem(409, "debian has a 12 already."), 409)
        ran = run("catalog", "add", "debian/12")
        assert (ran.status, "debian has a 12 already." in ran.err) == (1, True)
        assert len(sent(portal)) == 1

    @pytest.mark.parametrize("name", ["debian", "debian/12/13", "../people/1", "debian/"])
    def test_what_is_no_name_is_never_sent(self, run, portal: StandIn, name: str) -> None:
        assert run("catalog", "add", name).status == 2
        assert portal.asked == []


class TestCatalogImport:
    def test_a_name_and_a_version(self, run, portal: StandIn) -> None:
        ran = run("catalog", "import", "debian-slim/13")
        assert (ran.status, sent(portal)) == (0, [{"version": "13"}])
        assert "debian-slim/13: adopted, follows docker.io/library/debian:13-slim" in ran.out

    def test_one_that_is_refused_does_not_stop_the_others(self, run, portal: StandIn) -> None:
        problem = {"detail": "No registry with the host quay.io is listed here.", "cure": "goldgate registry add"}
        portal.answers[f"POST {API}/definitions/ours/adopt"] = Answer(problem, 409)
        ran = run("catalog", "import", "ours", "debian-slim")
        assert ran.status == 1
        assert "ours: No registry with the host quay.io is listed here." in ran.err
        assert "debian-slim/13: adopted" in ran.out

    def test_a_file_is_sent_as_it_is(self, run, portal: StandIn, tmp_path) -> None:
        path = tmp_path / "ours.toml"
        path.write_text('name = "ours"\n')
        assert run("catalog", "import", "--file", str(path), "--version", "1").status == 0
        assert sent(portal) == [{"text": 'name = "ours"\n', "version": "1"}]

    @pytest.mark.parametrize("words", [[], ["debian-slim", "--version", "12"]], ids=["nothing", "version-of-a-name"])
    def test_what_says_nothing_is_refused(self, run, portal: StandIn, words: list[str]) -> None:
        assert run("catalog", "import", *words).status == 2
        assert portal.asked == []


class TestWaivers:
    def test_list_filters(self, run, portal: StandIn) -> None:
        ran = run("waivers", "list", "--state", "asked", "--scope", "debian/12")
        assert ran.status == 0
        assert "GG1020" in ran.out
        assert portal.asked[-1].query == "kind=waiver&state=asked&scope=debian%2F12"

    def test_ask_names_one_place(self, run, portal: StandIn) -> None:
        words = ["waivers", "ask", "GG1020", "--reason", "Because.", "--days", "30"]
        assert run(*words).status == 2
        assert run(*words, "--version", "debian/12", "--source", "base").status == 2
        ran = run(*words, "--version", "debian/12")
        assert ran.status == 0
        (body,) = sent(portal)
        assert (body["scope_kind"], body["scope"], body["rule"]) == ("version", "debian/12", "GG1020")

    def test_nothing_lasts_longer_than_180_days(self, run, portal: StandIn) -> None:
        words = ["waivers", "ask", "GG1020", "--reason", "Because.", "--version", "debian/12", "--days", "181"]
        assert run(*words).status == 2
        assert portal.asked == []
