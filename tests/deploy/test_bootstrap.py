"""What a newcomer reads when something is missing: one line, which names the cure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without .venv."""
    (tmp_path / "script").mkdir()
    shutil.copy(PROJECT / "script" / "bootstrap", tmp_path / "script")
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-ldap.txt"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def python(checkout: Path, body: str) -> Path:
    """A stand-in for Python under every name that bootstrap looks for."""
    directory = checkout / "bin"
    directory.mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (directory / name).write_text(f"#!/bin/sh\n{body}\n")
        (directory / name).chmod(0o755)
    return directory


def bootstrap(checkout: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    base = {"PATH": os.environ["PATH"], "HOME": str(checkout)}
    return subprocess.run(
        [checkout / "script" / "bootstrap"],
        env=base | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


class TestBootstrap:
    def test_a_python_that_is_too_old_is_named_with_what_is_needed(self, checkout):
        directory = python(checkout, "exit 1")
        ran = bootstrap(checkout, PATH=f"{directory}:/usr/bin:/bin")
        assert ran.returncode == 1
        (line,) = ran.stderr.splitlines()
        assert line.startswith("bootstrap: Python 3.11, 3.12 or 3.13 is needed, and none is on the PATH.")

    def test_a_debian_python_without_venv_names_the_package(self, checkout):
        directory = python(checkout, 'case "$2" in *ensurepip*) exit 1 ;; esac; exit 0')
        ran = bootstrap(checkout, PATH=f"{directory}:/usr/bin:/bin")
        assert ran.returncode == 1
        assert ran.stderr.splitlines() == [
            "bootstrap: this Python has no venv module. On Debian and Ubuntu: apt install python3-venv"
        ]

    def test_without_a_package_index_it_says_so_and_tries_again_next_time(self, checkout):
        no_index = {
            "PYTHON": sys.executable, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": "",
            "PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "2", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1",
        }  # fmt: skip
        ran = bootstrap(checkout, **no_index)
        assert ran.returncode == 1
        assert "Is a package index reachable?" in ran.stderr.splitlines()[-1]
        assert not (checkout / ".venv" / "installed-base").exists()
