"""Several platforms for real: emulated programs, and what a consumer pulls and verifies of each.

Emulation of arm64 needs qemu-user-static, root and a kernel with binfmt_misc; without them these tests say so.
"""

import pytest

from builds.services.directories import directory_of
from tests.builds.builders.platforms import TWO, arm64_program, children_in, emulation, files_in, index_base
from tests.builds.builders.support import BUSYBOX, build_of, log_of, needs_buildah, run_once

pytestmark = [pytest.mark.integration, needs_buildah, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _own_home(settings, tmp_path):
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_HOME.mkdir(mode=0o700)


DOCKERFILE = 'FROM base:1\nRUN ["/bin/true"]\nUSER 65532\n'


def images(arm64: bytes) -> dict[str, dict[str, bytes]]:
    return {"linux/amd64": {"bin/true": BUSYBOX.read_bytes()}, "linux/arm64/v8": {"bin/true": arm64}}


class TestEmulation:
    def test_runs_a_program_of_another_machine_inside_the_build(self, now, tmp_path):
        build = build_of(now, DOCKERFILE, index_base(now, tmp_path, images(arm64_program())), platforms=TWO)
        with emulation():
            run_once(build, now)
        assert build.state == "built", log_of(build)
        first, second = log_of(build).split("== linux/arm64 ==")
        assert "hello from arm64" in second
        assert "hello from arm64" not in first
        archive = directory_of(build.pk) / "image.tar"
        amd64, arm64 = children_in(archive).values()
        assert "made-by-arm64" in files_in(archive, arm64[0])
        assert "made-by-arm64" not in files_in(archive, amd64[0])

    def test_a_program_that_fails_there_fails_the_whole_build_by_its_platform_and_line(self, now, tmp_path):
        broken = arm64_program()[:18] + b"\xff\xff" + arm64_program()[20:]  # of a machine that nobody has
        build = build_of(now, DOCKERFILE, index_base(now, tmp_path, images(broken)), platforms=TWO)
        with emulation():
            run_once(build, now)
        assert (build.state, build.failure_code, build.failed_line) == ("failed", "build_failed", 2)
        assert "while building linux/arm64" in build.failure
        assert not directory_of(build.pk).exists()
