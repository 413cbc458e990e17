import contextlib
import fcntl
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from goldgate_cli import configuration
from goldgate_cli.errors import NotPermitted

from tests.client.stand_in import TOKEN, Answer, StandIn, problem

PROJECT = Path(__file__).parents[2]
ME = {"GET /api/v1/me": Answer({"username": "pat", "display_name": "Pat"})}


@pytest.fixture
def kept(config_home: Path) -> Path:
    return config_home / "goldgate" / "account.json"


@pytest.fixture
def known(portal: StandIn) -> StandIn:
    portal.answers = dict(ME)
    return portal


def sign_in(run, portal: StandIn):
    return run("login", portal.url, "--token-stdin", stdin=f"{TOKEN}\n".encode())


class TestLogin:
    def test_keeps_a_token_that_works_for_its_owner_alone(self, run, known, kept):
        before = os.umask(0)
        try:
            ran = sign_in(run, known)
        finally:
            os.umask(before)
        assert (ran.status, ran.out) == (0, "")
        assert f"Signed in to {known.url} as Pat" in ran.err
        assert kept.stat().st_mode & 0o777 == 0o600
        assert kept.parent.stat().st_mode & 0o777 == 0o700
        assert json.loads(kept.read_text())["token"] == TOKEN

    def test_a_file_that_others_could_read_does_not_stay_so(self, run, known, kept):
        kept.parent.mkdir(parents=True)
        for name in (kept, kept.with_name("account.json.new")):
            name.write_text("old")
            name.chmod(0o666)
        assert sign_in(run, known).status == 0
        assert kept.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in kept.parent.iterdir()] == [kept.name]

    def test_later_commands_use_it(self, run, known, kept):
        sign_in(run, known)
        known.answers["GET /api/v1/approved"] = Answer({"results": [], "next": None})
        assert run("approved").status == 0
        assert known.asked[-1].headers["Authorization"] == f"Bearer {TOKEN}"

    def test_a_token_that_does_not_work_is_not_kept(self, run, known, kept):
        known.everything = Answer(problem(401, "The token has expired."), 401)
        assert sign_in(run, known).status == 4
        assert not kept.exists()

    def test_what_is_no_token_is_not_even_sent(self, run, known, kept):
        ran = run("login", known.url, "--token-stdin", stdin=b"hunter2\n")
        assert (ran.status, known.asked, kept.exists()) == (2, [], False)
        assert "hunter2" not in ran.err

    def test_without_a_terminal_it_asks_for_the_option(self, run, known):
        assert "--token-stdin" in run("login", known.url).err

    def test_json_names_the_person_and_not_the_token(self, run, known):
        ran = run("-o", "json", "login", known.url, "--token-stdin", stdin=TOKEN.encode())
        assert json.loads(ran.out) == {"url": known.url, "person": {"username": "pat", "display_name": "Pat"}}

    def test_a_place_that_cannot_be_written(self, run, known, monkeypatch):
        monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")
        ran = sign_in(run, known)
        assert (ran.status, "XDG_CONFIG_HOME" in ran.err) == (2, True)

    def test_a_ca_file_is_kept_by_its_whole_path(self, run, known, kept, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "ca.pem").write_text("")
        run("login", known.url, "--token-stdin", "--ca-file", "ca.pem", stdin=TOKEN.encode())
        assert json.loads(kept.read_text())["ca_file"] == str(tmp_path / "ca.pem")


class TestAccount:
    def test_the_environment_goes_first(self, config_home, monkeypatch):
        configuration.save(configuration.Account("https://one.example", "ggt_one"))
        monkeypatch.setenv("GOLDGATE_URL", "https://two.example/")
        monkeypatch.setenv("GOLDGATE_TOKEN", "ggt_two")
        assert configuration.load() == configuration.Account("https://two.example", "ggt_two")

    def test_a_kept_token_is_not_shown_to_another_goldgate(self, config_home, monkeypatch):
        configuration.save(configuration.Account("https://one.example", "ggt_one"))
        monkeypatch.setenv("GOLDGATE_URL", "https://two.example")
        with pytest.raises(NotPermitted, match=r"Not signed in to https://two\.example"):
            configuration.load()

    def test_another_token_for_the_same_one(self, config_home, monkeypatch):
        configuration.save(configuration.Account("https://one.example", "ggt_one", "/ca.pem"))
        monkeypatch.setenv("GOLDGATE_TOKEN", "ggt_two")
        assert configuration.load() == configuration.Account("https://one.example", "ggt_two", "/ca.pem")

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 1}', '{"url": "x", "token": "y", "more": 1}'])
    def test_a_damaged_file_is_told(self, run, config_home, text):
        (config_home / "goldgate").mkdir(parents=True)
        (config_home / "goldgate" / "account.json").write_text(text)
        ran = run("approved")
        assert (ran.status, "goldgate login again" in ran.err) == (2, True)

    def test_a_directory_in_its_place_is_told(self, run, config_home):
        (config_home / "goldgate" / "account.json").mkdir(parents=True)
        assert run("approved").status == 2

    def test_a_ca_file_that_is_none(self, run, signed_in, monkeypatch):
        monkeypatch.setenv("GOLDGATE_URL", "https://127.0.0.1:9")
        monkeypatch.setenv("GOLDGATE_CA_FILE", "/nowhere/ca.pem")
        # What other programs are told must not count instead.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
        ran = run("approved")
        assert (ran.status, "GOLDGATE_CA_FILE" in ran.err) == (2, True)

    @pytest.mark.parametrize(
        "url", ["", "goldgate.example", "ftp://x.example", "https://", "https://x.example?a=b", "https://x.example#y"]
    )
    def test_what_is_no_address(self, run, config_home, url):
        ran = run("login", url, "--token-stdin", stdin=TOKEN.encode())
        assert (ran.status, "https://goldgate.example" in ran.err) == (2, True)

    def test_a_password_in_netrc_is_not_sent_instead(self, run, signed_in, tmp_path, monkeypatch):
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login pat password hunter2\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        signed_in.answers = {"GET /api/v1/approved": Answer({"results": [], "next": None})}
        run("approved")
        run("gate", "enrol", signed_in.url, "--home", "/x", "--token-stdin", "--root-sha256", "00", stdin=b"gge_x\n")
        assert [asked.headers.get("Authorization") for asked in signed_in.asked] == [f"Bearer {TOKEN}", None]


class TestOnATerminal:
    def test_the_token_is_asked_for_and_not_shown(self, known, config_home, kept):
        """A terminal of its own, as a person has one."""
        mine, theirs = pty.openpty()
        environment = os.environ | {"PYTHONPATH": str(PROJECT / "client"), "XDG_CONFIG_HOME": str(config_home)}
        process = subprocess.Popen(
            [sys.executable, "-m", "goldgate_cli", "login", known.url],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        while b"Token:" not in shown:
            shown += os.read(mine, 1024)
        os.write(mine, TOKEN.encode() + b"\n")
        with contextlib.suppress(OSError):  # Linux says EIO when the other end is closed
            while chunk := os.read(mine, 1024):
                shown += chunk
        os.close(mine)
        assert process.wait(20) == 0, shown
        assert TOKEN.encode() not in shown
        assert json.loads(kept.read_text())["token"] == TOKEN
