import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scans.adapters.scratch import scratch

ROOT = Path(__file__).parents[3]
HOLDS = """
import sys
from pathlib import Path
from django.conf import settings
settings.configure(GOLDGATE_HOME=sys.argv[1])
from scans.adapters.scratch import scratch
with scratch("scan-") as directory:
    (directory / "layout").mkdir()
    print(directory, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path, settings) -> Path:
    settings.GOLDGATE_HOME = tmp_path
    return tmp_path / "scratch"


@pytest.fixture
def holder(tmp_path):
    """Another process that works in a directory of its own; and that directory."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield process, Path(process.stdout.readline().strip())
        process.kill()


class TestScratch:
    def test_it_goes_with_the_block_whatever_ends_it(self, home):
        with pytest.raises(KeyError), scratch("scan-"):
            raise KeyError
        with scratch("scan-") as directory:
            (directory / "work").mkdir()
        assert list(home.iterdir()) == []

    def test_what_a_killed_process_left_goes_with_the_next_one(self, home, holder):
        process, left = holder
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        assert (left / "layout").is_dir()
        with scratch("feed-") as directory:
            assert list(home.iterdir()) == [directory]

    def test_what_another_process_works_in_stays(self, home, holder):
        _, theirs = holder
        with scratch("scan-") as directory:
            assert sorted(home.iterdir()) == sorted([directory, theirs])
        assert (theirs / "layout").is_dir()

    def test_a_link_is_not_followed(self, home, tmp_path):
        kept = tmp_path / "kept"
        kept.mkdir()
        home.mkdir()
        (home / "link").symlink_to(kept)
        with scratch("scan-"):
            pass
        assert kept.is_dir()
