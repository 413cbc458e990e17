"""What a build sees and may use, told by a build."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from builds.adapters.builders import confinement
from tests.builds.builders.containment import CANARY, assert_nothing_left, planted
from tests.builds.builders.support import AS_ROOT, build_of, log_of, needs_buildah, run_once

pytestmark = [needs_buildah, pytest.mark.django_db]
LOOK = """FROM base:1
RUN --mount=type=bind,from=base:1,source=/,target=/base id; cat /proc/self/uid_map; ls /proc | grep -c '^[0-9]*$'
RUN ip addr; ls -a / /run /root /tmp /mnt 2>&1; mount | grep -v '/dev\\|/proc\\|/sys'; grep Cap /proc/self/status
RUN wget -T 2 -O- http://127.0.0.1:5432/ 2>&1; nc -w 2 127.0.0.1 5432 2>&1; true
"""


@pytest.fixture(params=["user-namespace", "root"])
def held(request, monkeypatch):
    """Both ways of holding a build, where this machine has both."""
    if os.geteuid() != 0:
        pytest.skip("LEFT OUT: only root can hold builds in both ways")
    if request.param == "root":
        monkeypatch.setattr(confinement, "holding", lambda user: AS_ROOT)
    return request.param


class TestABuildSees:
    def test_itself_and_nothing_of_ours(self, now, base, settings, monkeypatch, held):
        build = build_of(now, LOOK, base)
        with planted(settings.GOLDGATE_HOME, monkeypatch) as world:
            run_once(build, now)
            log = log_of(build)
            assert build.state == "built", log
            world.assert_contained(build)
        assert str(settings.GOLDGATE_HOME) not in log.replace(f"/builds/{build.pk}", "")
        assert "eth0" not in log
        assert CANARY not in log
        assert ("user namespace (root" in build.isolation) == (held == "user-namespace")

    def test_too_little_memory(self, now, base, settings, held):
        settings.GOLDGATE_BUILDER_MEMORY_BYTES = 128 * 1024**2
        build = build_of(now, "FROM base:1\nRUN awk 'BEGIN { s = \"x\"; while (1) s = s s }'\n", base)
        run_once(build, now)
        assert build.state == "failed"
        assert build.failure_code in ("memory_limit", "build_failed")
        assert_nothing_left(str(build.pk))


def subordinate_user() -> str:
    """A user of this machine with a range of ids in /etc/subuid."""
    try:
        names = [line.split(":")[0] for line in Path("/etc/subuid").read_text().splitlines()]
    except OSError:
        names = []
    known = {entry.pw_name for entry in pwd.getpwall()}
    found = next((name for name in names if name in known and name != "root"), "")
    if not found or os.geteuid() != 0:
        pytest.skip("LEFT OUT: there is no user with a range in /etc/subuid here, or we are not root")
    return found


class TestWhoBuildsAre:
    def test_as_the_user_that_the_operator_names(self, now, base, settings):
        settings.GOLDGATE_BUILDER_USER = subordinate_user()
        build = build_of(now, "FROM base:1\nRUN cat /proc/self/uid_map; touch /x; chown 65532 /x\n", base)
        run_once(build, now)
        assert build.state == "built", log_of(build)
        assert f"is user {pwd.getpwnam(settings.GOLDGATE_BUILDER_USER).pw_uid} outside" in build.isolation

    def test_without_root_they_have_the_range_of_their_user_and_are_cleaned_up_after(self):
        user = subordinate_user()
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            for module in ("confinement.py", "confined.py"):
                shutil.copy(Path(confinement.__file__).with_name(module), directory)
            shutil.copy(Path(__file__).with_name("unprivileged.py"), directory)
            directory.chmod(0o755)
            command = ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--init-groups"]
            command += ["/usr/bin/python3", f"{directory}/unprivileged.py", str(directory)]
            environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
            run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
        assert run.returncode == 0, run.stderr
        lines = run.stdout.splitlines()
        assert lines[0] == "0"
        assert " 1000 1000 " in run.stdout
        assert lines[-1] == "left:"
