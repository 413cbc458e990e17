"""``goldgate sources``: what it shows, and how it ends."""

import json

import pytest

from tests.client.sources_answers import PIPELINE, RECIPE, SOURCE, answers, difference, whole
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


class TestAdd:
    def test_what_was_said_and_nothing_else_is_sent(self, run, portal: StandIn, tmp_path) -> None:
        (tmp_path / "signers").write_text("a@x.example ssh-ed25519 AAAA\n")
        ran = run(
            *("sources", "add", "debian-base", "debian/12", "https://git.example/base.git", "--ref", "v12.*"),
            *("--build-arg", "SUITE=bookworm", "--build-arg", "EMPTY=", "--platform", "linux/amd64", "--signed"),
            *("--allow-host", "deb.debian.org", "--allowed-signers", str(tmp_path / "signers"), "--no-base-recipe"),
        )
        assert ran.status == 0, ran.err
        assert portal.asked[-1].json == {
            "name": "debian-base",
            "version": "debian/12",
            "url": "https://git.example/base.git",
            "ref_rule": "v12.*",
            "arguments": {"SUITE": "bookworm", "EMPTY": ""},
            "platforms": ["linux/amd64"],
            "network": "listed",
            "allowed_hosts": ["deb.debian.org"],
            "is_base_recipe": False,
            "is_signature_required": True,
            "allowed_signers": "a@x.example ssh-ed25519 AAAA\n",
        }
        assert "goldgate sources fetch 'debian-base'" in ran.err

    def test_one_that_is_built_elsewhere_is_told_where_to_trust_its_pipeline(self, run, portal: StandIn) -> None:
        portal.answers |= answers(builder="external")
        ran = run("sources", "add", "debian-base", "debian/12", "https://git.example/x.git", "--builder", "external")
        assert ran.status == 0
        assert portal.asked[-1].json["ref_rule"] == "main"
        assert f"{portal.url}/sources/{SOURCE}" in ran.err

    @pytest.mark.parametrize(
        "more",
        [
            pytest.param(["--build-arg", "no-equals-sign"], id="an-argument"),
            pytest.param(["--no-network", "--allow-host", "deb.debian.org"], id="both"),
            pytest.param(["--renew-days", "0"], id="days"),
            pytest.param(["--gpg-keys", "/nowhere"], id="no-file"),
        ],
    )
    def test_what_cannot_be_meant_is_not_sent(self, run, portal: StandIn, more) -> None:
        assert run("sources", "add", "a", "debian/12", "https://git.example/x.git", *more).status == 2
        assert portal.asked == []


class TestChange:
    def test_what_is_not_named_stays(self, run, portal: StandIn) -> None:
        ran = run("sources", "change", "debian-base", "--no-network", "--directory", "", "--reason", "It needs none.")
        assert ran.status == 0
        assert (portal.asked[-1].method, portal.asked[-1].path) == ("PATCH", f"{API}/sources/{SOURCE}")
        assert portal.asked[-1].json == {
            "network": "none",
            "allowed_hosts": [],
            "directory": "",
            "reason": "It needs none.",
        }

    def test_another_owner_needs_a_reason(self, run, portal: StandIn) -> None:
        assert run("sources", "change", "debian-base", "--owner", "newt").status == 2
        assert portal.asked == []
        assert run("sources", "change", "debian-base", "--owner", "newt", "--reason", "Pat leaves.").status == 0
        assert portal.asked[-1].json == {"owner": "newt", "reason": "Pat leaves."}

    @pytest.mark.parametrize("more", [[], ["--reason", "x"]], ids=["nothing", "a-reason-alone"])
    def test_nothing_to_change(self, run, portal: StandIn, more) -> None:
        assert run("sources", "change", "debian-base", *more).status == 2
        assert portal.asked == []

    @pytest.mark.parametrize(("deed", "is_paused"), [("pause", True), ("resume", False)])
    def test_paused_and_resumed(self, run, portal: StandIn, deed, is_paused) -> None:
        assert run("sources", deed, "debian-base").status == 0
        assert portal.asked[-1].json == {"is_paused": is_paused}
        assert run("sources", deed, "debian-base", "--reason", "The mirror moves.").status == 0
        assert portal.asked[-1].json == {"is_paused": is_paused, "reason": "The mirror moves."}


class TestPipelines:
    def test_ended_ones_are_told_apart(self, run, portal: StandIn) -> None:
        ended = PIPELINE | {"subject": "repo:acme/old:ref:refs/heads/main", "ended_at": "2026-11-24T12:00:00Z"}
        path = f"GET {API}/sources/{SOURCE}/pipelines"
        portal.answers[path] = Answer({"next": None, "results": [PIPELINE, ended]})
        assert "ended 2026-11-24T12:00:00Z" in run("sources", "pipelines", "debian-base").out
        assert "acme/old" not in run("sources", "pipelines", "debian-base", "--not-ended").out
        (shown,) = json.loads(run("sources", "pipelines", "debian-base", "--ended", "-o", "json").out)
        assert shown["subject"] == ended["subject"]

    def test_none_is_said_and_so_is_where_to_trust_one(self, run, portal: StandIn) -> None:
        portal.answers[f"GET {API}/sources/{SOURCE}/pipelines"] = Answer({"next": None, "results": []})
        ran = run("sources", "pipelines", "debian-base")
        assert (ran.status, "There is none." in ran.err) == (0, True)
        assert f"{portal.url}/sources/{SOURCE}" in ran.err


class TestRecipes:
    def test_list_as_json(self, run, portal: StandIn) -> None:
        assert [one["number"] for one in json.loads(run("recipes", "list", "debian-base", "-o", "json").out)] == [2, 1]

    def test_show_as_json_has_its_reviews(self, run, portal: StandIn) -> None:
        shown = json.loads(run("recipes", "show", RECIPE, "-o", "json").out)
        assert shown["reviews"][0]["reviewer"] == "sam"

    def test_one_that_nobody_checked_is_not_called_clean(self, run, portal: StandIn) -> None:
        portal.answers[f"GET {API}/recipes/{RECIPE}"] = Answer(whole(checks=None))
        assert "not the same as clean" in run("recipes", "show", RECIPE).out
        portal.answers[f"GET {API}/recipes/{RECIPE}"] = Answer(whole(checks=[]))
        assert "nothing but notes" in run("recipes", "show", RECIPE).out

    def test_an_approved_one_asks_nobody(self, run, portal: StandIn) -> None:
        portal.answers[f"GET {API}/recipes/{RECIPE}"] = Answer(whole(is_approved=True))
        ran = run("recipes", "show", RECIPE)
        assert ("approved" in ran.out.splitlines()[0], "browser" in ran.err) == (True, False)

    def test_diff_names_what_it_is_held_against(self, run, portal: StandIn) -> None:
        assert run("recipes", "diff", RECIPE, "--to", SOURCE).status == 0
        assert portal.asked[-1].query == f"to={SOURCE}"

    def test_the_first_one_is_all_new(self, run, portal: StandIn) -> None:
        portal.answers[f"GET {API}/recipes/{RECIPE}/difference"] = Answer(difference(older=None, is_cut=True))
        ran = run("recipes", "diff", RECIPE)
        assert "all of it is new" in ran.err
        assert "more lines than are shown" in ran.err

    def test_signs_that_a_terminal_would_act_on_are_written_out(self, run, portal: StandIn) -> None:
        lines = [{"sign": "+", "text": "RUN \x1b[2J\u202eevil"}]
        portal.answers[f"GET {API}/recipes/{RECIPE}/difference"] = Answer(difference(lines=lines))
        portal.answers[f"GET {API}/sources/{SOURCE}/recipes"] = Answer(
            {"next": None, "results": [whole(author_name="\x1b]0;x\x07")]}
        )
        said = run("recipes", "diff", RECIPE).out + run("recipes", "list", "debian-base").out
        assert "+RUN ⟨U+001B⟩[2J⟨U+202E⟩evil" in said
        assert not {"\x1b", "\u202e", "\x07"} & set(said)
