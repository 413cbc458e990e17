"""A builder that is killed at every step: the build is made once, and nothing of the killed ones is left.

``GOLDGATE_KILLS`` says how often it is killed at each step (script/soak: 20). The build itself is never killed: it must
die with its builder.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Record
from audit.verbs import Verb
from builds.services.directories import directory_of
from jobs.services import enqueue
from registry.adapters.archive import Archive
from tests.builds.builders.containment import assert_nothing_left, processes_of
from tests.builds.builders.platforms import TWO, children_in, index_base
from tests.builds.builders.support import build_of, busybox_base, log_of, needs_buildah
from tests.integration.stack import eventually

KILLS = int(os.environ.get("GOLDGATE_KILLS", "3"))
DOCKERFILE = "FROM base:1\nCOPY hello.txt /srv/\nRUN (setsid sleep 300 &) ; sleep 0.5; cat /srv/hello.txt\nUSER 65532\n"
# By what it is seen that a builder has come so far.
STEPS = {
    "begun": lambda build: is_running(build),
    "context": lambda build: (directory_of(build.pk) / "work" / "context").exists(),
    "bases": lambda build: any(directory_of(build.pk).glob("bases/*/*/index.json")),
    "store": lambda build: (directory_of(build.pk) / "work" / "storage" / "vfs").exists(),
    "running": lambda build: any("sleep" in words for words in processes_of(str(build.pk)).values()),
    "written": lambda build: (directory_of(build.pk) / "work" / "out" / "image.tar").exists(),
    "moved": lambda build: any(directory_of(build.pk).glob("image.*")),
}
pytestmark = [
    pytest.mark.integration,
    needs_buildah,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.geteuid() != 0, reason="LEFT OUT: needs root to see the processes of builds"),
]


def is_running(build) -> bool:
    build.refresh_from_db()
    return build.state == "running"


@pytest.fixture
def environment(settings, tmp_path):
    """A builder's, on the test's database."""
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_HOME.mkdir(mode=0o700)
    url = urlsplit(os.environ["DATABASE_URL"])
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}")),
        "REDIS_URL": os.environ["REDIS_URL"],
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        "GOLDGATE_HOME": str(settings.GOLDGATE_HOME),
        "GOLDGATE_PROCESS": "builder",
        "GOLDGATE_LEASE_SECONDS": "1",
        "GOLDGATE_LOG_LEVEL": "ERROR",
    }


def start(job, environment) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("builder_process.py")
    return subprocess.Popen([sys.executable, str(script), str(job.pk)], env=environment, stdin=subprocess.DEVNULL)


# Of a build of two platforms: each image by itself, and the index of both.
STEPS_OF_TWO = {
    "second base": lambda build: len(list(directory_of(build.pk).glob("bases/*/*/index.json"))) == 2,
    "first platform": lambda build: is_run_for(build, "linux/amd64"),
    "second platform": lambda build: is_run_for(build, "linux/arm64"),
    "index written": lambda build: (directory_of(build.pk) / "work" / "out" / "image.tar").exists(),
    "index moved": lambda build: any(directory_of(build.pk).glob("image.*")),
}


def is_run_for(build, platform: str) -> bool:
    return any(f"--platform {platform} " in words for words in processes_of(str(build.pk)).values())


def kill_at(step, build, job, environment) -> None:
    for _ in range(KILLS):
        builder = start(job, environment)
        eventually(lambda: step(build), seconds=120, pause=0.002, what="the step")
        builder.kill()
        builder.wait()
        # It must not take a sweep to end them.
        eventually(lambda: not processes_of(str(build.pk)), seconds=30, what="the end of the killed build")
        time.sleep(1.1)  # its lease


class TestABuilderThatIsKilled:
    @pytest.mark.parametrize("step", STEPS)
    def test_leaves_one_build_and_nothing_else(self, step, environment, tmp_path):
        now = timezone.now()
        build = build_of(now, DOCKERFILE, busybox_base(now, tmp_path))
        job = enqueue("builds.run", subject_id=build.pk, now=now)
        kill_at(STEPS[step], build, job, environment)
        self.ends_well(build, job, environment)

    @pytest.mark.parametrize("step", STEPS_OF_TWO)
    def test_with_two_platforms_leaves_one_index_and_nothing_else(self, step, environment, tmp_path):
        now = timezone.now()
        base = index_base(now, tmp_path, {"linux/amd64": {"etc/a": b"a"}, "linux/arm64/v8": {"etc/b": b"b"}})
        build = build_of(now, "FROM base:1\nCOPY hello.txt /srv/\nUSER 65532\n", base, platforms=TWO)
        job = enqueue("builds.run", subject_id=build.pk, now=now)
        kill_at(STEPS_OF_TWO[step], build, job, environment)
        self.ends_well(build, job, environment)
        assert len(children_in(directory_of(build.pk) / "image.tar")) == 2

    def ends_well(self, build, job, environment) -> None:
        builder = start(job, environment)
        assert builder.wait(timeout=120) == 0
        build.refresh_from_db()
        assert build.state == "built", log_of(build)
        assert Record.objects.filter(verb=Verb.BUILD_MADE).count() == 1
        assert Record.objects.filter(verb=Verb.BUILD_STARTED).count() == 1
        assert [path.name for path in directory_of(build.pk).iterdir()] == ["image.tar"]
        with Archive(directory_of(build.pk) / "image.tar") as archive:
            assert str(archive.choose().digest) == build.output_digest
        assert_nothing_left(str(build.pk))
