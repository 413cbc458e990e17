"""The hostile Dockerfiles, with nothing checked before: what the builder itself holds back."""

import os
import tarfile
from pathlib import Path

import pytest

from builds.adapters.builders import confinement
from builds.services.directories import directory_of
from scans.adapters.syft import SyftScanner
from tests.builds.builders.containment import CANARY, planted
from tests.builds.builders.support import AS_ROOT, build_of, log_of, needs_buildah, run_once

HOSTILE = Path(__file__).parents[2] / "data" / "dockerfiles" / "hostile"
NAMES = sorted(path.name for path in HOSTILE.iterdir() if path.is_dir())
# How those end that the machine's state decides nothing about.
ENDS = {
    "01-foreign-frontend": "",  # the line is a comment to buildah
    "02-heredoc-from": "heredoc_not_supported",
    "05-mount-from-image": "build_failed",
    "08-copy-parent": "build_failed",
    "11-read-proc": "",  # it sees its own processes
    "14-write-devices": "build_failed",
    "15-fork-bomb": "time_limit",
    "16-fill-disk": "disk_limit",
    "17-endless-log": "time_limit",
    "18-endless-run": "time_limit",
    "23-workdir-symlink": "build_failed",
}
pytestmark = [needs_buildah, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _small_limits(settings):
    settings.GOLDGATE_BUILDER_SECONDS = 10  # enough for what ends by itself
    settings.GOLDGATE_BUILDER_DISK_BYTES = 96 * 1024**2
    settings.GOLDGATE_BUILDER_MEMORY_BYTES = 512 * 1024**2
    settings.GOLDGATE_BUILDER_PROCESSES = 200


def hostile_build(name, now, base):
    directory = HOSTILE / name
    files = {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    return build_of(now, (directory / "Dockerfile").read_text(), base, asked="debian:12", files=files)


def sbom_of(archive, directory):
    """What the scanner says of it."""
    layout, work = directory / "layout", directory / "work"
    work.mkdir()
    with tarfile.open(archive) as tar:
        tar.extractall(layout, filter="data")
    reports = SyftScanner().scan(layout, work, lambda: None)
    return reports.syft + reports.cyclonedx


class TestHostileDockerfiles:
    def test_there_are_25(self):
        assert len(NAMES) == 25

    @pytest.mark.skipif(os.geteuid() != 0, reason="LEFT OUT: without root there is always a user namespace")
    @pytest.mark.parametrize("name", [name for name in NAMES if name[:2] in ("11", "12", "13", "14", "20", "21", "23")])
    def test_is_contained_without_a_user_namespace(self, name, now, base, settings, monkeypatch, tmp_path):
        monkeypatch.setattr(confinement, "holding", lambda user: AS_ROOT)
        self.test_is_contained(name, now, base, settings, monkeypatch, tmp_path)

    @pytest.mark.parametrize("name", NAMES)
    def test_is_contained(self, name, now, base, settings, monkeypatch, tmp_path):
        build = hostile_build(name, now, base)
        with planted(settings.GOLDGATE_HOME, monkeypatch) as world:
            run_once(build, now)
            assert build.state in ("built", "failed")
            if name in ENDS:
                assert build.failure_code == ENDS[name], log_of(build)[-2000:]
            archive = directory_of(build.pk) / "image.tar"
            if archive.exists():
                assert CANARY.encode() not in sbom_of(archive, tmp_path)
            world.assert_contained(build)
