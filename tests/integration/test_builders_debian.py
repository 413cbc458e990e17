"""A real Debian base is rebuilt by buildah from a mirror, through the proxy, and its fixes are in it."""

import re
import subprocess
from urllib.parse import urlsplit

import pytest

from registry.adapters.archive import Archive
from tests.builds.builders.support import build_of, imported, log_of, needs_buildah, run_once
from tests.factories.builds import SourceFactory
from tests.integration.world import debian_images, tool

pytestmark = [pytest.mark.integration, needs_buildah, pytest.mark.django_db]

DOCKERFILE = """FROM debian:12
COPY updates.list /etc/apt/sources.list.d/updates.list
RUN apt-get -o Acquire::Check-Valid-Until=false update \\
    && DEBIAN_FRONTEND=noninteractive apt-get -y upgrade \\
    && apt-get clean && rm -rf /var/lib/apt/lists/*
USER 65532
"""


@pytest.fixture
def mirror() -> str:
    """The host of the Debian mirror that this machine uses."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [line for line in asked.stdout.splitlines() if line.rstrip("/").endswith("/debian-security")]
    if not found or urlsplit(found[0]).scheme != "http":
        pytest.skip("LEFT OUT: apt knows no plain mirror of Debian's security updates here")
    return str(urlsplit(found[0]).hostname)


class TestARealDebian:
    def test_is_upgraded_through_the_proxy_alone(self, now, settings, tmp_path, mirror):
        settings.GOLDGATE_HOME = tmp_path / "home"
        settings.GOLDGATE_HOME.mkdir(mode=0o700)
        settings.GOLDGATE_BUILDER_PRIVATE_HOSTS = f"{mirror}:80"
        layout = debian_images()["old"]
        archive = tmp_path / "old.tar"
        subprocess.run([tool("skopeo"), "copy", "-q", f"oci:{layout}:latest", f"oci-archive:{archive}"], check=True)
        suites = (("debian", "bookworm-updates"), ("debian-security", "bookworm-security"))
        lists = "".join(f"deb http://{mirror}/{part} {suite} main\n" for part, suite in suites)
        build = build_of(
            now,
            DOCKERFILE,
            imported(archive, now),
            asked="debian:12",
            files={"updates.list": lists.encode()},
            source=SourceFactory(now, network="listed", allowed_hosts=[mirror]),
        )
        run_once(build, now)
        assert build.state == "built", log_of(build)[-3000:]
        assert int(re.search(r"(\d+) upgraded", log_of(build))[1]) > 10
        with Archive(settings.GOLDGATE_HOME / "builds" / str(build.pk) / "image.tar") as made:
            assert str(made.choose().digest) == build.output_digest
