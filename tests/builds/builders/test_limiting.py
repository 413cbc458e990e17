import os
import subprocess
import sys
from pathlib import Path

import pytest

from builds.adapters.builders.confinement import Limits
from builds.adapters.builders.limiting import PARENT, DiskWatch, control_group, directory_bytes, sweep_groups

LIMITS = Limits(wall_seconds=10, memory_bytes=64 * 1024**2, processes=20, cpus=2, disk_bytes=10**6, file_bytes=10**6)


class TestAControlGroup:
    @pytest.fixture(autouse=True)
    def _can(self):
        with control_group("probe-of-a-test", LIMITS) as group:
            if not group.directories:
                pytest.skip("LEFT OUT: no control group can be made here")

    def test_ends_what_needs_too_much_memory_and_goes(self):
        with control_group("memory-of-a-test", LIMITS) as group:
            child = subprocess.Popen(
                [sys.executable, "-c", "input(); x = b'x' * 300_000_000; input()"], stdin=subprocess.PIPE
            )
            group.enter(child.pid)
            child.communicate(b"\n")
            assert child.returncode == -9
            assert group.passed()[0] == "memory_limit"
            places = set(group.directories.values())
        assert not [place for place in places if place.exists()]

    def test_that_a_killed_builder_left_is_swept(self):
        with control_group("left-by-a-test", LIMITS) as group:
            places = set(group.directories.values())
            sweep_groups()
            assert not [place for place in places if place.exists()]


class TestTheNewerForm:
    """cgroups v2, on files that stand for it: this machine may have only the older form."""

    def test_is_given_its_limits(self, tmp_path):
        (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
        with control_group("one", LIMITS, root=tmp_path) as group:
            place = tmp_path / PARENT / "one"
            assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
            assert (place / "memory.max").read_text() == str(LIMITS.memory_bytes)
            assert (place / "pids.max").read_text() == "20"
            assert (place / "cpu.max").read_text() == "200000 100000"
            (place / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
            assert group.passed()[0] == "memory_limit"
            (place / "memory.events").write_text("oom_kill 0\n")
            (place / "pids.events").write_text("max 3\n")
            assert group.passed()[0] == "process_limit"
            for path in place.iterdir():
                path.unlink()  # a real one's files go with it

    def test_where_none_can_be_made_there_is_none(self, tmp_path):
        with control_group("one", LIMITS, root=tmp_path, own=tmp_path / "none") as group:
            assert group.directories == {}
            assert group.passed() is None


class TestTheWatchOverTheDisk:
    def test_says_when_it_is_too_much(self, tmp_path):
        watch = DiskWatch(tmp_path, 1_000_000)
        assert watch() is None
        (tmp_path / "large").write_bytes(os.urandom(3_000_000))
        os.sync()
        assert watch() == ("disk_limit", "The build wrote more than 1000000 bytes.")

    def test_is_not_moved_by_what_others_write(self, tmp_path):
        (tmp_path / "own").mkdir()
        watch = DiskWatch(tmp_path / "own", 1_000_000)
        watch()
        (tmp_path / "others").write_bytes(os.urandom(3_000_000))
        os.sync()
        assert watch() is None

    def test_counts_what_is_deeper_than_a_path_may_be_long(self, tmp_path):
        here = os.open(tmp_path, os.O_RDONLY)
        for _ in range(100):
            os.mkdir("d" * 100, dir_fd=here)
            below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        assert directory_bytes(tmp_path) >= 100 * 4096
        subprocess.run(["/bin/rm", "-rf", str(Path(tmp_path))], check=True)
