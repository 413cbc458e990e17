"""``goldgate builds submit``: whose token is shown to whom, and what is said where there is none."""

import json

import pytest

from tests.client.builds_answers import BUILD, SOURCE, answers
from tests.client.stand_in import DIGEST, TOKEN, Answer, StandIn, problem, stand_in
from tests.client.test_statuses import API

REFERENCE = f"ghcr.io/acme/debian@{DIGEST}"
STATEMENT = {"_type": "https://in-toto.io/Statement/v1"}
SUBMISSIONS = f"{API}/sources/{SOURCE}/submissions"
ID_TOKEN = "header.claims.of-a-pipeline"
RUNNER_TOKEN = "the-runner-s-own"


@pytest.fixture
def portal(portal: StandIn, config_home, monkeypatch, tmp_path) -> StandIn:
    """A job that knows where Goldgate is, and has built something."""
    for name in ("GOLDGATE_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOLDGATE_URL", portal.url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "provenance.json").write_text(json.dumps(STATEMENT))
    portal.answers = answers()  # type: ignore[assignment]
    return portal


@pytest.fixture
def submit(run):
    """Submit; whatever is said, no token is."""

    def act(*more: str, reference: str = REFERENCE, provenance: str = "provenance.json", stdin: bytes = b""):
        ran = run("builds", "submit", SOURCE, reference, "--provenance", provenance, *more, stdin=stdin)
        assert ID_TOKEN not in ran.out + ran.err
        assert RUNNER_TOKEN not in ran.out + ran.err
        return ran

    return act


@pytest.fixture
def runner(monkeypatch):
    """What GitHub Actions runs beside a job."""
    with stand_in() as known:
        known.answers = {"GET /token": Answer({"value": ID_TOKEN})}
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{known.url}/token?api-version=2.0")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", RUNNER_TOKEN)
        yield known


class TestGitLab:
    def test_the_job_s_variable_is_shown_to_goldgate(self, submit, portal, monkeypatch):
        monkeypatch.setenv("GOLDGATE_ID_TOKEN", ID_TOKEN)
        ran = submit()
        assert ran.status == 0, ran.err
        assert ran.out == f"{REFERENCE}: submitted, build {BUILD}\n"
        (asked,) = portal.asked
        assert (asked.method, asked.path) == ("POST", SUBMISSIONS)
        assert asked.headers["Authorization"] == f"Bearer {ID_TOKEN}"
        assert asked.json == {"reference": REFERENCE, "provenance": STATEMENT}
        assert json.loads(submit("-o", "json").out)["build"] == BUILD

    def test_a_token_of_goldgate_that_is_there_is_not_sent(self, submit, portal, monkeypatch):
        monkeypatch.setenv("GOLDGATE_TOKEN", TOKEN)
        monkeypatch.setenv("GOLDGATE_ID_TOKEN", ID_TOKEN)
        assert submit().status == 0
        assert TOKEN not in str(portal.asked)

    def test_nor_is_one_that_was_kept(self, submit, portal, run, monkeypatch):
        portal.answers[f"GET {API}/me"] = Answer({"username": "pat"})
        assert run("login", portal.url, "--token-stdin", stdin=TOKEN.encode()).status == 0
        monkeypatch.delenv("GOLDGATE_URL")
        portal.asked.clear()
        assert submit().status == 4
        monkeypatch.setenv("GOLDGATE_ID_TOKEN", ID_TOKEN)
        assert submit().status == 0
        assert TOKEN not in str(portal.asked)


class TestGitHub:
    def test_the_runner_is_asked_for_one_that_is_meant_for_goldgate(self, submit, portal, runner):
        ran = submit()
        assert ran.status == 0, ran.err
        (asked,) = runner.asked
        assert asked.headers["Authorization"] == f"Bearer {RUNNER_TOKEN}"
        quoted = portal.url.replace(":", "%3A").replace("/", "%2F")
        assert asked.query == f"api-version=2.0&audience={quoted}"
        assert portal.asked[-1].headers["Authorization"] == f"Bearer {ID_TOKEN}"
        assert RUNNER_TOKEN not in str(portal.asked)

    def test_another_audience(self, submit, portal, runner):
        assert submit("--audience", "goldgate").status == 0
        assert runner.asked[-1].query.endswith("&audience=goldgate")

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            pytest.param(Answer(problem(403, f"no, {RUNNER_TOKEN}"), 403), 4, id="403"),
            pytest.param(Answer(problem(500, "no"), 500), 3, id="500"),
            pytest.param(Answer(b"<html>"), 3, id="no-json"),
            pytest.param(Answer({"value": None}), 3, id="no-value"),
            pytest.param(Answer({"value": ""}), 4, id="empty"),
            pytest.param(Answer({"value": "two words"}), 2, id="no-token"),
            pytest.param(Answer({}, 302, {"Location": "/elsewhere"}), 3, id="redirect"),
        ],
    )
    def test_a_runner_that_gives_none(self, submit, portal, runner, answer, status):
        runner.answers = {"GET /token": answer}
        assert submit().status == status
        assert portal.asked == []

    def test_half_of_what_it_sets_is_nothing(self, submit, portal, runner, monkeypatch):
        monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        ran = submit()
        assert ran.status == 4
        assert "id-token: write" in ran.err
        assert "id_tokens" in ran.err


class TestElsewhere:
    def test_from_standard_input(self, submit, portal, runner):
        assert submit("--token-stdin", stdin=f"{ID_TOKEN}\n".encode()).status == 0
        assert portal.asked[-1].headers["Authorization"] == f"Bearer {ID_TOKEN}"
        assert runner.asked == []

    def test_the_provenance_from_standard_input(self, submit, portal, monkeypatch):
        monkeypatch.setenv("GOLDGATE_ID_TOKEN", ID_TOKEN)
        assert submit(provenance="-", stdin=json.dumps(STATEMENT).encode()).status == 0
        assert portal.asked[-1].json["provenance"] == STATEMENT
        assert submit("--token-stdin", provenance="-").status == 2

    def test_no_argument_takes_it(self, submit, portal):
        ran = submit("--token", "x")
        assert (ran.status, portal.asked) == (2, [])

    def test_nobody_says_where_goldgate_is(self, submit, portal, monkeypatch):
        monkeypatch.delenv("GOLDGATE_URL")
        monkeypatch.setenv("GOLDGATE_ID_TOKEN", ID_TOKEN)
        ran = submit()
        assert (ran.status, "GOLDGATE_URL" in ran.err) == (2, True)


class TestWrongInput:
    @pytest.mark.parametrize("reference", ["ghcr.io/acme/debian:12", DIGEST, f"@{DIGEST}", "ghcr.io/a@sha256:12"])
    def test_a_reference_without_a_digest(self, submit, portal, runner, reference):
        assert submit(reference=reference).status == 2
        assert portal.asked == runner.asked == []

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}\n{"b": 2}', "[" * 100_000])
    def test_provenance_that_is_no_object(self, submit, portal, runner, tmp_path, text):
        (tmp_path / "provenance.json").write_text(text)
        assert submit().status == 2
        assert portal.asked == runner.asked == []  # no token was used up

    def test_provenance_that_is_too_large(self, submit, portal, runner, tmp_path):
        (tmp_path / "provenance.json").write_text(" " * 1024 * 1024 + "{}")
        assert submit().status == 2
        assert portal.asked == runner.asked == []


class TestRefused:
    @pytest.mark.parametrize(("status", "exit_status"), [(401, 4), (403, 4), (404, 2), (409, 1), (503, 3)])
    def test_why_is_said(self, submit, portal, monkeypatch, status, exit_status):
        monkeypatch.setenv("GOLDGATE_ID_TOKEN", ID_TOKEN)
        portal.everything = Answer(problem(status, "The token is for another audience."), status)
        ran = submit()
        assert (ran.status, ran.out) == (exit_status, "")
        assert "The token is for another audience." in ran.err
