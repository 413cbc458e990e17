"""The command against the real thing: signing in, a registry, an image, and a second gate that joins and answers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from tests.builds.pipelines.test_submitting import statement
from tests.builds.repositories import Repository
from tests.client.stand_in import Answer, stand_in
from tests.fakes.oidc_issuer import OidcIssuer, github_claims
from tests.integration.stack import PROJECT, Member, Stack, eventually, own_home, running
from tests.integration.test_outages import review
from tests.integration.world import DATA
from tests.ports import free_port
from tests.registry.servers import docker_registry, push

pytestmark = pytest.mark.integration

NEW = "sha256:462fed7e2e34f1a2123451cb82b88c255aaed11b627192274648860c0343dc5d"
REBUILT = "sha256:85b126893f21b03974f4c8e4e87883c7ec2239f8bfd714a69874c53ef5941e13"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with own_home() as home, running(home, GOLDGATE_SOURCE_DIRECTORIES=str(home.parent / "git")) as stack:
        yield stack


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Member:
    return stack.administrator()


def typed(stack: Stack, config: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """The command as a person types it who has nothing in the environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GOLDGATE_")}
    environment = kept | {"XDG_CONFIG_HOME": str(config), "NO_COLOR": "1"}
    command = [PROJECT / "script" / "goldgate", *arguments]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)


class TestCommand:
    def test_from_signing_in_to_an_image_that_is_known(self, stack: Stack, admin: Member, tmp_path: Path):
        def goldgate(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
            ran = typed(stack, tmp_path, *arguments, stdin=stdin)
            assert admin.token not in ran.stdout + ran.stderr
            return ran

        assert goldgate("approved").returncode == 4
        assert goldgate("login", stack.url, "--token-stdin", stdin="ggt_wrong").returncode == 4
        signed_in = goldgate("login", stack.url, "--token-stdin", stdin=admin.token)
        assert signed_in.returncode == 0, signed_in.stderr
        assert (tmp_path / "goldgate" / "account.json").stat().st_mode & 0o777 == 0o600

        with docker_registry(tmp_path / "registry") as host:
            added = goldgate("registry", "add", "own", host, "--plain-http", "--allow-private", "--side", "certified")
            assert added.returncode == 0, added.stderr
            assert goldgate("registry", "add", "own", host, "--plain-http", "--allow-private").returncode == 1
            tested = goldgate("registry", "test", "own")
            assert tested.returncode == 0, tested.stdout + tested.stderr
        assert goldgate("registry", "test", "own").returncode == 1, "it is stopped now"
        assert "own" in goldgate("registry", "list").stdout
        wrong = goldgate("registry", "add", "two words", "no host here")
        assert wrong.returncode == 2, wrong.stderr
        assert "/host" in wrong.stderr

        archive = DATA / "images" / "debian-12-rebuilt.oci.tar"
        imported = goldgate("import", "--archive", str(archive))
        assert imported.returncode == 0, imported.stderr
        assert REBUILT in imported.stdout
        assert "Imported." in imported.stderr.splitlines()
        refused = goldgate("import", "nowhere.example/a:1")
        assert refused.returncode == 2, refused.stderr
        shown = json.loads(goldgate("show", REBUILT, "-o", "json").stdout)
        assert shown["artifact"]["digest"] == REBUILT
        assert goldgate("show", "sha256:" + "0" * 64).returncode == 2

        admin.post("images", {"name": "debian"})
        admin.post("images/debian/versions", {"name": "12"})
        assert "nothing is certified" in goldgate("status", "debian/12").stdout
        assert goldgate("status", "debian/13").returncode == 2
        assert goldgate("approved").stdout.split() == ["image", "state", "until", "FROM"]
        assert goldgate("check", f"nowhere.example/a@{REBUILT}").returncode == 1
        assert goldgate("check", "NOT A REFERENCE").returncode in (1, 2)

    def test_a_viewer_may_not(self, stack: Stack):
        viewer = stack.add_person("vera", "viewer")
        said = stack.goldgate(viewer.token, "registry", "add", "x", "x.example")
        assert (said.returncode, said.stdout) == (4, "")
        assert "platform" in said.stderr


class TestSupply:
    def test_a_source_from_its_repository_to_its_recipe(self, stack: Stack, admin: Member):
        def goldgate(*arguments: str, status: int = 0) -> str:
            ran = stack.goldgate(admin.token, *arguments)
            assert ran.returncode == status, (arguments, ran.stdout, ran.stderr)
            return ran.stdout

        goldgate("catalog", "add", "tool/1")
        goldgate("catalog", "add", "tool/1", status=1)
        repository = Repository(stack.home.parent / "git" / "tool.git")
        repository.commit({"Dockerfile": "FROM scratch\nCOPY motd /\nUSER 65532\n", "motd": "hello\n"})
        goldgate("sources", "add", "tool", "tool/1", repository.url, "--signed", status=2)
        goldgate("sources", "add", "tool", "tool/1", repository.url, "--build-arg", "A=1")
        goldgate("sources", "add", "other", "tool/1", repository.url, status=1)
        goldgate("sources", "fetch", "tool")
        (first,) = json.loads(goldgate("recipes", "list", "tool", "-o", "json"))
        assert "Anna Author" in goldgate("recipes", "show", first["id"])
        goldgate("sources", "change", "tool", "--build-arg", "A=2", "--reason", "Another mirror.")
        goldgate("sources", "fetch", "tool")
        second = json.loads(goldgate("recipes", "list", "tool", "-o", "json"))[0]
        assert "arguments: A: 1 → 2" in goldgate("recipes", "diff", second["id"], "--to", first["id"])
        goldgate("sources", "change", "tool", "--owner", "nobody-at-all", "--reason", "x", status=2)
        stack.add_person("newt", "platform_admin")
        goldgate("sources", "change", "tool", "--owner", "newt", "--reason", "Ada leaves.")
        assert "owner     newt" in goldgate("sources", "show", "tool")
        goldgate("sources", "pause", "tool")
        goldgate("builds", "start", "tool", status=1)
        goldgate("sources", "resume", "tool")
        # Nothing yet, or its first renewal, which may be due at any moment.
        assert goldgate("sources", "causes", "tool").split()[:4] == ["at", "why", "build", "detail"]

    def test_renewals_and_tags_that_are_followed(self, stack: Stack, admin: Member, tmp_path: Path):
        def goldgate(*arguments: str, status: int = 0) -> str:
            ran = stack.goldgate(admin.token, *arguments)
            assert ran.returncode == status, (arguments, ran.stdout, ran.stderr)
            return ran.stdout

        admin.post("images", {"name": "followed"})
        admin.post("images/followed/versions", {"name": "1"})
        with docker_registry(tmp_path / "registry") as host:
            push(DATA / "images" / "debian-12-old.oci.tar", host, "upstream/debian:1")
            goldgate("registry", "add", "upstream", host, "--plain-http", "--allow-private", "--trusted")
            goldgate("upstream", "add", "followed/1", "nowhere.example/debian:1", status=2)
            tag = f"{host}/upstream/debian:1"
            goldgate("upstream", "add", "followed/1", tag, "--every-hours", "24")
            goldgate("upstream", "look", "followed/1")
            assert "sha256:" in goldgate("upstream", "list")
            goldgate("upstream", "pause", tag)
            goldgate("upstream", "resume", tag)
            goldgate("upstream", "remove", tag)
            goldgate("upstream", "remove", tag, status=2)
        assert "followed/1" in goldgate("renewals", "--image", "followed")
        started = json.loads(goldgate("waves", "start", "followed/1", "-o", "json"))
        assert started["id"] in goldgate("waves", "list")
        assert "followed/1" in goldgate("waves", "show", started["id"])
        assert json.loads(goldgate("drift", "-o", "json")) == {"alarms": [], "not_pullable": []}
        goldgate("profile", "followed/1", status=2)

    def test_a_pipeline_submits_with_its_own_token(self, stack: Stack, admin: Member, tmp_path: Path):
        admin.post("images", {"name": "submitted"})
        admin.post("images/submitted/versions", {"name": "1"})
        url = str(stack.home.parent / "git" / "elsewhere.git")
        more = ["--builder", "external", "--base-recipe"]
        added = stack.goldgate(admin.token, "sources", "add", "elsewhere", "submitted/1", url, *more, "-o", "json")
        assert added.returncode == 0, added.stderr
        source = json.loads(added.stdout)["id"]
        (tmp_path / "provenance.json").write_text(json.dumps(statement(NEW)))
        with OidcIssuer() as issuer, stand_in() as runner, docker_registry(tmp_path / "registry") as host:
            push(DATA / "images" / "debian-12-new.oci.tar", host, "built/debian:1")
            listed = stack.goldgate(admin.token, "registry", "add", "ci", host, "--plain-http", "--allow-private")
            assert listed.returncode == 0, listed.stderr
            admin.act(
                f"sources/{source}/pipelines",
                {
                    "kind": "github", "issuer": issuer.url, "audience": stack.url, "is_private_allowed": True,
                    "subject": "repo:acme/base-images:ref:refs/heads/main", "ca_pem": issuer.ca_pem,
                },
            )  # fmt: skip
            assert "acme/base-images" in stack.goldgate(admin.token, "sources", "pipelines", "elsewhere").stdout

            def submit(**variables: str) -> "subprocess.CompletedProcess[str]":
                kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOLDGATE_", "ACTI"))}
                environment = kept | {"GOLDGATE_URL": stack.url, "XDG_CONFIG_HOME": str(tmp_path)} | variables
                words = ["builds", "submit", source, f"{host}/built/debian@{NEW}", "-o", "json"]
                command = [PROJECT / "script" / "goldgate", *words, "--provenance", str(tmp_path / "provenance.json")]
                return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

            now = datetime.now(UTC)
            wrong = issuer.token(github_claims(issuer.url, now, aud="https://elsewhere.example"))
            refused = submit(GOLDGATE_ID_TOKEN=wrong)
            assert (refused.returncode, wrong in refused.stderr) == (4, False), refused.stderr
            good = issuer.token(github_claims(issuer.url, now, aud=stack.url, jti="good"))
            runner.answers = {"GET /token": Answer({"value": good})}
            asked = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{runner.url}/token?v=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}
            taken = submit(**asked)
            assert taken.returncode == 0, taken.stderr
            assert submit(**asked).returncode == 4, "a token is good for one submission"
            watched = stack.goldgate(admin.token, "builds", "watch", json.loads(taken.stdout)["build"], "-o", "json")
            assert watched.returncode == 0, watched.stdout + watched.stderr
            assert json.loads(watched.stdout)["artifact"] == NEW


class TestSecondGate:
    def test_joins_with_a_token_and_answers(self, stack: Stack, admin: Member, tmp_path: Path):
        made = admin.post("clusters/local/enrolment-tokens", expect=201)
        home, port = tmp_path / "gate", free_port()

        def enrol(token: str, fingerprint: str, where: Path = home) -> "subprocess.CompletedProcess[str]":
            return typed(
                stack, tmp_path, "gate", "enrol", stack.url, "--home", str(where), "--token-stdin",
                "--root-sha256", fingerprint, "--listen", f"127.0.0.1:{port}", stdin=f"{token}\n",
            )  # fmt: skip

        foreign = enrol(made["enrolment_token"], "00" * 32)
        assert foreign.returncode == 1
        assert made["root_sha256"] in foreign.stderr
        assert not home.exists()
        enrolled = enrol(made["enrolment_token"], made["root_sha256"])
        assert enrolled.returncode == 0, enrolled.stderr
        assert (home / "token").stat().st_mode & 0o777 == 0o600
        again = enrol(made["enrolment_token"], made["root_sha256"], tmp_path / "other")
        assert again.returncode in (1, 4), "a token is good for one gate"
        assert not (tmp_path / "other" / "token").exists()

        with gate(home):
            eventually(lambda: is_ready(home, port), seconds=60, what="the second gate is ready")
            question = review(f"nowhere.example/a@{REBUILT}")
            url, authority = f"https://127.0.0.1:{port}/v1/admit", str(home / "tls" / "ca.pem")
            assert requests.post(url, json=question, verify=authority, timeout=30).status_code == 401
            shown = (home / "caller-token").read_text().strip()
            bearer = {"Authorization": f"Bearer {shown}"}
            in_header = requests.post(url, json=question, headers=bearer, verify=authority, timeout=30)
            assert in_header.status_code == 200
            answer = requests.post(f"{url}/{shown}", json=question, verify=authority, timeout=30).json()["response"]
            assert answer["allowed"] is False
            assert answer["uid"] == question["request"]["uid"]
            # It is seen: heartbeat and decision came in under its own name.
            gate_id = next(line for line in (home / "gate.toml").read_text().splitlines() if line.startswith("gate_id"))
            own = gate_id.split('"')[1]
            eventually(lambda: admin.get(f"gates/{own}")["last_seen_at"], what="its heartbeat")
            eventually(lambda: admin.get("decisions", gate=own)["results"], what="its decision")


def is_ready(home: Path, port: int) -> bool:
    try:
        url, authority = f"https://127.0.0.1:{port}/readyz", str(home / "tls" / "ca.pem")
        return requests.get(url, verify=authority, timeout=5).status_code == 200
    except OSError:
        return False


@contextmanager
def gate(home: Path) -> Iterator[None]:
    log = home.parent / "gate.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gate", "serve", "--home", str(home)],
            cwd=PROJECT, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
