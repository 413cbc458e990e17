import pytest

from tests.builds.builders.support import build_of, log_of, needs_buildah, run_once

pytestmark = [needs_buildah, pytest.mark.django_db]


class TestABuild:
    def test_ends_as_an_archive_with_its_digest(self, now, base):
        build = build_of(now, "FROM base:1\nCOPY hello.txt /srv/\nRUN cat /srv/hello.txt && id\nUSER 65532\n", base)
        job = run_once(build, now)
        assert (build.state, job.state) == ("built", "succeeded"), log_of(build)
