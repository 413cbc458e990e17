import hashlib
import tomllib
from pathlib import Path

import pytest

from gate.home import Home
from tests.client.stand_in import Answer, StandIn, problem

ROOT = b'{"signed":{"_type":"root"}}'
FINGERPRINT = hashlib.sha256(ROOT).hexdigest()
ENROLLED = {
    "gate_id": "0199-g", "cluster": "east", "token": "ggg_secret_of_the_gate",
    "metadata_url": "https://goldgate.example/tuf/metadata", "root_sha256": FINGERPRINT,
}  # fmt: skip


@pytest.fixture
def known(portal: StandIn) -> StandIn:
    portal.answers = {
        "GET /tuf/metadata/1.root.json": Answer(ROOT),
        "POST /api/v1/gates": Answer(ENROLLED, 201),
    }
    return portal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "gates" / "east"


@pytest.fixture
def enrol(run, known, home):
    def act(*more: str, fingerprint: str = FINGERPRINT):
        words = ["--home", str(home), "--token-stdin", "--root-sha256", fingerprint]
        ran = run("gate", "enrol", known.url, *words, *more, stdin=b"gge_once\n")
        assert "ggg_secret" not in ran.out + ran.err
        return ran

    return act


class TestEnrol:
    def test_fills_a_home_that_a_gate_can_read(self, enrol, home, known):
        ran = enrol("--listen", "127.0.0.1:9443", "--dns-name", "gate.east.example", "--dns-name", "10.0.0.7")
        assert ran.status == 0, ran.err
        assert f"python -m gate serve --home {home}" in ran.err
        found = Home.read(home)
        assert (found.cluster, found.gate_id, found.token()) == ("east", "0199-g", "ggg_secret_of_the_gate")
        assert (found.portal_url, found.listen_address) == (known.url, ("127.0.0.1", 9443))
        assert found.dns_names == ("gate.east.example", "10.0.0.7")
        assert found.trusted_root() == ROOT
        assert (home / "token").stat().st_mode & 0o777 == 0o600
        assert home.stat().st_mode & 0o777 == 0o700
        assert known.asked[-1].json == {"enrolment_token": "gge_once"}

    @pytest.mark.parametrize("written", ["sha256:{}", "{:.2}:{}"], ids=["prefix", "colons"])
    def test_a_fingerprint_as_people_write_them(self, enrol, written):
        pairs = ":".join(FINGERPRINT[at : at + 2] for at in range(0, 64, 2)).upper()
        text = f"sha256:{FINGERPRINT}" if written.startswith("sha256") else pairs
        assert enrol(fingerprint=text).status == 0

    @pytest.mark.parametrize("fingerprint", ["00" * 32, "", FINGERPRINT[:-1], FINGERPRINT + "0"])
    def test_a_root_with_another_fingerprint_is_refused_and_nothing_is_written(self, enrol, home, known, fingerprint):
        ran = enrol(fingerprint=fingerprint)
        assert ran.status == 1
        assert FINGERPRINT in ran.err
        assert "ask who runs it" in ran.err
        assert not home.parent.exists()
        assert [asked.method for asked in known.asked] == ["GET"], "the one-time token is not used up"

    def test_a_token_that_is_used_up_leaves_no_enrolled_home(self, enrol, home, known):
        refused = problem(403, "The token was used already.", cure="Ask for another one.")
        known.answers["POST /api/v1/gates"] = Answer(refused, 403)
        ran = enrol()
        assert (ran.status, "Ask for another one." in ran.err) == (4, True)
        assert sorted(path.name for path in home.iterdir()) == ["root.json"]
        known.answers["POST /api/v1/gates"] = Answer(ENROLLED, 201)
        assert enrol().status == 0

    def test_twice_into_one_home(self, enrol, home, known):
        enrol()
        before = (home / "gate.toml").read_bytes()
        asked = len(known.asked)
        ran = enrol()
        assert (ran.status, "is enrolled already" in ran.err) == (2, True)
        assert (len(known.asked), (home / "gate.toml").read_bytes()) == (asked, before)

    def test_a_home_that_cannot_be_written_costs_no_token(self, enrol, home, known):
        home.parent.mkdir()
        home.parent.joinpath("east").write_text("a file")
        assert enrol().status == 2
        home.unlink()
        home.symlink_to("/proc/1/nowhere")
        assert enrol().status == 2
        assert "POST" not in [asked.method for asked in known.asked]

    def test_words_from_the_server_stay_strings(self, enrol, home, known):
        hostile = ENROLLED | {"cluster": 'east"\nlisten = "0.0.0.0:1', "gate_id": "ä\\u0022"}
        known.answers["POST /api/v1/gates"] = Answer(hostile, 201)
        enrol()
        found = tomllib.loads((home / "gate.toml").read_text())
        assert (found["cluster"], found["gate_id"]) == (hostile["cluster"], hostile["gate_id"])
        assert found["listen"] == "0.0.0.0:8443"

    def test_a_ca_file_by_its_whole_path(self, enrol, home, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "ca.pem").write_text("")
        enrol("--ca-file", "ca.pem")
        assert Home.read(home).portal_ca_file == str(tmp_path / "ca.pem")


class TestOneTimeToken:
    """Others on the host can read a process's arguments; not its input, nor another user's environment."""

    WORDS = ("--root-sha256", FINGERPRINT)

    def test_as_an_argument_it_is_refused_before_it_is_used(self, run, known, home):
        ran = run("gate", "enrol", known.url, "--home", str(home), "--enrolment-token", "gge_once", *self.WORDS)
        assert ran.status == 2
        assert "--token-stdin" in ran.err
        assert "gge_once" not in ran.out + ran.err
        assert (known.asked, home.exists()) == ([], False)

    def test_from_the_environment(self, run, known, home, monkeypatch):
        monkeypatch.setenv("GOLDGATE_ENROLMENT_TOKEN", "gge_kept")
        assert run("gate", "enrol", known.url, "--home", str(home), *self.WORDS).status == 0
        assert known.asked[-1].json == {"enrolment_token": "gge_kept"}

    def test_typed_at_a_terminal_it_is_not_shown(self, run, known, home, monkeypatch):
        monkeypatch.setattr("goldgate_cli.commands.gates.is_asked_at_a_terminal", lambda: True)
        monkeypatch.setattr("click.prompt", lambda words, *, hide_input: "gge_typed" if hide_input else "shown")
        assert run("gate", "enrol", known.url, "--home", str(home), *self.WORDS).status == 0
        assert known.asked[-1].json == {"enrolment_token": "gge_typed"}

    def test_without_any_of_them_it_says_how(self, run, known, home):
        ran = run("gate", "enrol", known.url, "--home", str(home), *self.WORDS)
        assert (ran.status, known.asked) == (2, [])
        assert "GOLDGATE_ENROLMENT_TOKEN" in ran.err

    def test_an_empty_one_is_not_sent(self, run, known, home):
        ran = run("gate", "enrol", known.url, "--home", str(home), "--token-stdin", *self.WORDS, stdin=b"\n")
        assert (ran.status, known.asked) == (2, [])


class TestCallerToken:
    def test_an_enrolled_gate_asks_callers_for_a_token_of_its_own(self, enrol, home):
        assert enrol().status == 0
        found = Home.read(home)
        (token,) = found.callers().tokens
        assert found.asks_callers_for == "a token"
        assert (home / "caller-token").stat().st_mode & 0o777 == 0o600
        assert token == found.callers().for_address
        assert len(token) == 43
