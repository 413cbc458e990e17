"""What a local server starts, and with which secrets."""

import shutil
from types import SimpleNamespace

import pytest

from portal.local import programs
from portal.local.home import Home


@pytest.fixture
def options(tmp_path):
    return SimpleNamespace(
        home=Home(tmp_path), bind="127.0.0.1", port=8000, redis_url="", is_demo=False, url="http://x"
    )


class TestTheBuilder:
    def test_is_the_only_one_on_its_queue_and_holds_no_key(self, options, monkeypatch):
        monkeypatch.setenv("GOLDGATE_BUILDKIT_KEY_FILE", "/keys/buildkit.pem")
        started = {program.name: program for program in programs.portal_programs(options)}
        assert [name for name, program in started.items() if "-Q builds" in program.command] == ["builder"]
        builder = started["builder"].environment
        # BuildKit's is the builder's own, and nobody else's.
        assert builder == {"GOLDGATE_PROCESS": "builder", "GOLDGATE_BUILDKIT_KEY_FILE": "/keys/buildkit.pem"}
        others = [program.environment for name, program in started.items() if name != "builder"]
        assert not [name for environment in others for name in environment if "BUILDKIT" in name]

    def test_is_told_how_builds_are_held(self, options, monkeypatch):
        monkeypatch.setenv("GOLDGATE_BUILDER_SECONDS", "5")
        monkeypatch.setenv("GOLDGATE_BUILDKIT_ADDRESS", "tcp://x")
        common = programs.common_environment(options, "postgresql://x")
        assert common["GOLDGATE_BUILDER_SECONDS"] == "5"
        assert "GOLDGATE_BUILDKIT_ADDRESS" not in common

    def test_what_it_needs_and_is_not_here_is_named(self, monkeypatch):
        monkeypatch.setattr(shutil, "which", lambda name, path: None if name == "skopeo" else f"/usr/bin/{name}")
        assert programs.missing_for_builds() == ["skopeo"]
