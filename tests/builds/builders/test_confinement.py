"""What a build sees and may use, told by a build."""

import os

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
