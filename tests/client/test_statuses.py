"""How each command ends: 0 allowed or done, 1 denied, 2 wrong input, 3 unreachable, 4 not permitted."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.client.stand_in import DIGEST, REFERENCE, TOKEN, Answer, StandIn, problem

JOB = {
    "id": "j1",
    "state": "succeeded",
    "progress": {"done": 1, "total": 1, "unit": "", "text": "Done."},
    "error": None,
}
IMPORT = {
    "id": "i1", "state": "done", "asked_reference": "r.example/a:1", "resolved_digest": DIGEST, "artifact": None,
    "warnings": [], "failure": "", "job_id": "j1",
}  # fmt: skip
REGISTRY = {"id": "r1", "name": "hub", "host": "docker.io", "side": "source", "is_trusted": False}
VERDICT = {
    "allowed": True, "message": "", "snapshot_version": 7, "policy_version": 1, "url": "https://goldgate.example/d/1",
    "images": [{"image": REFERENCE, "allowed": True, "path": "", "checks": []}],
}  # fmt: skip
APPROVED = {"image": "debian", "version": "12", "name": "12.1", "state": "certified", "until": None,
            "from_line": f"FROM {REFERENCE}"}  # fmt: skip
VERSION = {
    "current": APPROVED,
    "history": [{"name": "12.1", "state": "certified", "digest": DIGEST, "sentence": "Yes."}],
}
ARTIFACT = {"digest": DIGEST, "kind": "image", "platform": "linux/amd64", "user": "", "size_bytes": 5}
SCAN = {"state": "complete", "cause": "", "scanned_at": "2026-11-24T12:00:00Z"}
INSPECTED = {
    "digest": DIGEST, "platform": "linux/amd64", "state": "complete", "failure": "", "file_count": 9523,
    "unpacked_bytes": 177079208, "checks": {"error": 0, "warning": 1, "note": 14},
    "profile": {"shells": ["bash", "sh"], "package_managers": ["apt"], "interpreters": [], "setuid": ["usr/bin/su"]},
}  # fmt: skip
FINDING = {"severity": "high", "vulnerability_id": "CVE-1", "package": "bash", "installed": "1", "fixed_version": None}
API = "/api/v1"
GOOD = {
    f"GET {API}/me": Answer({"username": "pat", "display_name": "Pat"}),
    f"POST {API}/imports": Answer({"imports": [IMPORT | {"state": "asked"}]}, 202),
    f"GET {API}/imports/i1": Answer(IMPORT),
    f"GET {API}/jobs/j1": Answer(JOB),
    f"GET {API}/images/debian/12": Answer(VERSION),
    f"GET {API}/artifacts/{DIGEST}": Answer(ARTIFACT),
    f"GET {API}/artifacts/{DIGEST}/scan": Answer(SCAN),
    f"GET {API}/artifacts/{DIGEST}/inspection": Answer({"digest": DIGEST, "images": [INSPECTED]}),
    f"GET {API}/artifacts/{DIGEST}/findings": Answer({"results": [FINDING], "next": None}),
    f"GET {API}/approved": Answer({"results": [APPROVED], "next": None}),
    f"POST {API}/decisions": Answer(VERDICT),
    f"POST {API}/registries": Answer(REGISTRY, 201),
    f"GET {API}/registries": Answer({"results": [REGISTRY], "next": None}),
    f"GET {API}/registries/presets": Answer([{"key": "ghcr", "host": "ghcr.io", "base_url": ""}]),
    f"GET {API}/registries/r1": Answer(
        REGISTRY | {"last_test": [{"name": "DNS", "outcome": "passed", "text": "127.0.0.1"}]}
    ),
    f"POST {API}/registries/r1/test": Answer({"job_id": "j1"}, 202, {"Location": f"{API}/jobs/j1"}),
    f"GET {API}/record/export": Answer(b'{"type":"header"}\n'),
}
# Every command that asks the API, as a person would type it.
COMMANDS = {
    "login": ["login", "{url}", "--token-stdin"],
    "import": ["import", "r.example/a:1"],
    "import --archive": ["import", "--archive", "{file}"],
    "import --list": ["import", "--list", "{file}"],
    "status": ["status", "debian/12"],
    "show": ["show", DIGEST],
    "approved": ["approved"],
    "check": ["check", REFERENCE],
    "check -f": ["check", "-f", "{file}"],
    "registry add": ["registry", "add", "hub", "docker.io"],
    "registry add --preset": ["registry", "add", "hub", "--preset", "ghcr"],
    "registry list": ["registry", "list"],
    "registry test": ["registry", "test", "hub"],
    "gate enrol": ["gate", "enrol", "{url}", "--home", "{home}", "--token-stdin", "--root-sha256", "00"],
    "audit export": ["audit", "export", "{home}"],
}


@pytest.fixture
def arguments(signed_in: StandIn, tmp_path: Path):
    (tmp_path / "file").write_text("kind: Pod\n")

    def filled(name: str) -> list[str]:
        values = {"url": signed_in.url, "file": tmp_path / "file", "home": tmp_path / "new"}
        return [word.format(**values) for word in COMMANDS[name]]

    return filled


def stdin_of(name: str) -> bytes:
    return {"login": f"{TOKEN}\n".encode(), "gate enrol": b"gge_x\n"}.get(name, b"")


every_command = pytest.mark.parametrize("name", COMMANDS)


class TestDone:
    @pytest.mark.parametrize("name", [name for name in COMMANDS if name != "gate enrol"])
    def test_0(self, run, arguments, signed_in, name):
        signed_in.answers = dict(GOOD)
        ran = run(*arguments(name), stdin=stdin_of(name))
        assert (ran.status, ran.err.count("goldgate:")) == (0, 0), ran

    @pytest.mark.parametrize("name", [name for name in COMMANDS if name != "gate enrol"])
    def test_json_is_all_that_is_on_stdout_and_the_same_each_time(self, run, arguments, signed_in, name):
        signed_in.answers = dict(GOOD)
        first = run("-o", "json", *arguments(name), stdin=stdin_of(name)).out
        behind = run(*arguments(name), "-o", "json", stdin=stdin_of(name)).out
        json.loads(first)
        assert first == behind

    def test_only_its_own_token_is_sent(self, run, arguments, signed_in):
        signed_in.answers = dict(GOOD)
        run(*arguments("approved"))
        run(*arguments("gate enrol"), stdin=stdin_of("gate enrol"))
        sent = {asked.path: asked.headers.get("Authorization") for asked in signed_in.asked}
        assert sent[f"{API}/approved"] == f"Bearer {TOKEN}"
        assert sent["/tuf/metadata/1.root.json"] is None, "a gate joins with its one-time token and nothing else"


class TestDenied:
    def test_an_image_is(self, run, signed_in):
        check = {"outcome": "fail", "code": "known", "reason": "Nobody imported it.", "remedy": "Use debian/12."}
        image = {"image": REFERENCE, "allowed": False, "path": "spec.containers[0].image", "checks": [check]}
        signed_in.answers = {f"POST {API}/decisions": Answer(VERDICT | {"allowed": False, "images": [image]})}
        ran = run("check", REFERENCE)
        assert ran.status == 1
        assert ran.out == (
            f"DENIED  {REFERENCE}  (spec.containers[0].image)\n"
            "  ✗ fail     known: Nobody imported it.\n"
            "             Use debian/12.\n"
        )

    @pytest.mark.parametrize("job_state", ["failed", "cancelled"])
    @pytest.mark.parametrize("state", ["failed", "asked"])
    def test_an_import_that_did_not_arrive(self, run, signed_in, state, job_state):
        job = JOB | {"state": job_state, "error": {"code": "abandoned", "text": "The worker vanished."}}
        signed_in.answers = GOOD | {
            f"GET {API}/jobs/j1": Answer(job),
            f"GET {API}/imports/i1": Answer(IMPORT | {"state": state, "failure": "It is gone."}),
        }
        ran = run("import", "r.example/a:1")
        assert ran.status == 1
        assert "The worker vanished." in ran.err

    def test_an_import_that_nobody_waits_for_is_not_judged(self, run, signed_in):
        signed_in.answers = dict(GOOD)
        assert run("import", "r.example/a:1", "--no-wait").status == 0
        assert [asked.method for asked in signed_in.asked] == ["POST"]

    def test_a_registry_that_does_not_work(self, run, signed_in):
        steps = [{"name": "login", "outcome": "failed", "text": "401"}]
        signed_in.answers = GOOD | {f"GET {API}/registries/r1": Answer(REGISTRY | {"last_test": steps})}
        ran = run("registry", "test", "hub")
        assert (ran.status, ran.out) == (1, "failed   login: 401\n")

    @every_command
    def test_a_conflict_is_a_no(self, run, arguments, signed_in, name):
        signed_in.everything = Answer(problem(409, "It is there already."), 409)
        ran = run(*arguments(name), stdin=stdin_of(name))
        assert (ran.status, ran.out) == (1, "")
        assert "It is there already." in ran.err


class TestWrongInput:
    @pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422])
    @every_command
    def test_the_field_and_the_cure_are_named(self, run, arguments, signed_in, name, status):
        errors = [{"pointer": "/host", "code": "invalid", "detail": "No host has a space."}]
        body = problem(status, "One field is wrong.", cure="Leave it out.", errors=errors)
        signed_in.everything = Answer(body, status)
        ran = run(*arguments(name), stdin=stdin_of(name))
        assert (ran.status, ran.out) == (2, "")
        for words in ("One field is wrong.", "Leave it out.", "/host: No host has a space."):
            assert words in ran.err

    def test_a_field_is_named_when_the_sentence_is_its_own_too(self, run, signed_in):
        errors = [{"pointer": "/host", "code": "invalid", "detail": "No host has a space."}]
        signed_in.everything = Answer(problem(400, "No host has a space.", errors=errors), 400)
        ran = run("registry", "add", "hub", "a b")
        assert ran.err == "goldgate: No host has a space.\n  field /host\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["nothing-like-it"], ["login"], ["import"], ["import", "a:1", "--archive", __file__], ["status"], ["show"],
            ["status", "debian"], ["status", "debian/12/x"], ["show", "sha256:12"], ["show", "debian:12"],
            ["check"], ["check", "a", "-f", "b"], ["check", "-f", "/nowhere"], ["check", "-f", "/"],
            ["approved", "more"], ["registry"], ["registry", "add", "hub"],
            ["registry", "add", "hub", "h", "--layout", "d"],
            ["registry", "add", "hub", "h", "--username", "u"], ["registry", "add", "h", "h", "--side", "left"],
            ["registry", "test"], ["gate", "enrol"], ["audit", "verify"], ["audit", "verify", "/nowhere"],
            ["audit", "verify", __file__, "--key", "zz"], ["audit", "verify", __file__, "--checkpoint", "/nowhere"],
            ["audit", "verify", __file__, "--checkpoint", __file__], ["-o", "xml", "approved"],
            ["login", "ftp://x", "--token-stdin"], ["login", "http://x", "--token-stdin"],
            ["audit", "export", "/nowhere/record"],
        ],
        ids=" ".join,
    )  # fmt: skip
    def test_a_command_line_that_cannot_be_meant(self, run, signed_in, arguments):
        signed_in.answers = dict(GOOD)
        ran = run(*arguments)
        assert (ran.status, ran.out) == (2, ""), ran
        assert ran.err.strip()

    def test_an_unknown_preset_names_those_that_there_are(self, run, signed_in):
        signed_in.answers = dict(GOOD)
        assert "there are ghcr" in run("registry", "add", "hub", "--preset", "gitlab").err

    def test_an_unknown_registry(self, run, signed_in):
        signed_in.answers = dict(GOOD)
        ran = run("registry", "test", "other")
        assert (ran.status, "registry list" in ran.err) == (2, True)


class TestUnreachable:
    @every_command
    def test_nobody_listens(self, run, arguments, signed_in, monkeypatch, name):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
            monkeypatch.setenv("GOLDGATE_URL", closed)
            words = [word.replace(signed_in.url, closed) for word in arguments(name)]
            ran = run(*words, stdin=stdin_of(name))
        assert (ran.status, ran.out) == (3, "")
        assert "cannot be reached: Connection refused" in " ".join(ran.err.split()) or "refused" in ran.err

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Answer(problem(503, "PostgreSQL does not answer."), 503), id="503"),
            pytest.param(Answer(problem(500, "Nobody foresaw it."), 500), id="500"),
            pytest.param(Answer(problem(429, "Too many."), 429), id="429"),
            pytest.param(Answer(b"<html>Welcome to nginx</html>", 502, {"Content-Type": "text/html"}), id="proxy"),
            pytest.param(Answer(b"<html>Sign in</html>", 302, {"Location": "/signin"}), id="redirect"),
        ],
    )
    @every_command
    def test_no_answer_of_goldgates(self, run, arguments, signed_in, name, answer):
        signed_in.everything = answer
        ran = run(*arguments(name), stdin=stdin_of(name))
        assert (ran.status, ran.out) == (3, "")

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"[" * 100_000, b'"text"'], ids=repr)
    @pytest.mark.parametrize("name", ["login", "status", "approved", "check"])
    def test_200_without_an_object(self, run, arguments, signed_in, name, body):
        signed_in.everything = Answer(body)
        assert run(*arguments(name), stdin=stdin_of(name)).status == 3

    def test_an_answer_that_never_ends(self, run, signed_in, monkeypatch):
        monkeypatch.setattr("goldgate_cli.api.MAX_ANSWER_BYTES", 100_000)
        signed_in.everything = Answer(b" " * 1_000_000)
        ran = run("approved")
        assert (ran.status, "more than 100000 bytes" in ran.err) == (3, True)

    def test_an_export_that_breaks_off_leaves_nothing(self, run, signed_in, tmp_path):
        signed_in.answers = {f"GET {API}/record/export": Answer(b"{}\n", headers={"Content-Length": "1000"})}
        assert run("audit", "export", str(tmp_path / "record")).status == 3
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("record")] == []


class TestNotPermitted:
    @pytest.mark.parametrize("status", [401, 403])
    @every_command
    def test_4(self, run, arguments, signed_in, name, status):
        signed_in.everything = Answer(problem(status, "You need the role reviewer."), status)
        ran = run(*arguments(name), stdin=stdin_of(name))
        assert (ran.status, ran.out) == (4, "")
        assert "You need the role reviewer." in ran.err

    @pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("login", "gate enrol")])
    def test_not_signed_in_says_how_to(self, run, arguments, signed_in, monkeypatch, name):
        monkeypatch.delenv("GOLDGATE_TOKEN")
        monkeypatch.delenv("GOLDGATE_URL")
        ran = run(*arguments(name), stdin=stdin_of(name))
        assert (ran.status, "goldgate login" in ran.err) == (4, True)
        assert signed_in.asked == []


class TestWhoIsAsked:
    def test_pages_of_another_name_are_asked_here(self, run, signed_in):
        """Behind a tunnel Goldgate names the address that it has for others; the token goes to the one we chose."""
        row: dict[str, Any] = APPROVED
        elsewhere = f"http://goldgate.elsewhere.example{API}/approved?cursor=x"
        pages = [Answer({"results": [row], "next": elsewhere}), Answer({"results": [row], "next": None})]
        signed_in.answers = {f"GET {API}/approved": pages}  # type: ignore[dict-item]
        assert len(json.loads(run("-o", "json", "approved").out)) == 2
        assert [asked.query for asked in signed_in.asked] == ["", "cursor=x"]

    def test_a_job_of_another_name_too(self, run, signed_in):
        location = {"Location": f"https://goldgate.elsewhere.example{API}/jobs/j1"}
        signed_in.answers = GOOD | {f"POST {API}/registries/r1/test": Answer({}, 202, location)}
        assert run("registry", "test", "hub").status == 0

    def test_a_redirect_is_not_followed(self, run, signed_in):
        signed_in.everything = Answer(b"", 307, {"Location": f"{signed_in.url}/elsewhere"})
        assert run("approved").status == 3
        assert [asked.path for asked in signed_in.asked] == [f"{API}/approved"]
