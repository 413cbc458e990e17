"""docs/reference/settings.md against the code that reads the environment, and what a wrong setting does."""

import os
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from portal.settings import environment as env

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "reference" / "settings.md").read_text()
DOCUMENTED = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", DOCUMENT, re.MULTILINE))
READ = re.compile(
    r"""(?:env\.\w+|environ\.get|environ\.setdefault|getenv|_port)\(\s*(?:environ,\s*)?["']([A-Z][A-Z0-9_]+)["']"""
)
SUBSCRIPT = re.compile(r"""environ\[["']([A-Z][A-Z0-9_]+)["']\]""")
# Of other programs: read or handed on, not ours to document.
FOREIGN = {"PATH", "DJANGO_SETTINGS_MODULE", "SSH_CONNECTION", "LANG", "HOME", "TERM", "NO_COLOR"}


def read_by(*folders: str) -> set[str]:
    found: set[str] = set()
    for folder in folders:
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text()
            found |= set(READ.findall(text)) | set(SUBSCRIPT.findall(text))
    return found - FOREIGN


class TestTheDocument:
    def test_every_variable_of_the_portal_is_in_it(self):
        assert read_by("portal") - DOCUMENTED == set()

    def test_every_variable_of_the_other_programs_is_in_it(self):
        assert (
            read_by("client/goldgate_cli", "gate", "admission", "signing", "audit", "jobs", "web") - DOCUMENTED == set()
        )

    def test_it_names_no_variable_that_nobody_reads(self):
        files = [file for file in (ROOT / "script").iterdir() if file.is_file()]
        for folder in ("portal", "client/goldgate_cli", "gate", "tests/integration"):
            files.extend((ROOT / folder).rglob("*.py"))
        text = "".join(file.read_text() for file in files)
        assert {name for name in DOCUMENTED if not re.search(rf"\b{name}\b", text)} == set()

    def test_the_pattern_sees_the_ways_in_which_variables_are_read(self):
        text = 'env.flag("A_B", default=False) os.environ.get("C_D") os.environ["E_F"] _port(environ, "G_H", 1)'
        assert set(READ.findall(text)) | set(SUBSCRIPT.findall(text)) == {"A_B", "C_D", "E_F", "G_H"}


class TestReading:
    @pytest.mark.parametrize("value", ["yes", "true", "", "2", " 1"])
    def test_a_flag_is_0_or_1(self, monkeypatch, value):
        monkeypatch.setenv("GOLDGATE_X", value)
        with pytest.raises(env.SettingMissing, match="GOLDGATE_X"):
            env.flag("GOLDGATE_X", default=True)

    @pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
    def test_seconds_are_more_than_nothing_and_end(self, monkeypatch, value):
        monkeypatch.setenv("GOLDGATE_X", value)
        with pytest.raises(env.SettingMissing, match="GOLDGATE_X"):
            env.seconds("GOLDGATE_X", 1)

    @pytest.mark.parametrize("value", ["0", "-1", "1.5", "1e9", "4GiB", "", "²"])
    def test_whole_numbers_are_digits_and_more_than_nothing(self, monkeypatch, value):
        monkeypatch.setenv("GOLDGATE_X", value)
        with pytest.raises(env.SettingMissing, match="GOLDGATE_X"):
            env.whole("GOLDGATE_X", 1)

    def test_a_key_file_that_is_named_must_be_there(self, monkeypatch, tmp_path):
        monkeypatch.setenv("GOLDGATE_X", str(tmp_path / "absent"))
        with pytest.raises(env.SettingMissing, match="absent"):
            env.secret_file("GOLDGATE_X")

    def test_a_key_file_is_read_without_its_line_end(self, monkeypatch, tmp_path):
        (tmp_path / "key").write_text("secret\n")
        monkeypatch.setenv("GOLDGATE_X", str(tmp_path / "key"))
        assert env.secret_file("GOLDGATE_X") == "secret"

    def test_a_database_that_is_no_uri_is_named(self, monkeypatch):
        monkeypatch.setenv("GOLDGATE_X", "postgres//half")
        with pytest.raises(env.SettingMissing, match="GOLDGATE_X"):
            env.database("GOLDGATE_X")


class TestProduction:
    """A process of its own, as settings are read at import."""

    def start(self, tmp_path, code="print(settings.DEBUG, settings.SESSION_COOKIE_SECURE)", **variables):
        key = tmp_path / "session-key"
        key.write_text(string.ascii_letters + string.digits)
        given = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "GOLDGATE_HOME": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "portal.settings.production",
            "GOLDGATE_SESSION_KEY_FILE": str(key),
            **variables,
        }
        return subprocess.run(
            [sys.executable, "-c", f"from django.conf import settings; settings.DEBUG; {code}"],
            env={name: value for name, value in given.items() if value is not None},
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def test_it_starts_without_debug(self, tmp_path):
        assert self.start(tmp_path).stdout == "False False\n"

    def test_with_https_cookies_are_for_https_alone(self, tmp_path):
        assert self.start(tmp_path, GOLDGATE_URL="https://goldgate.example").stdout == "False True\n"

    @pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "GOLDGATE_SESSION_KEY_FILE"])
    def test_a_missing_one_stops_the_start_by_name(self, tmp_path, name):
        ended = self.start(tmp_path, **{name: None})
        assert ended.returncode != 0
        assert f"{name} is not set" in ended.stderr

    def test_a_worker_needs_no_session_key(self, tmp_path):
        assert self.start(tmp_path, GOLDGATE_SESSION_KEY_FILE=None, GOLDGATE_PROCESS="worker").returncode == 0

    def test_forwarded_headers_count_behind_a_named_proxy_alone(self, tmp_path):
        code = "print(getattr(settings, 'SECURE_PROXY_SSL_HEADER', None), settings.USE_X_FORWARDED_HOST)"
        assert self.start(tmp_path, code).stdout == "None False\n"
        behind = self.start(tmp_path, code, GOLDGATE_BEHIND_PROXY="1").stdout
        assert behind == "('HTTP_X_FORWARDED_PROTO', 'https') False\n"

    def test_djangos_own_check_for_deployment_finds_nothing(self, tmp_path):
        code = "from django.core.management import call_command; import django; django.setup(); " \
               "call_command('check', deploy=True, fail_level='WARNING')"  # fmt: skip
        ended = self.start(tmp_path, code, GOLDGATE_URL="https://goldgate.example")
        assert (ended.returncode, ended.stderr[-2000:] if ended.returncode else "") == (0, "")
