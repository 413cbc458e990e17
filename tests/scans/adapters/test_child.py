"""What a child is given besides its arguments: bytes to read, a place to write, and whether there is a network."""

import shutil

import pytest

from scans.adapters.child import Limits, run_child

LIMITS = Limits(wall_seconds=10, cpu_seconds=10, data_bytes=1 << 30, file_bytes=1_000_000)
SHELL = str(shutil.which("sh"))


def run(tmp_path, script, **more):
    return run_child(
        [SHELL, "-c", script], directory=tmp_path, environment={"PATH": "/usr/bin:/bin"}, limits=LIMITS, **more
    )


class TestRunChild:
    def test_reads_and_writes_the_files_that_are_named(self, tmp_path):
        (tmp_path / "in").write_text("said\n")
        ended = run(tmp_path, "cat", stdin=tmp_path / "in", stdout=tmp_path / "out")
        assert ended.return_code == 0
        assert (tmp_path / "out").read_text() == "said\n"

    def test_reads_nothing_and_says_nothing_otherwise(self, tmp_path):
        assert run(tmp_path, "cat; echo said").return_code == 0
        assert [path.name for path in tmp_path.iterdir()] == ["stderr"]

    def test_what_it_writes_is_held_to_the_limit_whether_it_looks_at_errors_or_not(self, tmp_path):
        ended = run(tmp_path, "exec yes", stdout=tmp_path / "out")
        assert ended.return_code < 0
        assert not ended.is_timed_out
        assert (tmp_path / "out").stat().st_size == LIMITS.file_bytes

    @pytest.mark.parametrize(("has_network", "others"), [(False, False), (True, True)])
    def test_sees_other_interfaces_only_where_it_was_told(self, tmp_path, has_network, others):
        script = "for one in /sys/class/net/*; do :; done; wc -l < /proc/net/dev; readlink /proc/self/ns/net"
        ended = run(tmp_path, script, stdout=tmp_path / "out", has_network=has_network)
        assert ended.return_code == 0
        own = tmp_path.joinpath("/proc/self/ns/net").readlink()
        assert ((tmp_path / "out").read_text().splitlines()[-1] == str(own)) is others
