"""``client/`` is a wheel of its own: it is built, and what is in it runs without this checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build writes beside its sources."""
    directory = tmp_path_factory.mktemp("wheel")
    shutil.copytree(PROJECT / "client", directory / "client", ignore=shutil.ignore_patterns("__pycache__", "build"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run(
        [*command, "-w", directory, directory / "client"], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (found,) = directory.glob("*.whl")
    return found


class TestWheel:
    def test_holds_the_command_and_nothing_of_the_portal(self, wheel):
        names = zipfile.ZipFile(wheel).namelist()
        assert "goldgate_cli/commands/check.py" in names
        assert "goldgate_cli/py.typed" in names
        assert {name.split("/")[0] for name in names} == {"goldgate_cli", "goldgate_cli-0.1.0.dist-info"}

    def test_installs_the_command_under_its_name(self, wheel):
        with zipfile.ZipFile(wheel) as archive:
            entry_points = archive.read("goldgate_cli-0.1.0.dist-info/entry_points.txt").decode()
        assert "goldgate = goldgate_cli.__main__:main" in entry_points

    def test_needs_what_it_says_it_needs(self, wheel):
        """Every module of the wheel is imported with the checkout out of reach."""
        modules = [name[:-3].replace("/", ".") for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")]
        code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]; print('fine')"
        names = [name.removesuffix(".__init__") for name in modules]
        ran = self._run(wheel, "-c", code, *names)
        assert ran.stdout == "fine\n", ran.stderr

    def test_runs(self, wheel):
        ran = self._run(wheel, "-m", "goldgate_cli", "--version")
        assert ran.stdout == "goldgate, version 0.1.0\n", ran.stderr

    def _run(self, wheel: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(wheel),
        }  # a wheel is a zip: it can be imported from
        return subprocess.run(
            [sys.executable, *arguments], cwd=wheel.parent, env=environment, capture_output=True, text=True, check=False
        )
