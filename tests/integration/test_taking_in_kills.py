"""A worker that dies at every step of taking a build in: one candidate, no half-pushed tag, no directory left.

``GOLDGATE_KILLS`` says how often it dies at each step (script/soak: 20).
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Record
from builds.services.directories import directory_of
from catalog.models import Subversion
from jobs.services import enqueue
from registry.models import Artifact, Repository
from tests.builds.archives import built, digest_of, image_archive
from tests.builds.builders.platforms import TWO, index_archive
from tests.factories.builds import SourceFactory
from tests.factories.registry import RegistryFactory
from tests.integration.taking_in_points import POINTS, WALK_OF_AN_INDEX
from tests.registry.servers import docker_registry

KILLS = int(os.environ.get("GOLDGATE_KILLS", "3"))
PATH = "candidates/base"
SOURCE = {"name": "debian-12", "id": UUID("01935f2e-0000-7000-8000-0000feedbeef")}
TAG = "debian-12-feedbeef-build.1"
pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with docker_registry(tmp_path / "registry") as found:
        yield found


@pytest.fixture
def environment(settings, tmp_path: Path) -> dict[str, str]:
    """A worker's, on the test's database."""
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_HOME.mkdir(mode=0o700)
    url = urlsplit(os.environ["DATABASE_URL"])
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}")),
        "REDIS_URL": os.environ["REDIS_URL"],
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        "GOLDGATE_HOME": str(settings.GOLDGATE_HOME),
        "GOLDGATE_PROCESS": "worker",
        "GOLDGATE_LEASE_SECONDS": "1",
        "GOLDGATE_LOG_LEVEL": "ERROR",
    }


def run_worker(job, environment: dict[str, str], point: str = "") -> int:
    script = Path(__file__).with_name("taking_in_process.py")
    command = [sys.executable, str(script), str(job.pk), *([point] if point else [])]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=120, check=False).returncode


def manifest(host: str, reference: str) -> dict | None:
    """What the registry holds there."""
    request = urllib.request.Request(f"http://{host}/v2/{PATH}/manifests/{reference}")
    kinds = (f"application/vnd.oci.image.{kind}.v1+json" for kind in ("manifest", "index"))
    request.add_header("Accept", ", ".join(kinds))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None


def assert_not_half_pushed(host: str, reference: str = TAG) -> None:
    """Where the tag stands, everything that it names stands too."""
    found = manifest(host, reference)
    if found and "manifests" in found:
        for child in found["manifests"]:
            assert manifest(host, child["digest"])
            assert_not_half_pushed(host, child["digest"])
        return
    for blob in [found["config"], *found["layers"]] if found else []:
        request = urllib.request.Request(f"http://{host}/v2/{PATH}/blobs/{blob['digest']}", method="HEAD")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert int(answer.headers["Content-Length"]) == blob["size"]


def dies_at(point: str, job, environment: dict[str, str], host: str) -> bool:
    """Whether it died there: what was done already is not done again, and then it lives."""
    has_died = run_worker(job, environment, point) == -signal.SIGKILL
    assert_not_half_pushed(host)
    time.sleep(1.1)  # its lease
    return has_died


class TestAWorkerThatDies:
    @pytest.mark.parametrize("point", POINTS)
    def test_leaves_one_candidate_and_nothing_half(self, point, host, environment, tmp_path) -> None:
        now = timezone.now()
        images = tmp_path / "images"
        images.mkdir()
        archive = image_archive(images, {"app": b"1"})
        registry = RegistryFactory(host, base_url=f"http://{host}", allow_private=True)
        repository = Repository.objects.create(registry=registry, path=PATH, created_at=now)
        build = built(now, archive, source=SourceFactory(now, **SOURCE, candidate_repository=repository))
        job = enqueue("builds.take_in", subject_id=build.pk, now=now)
        assert sum(dies_at(point, job, environment, host) for _ in range(KILLS))
        assert run_worker(job, environment) == 0

        build.refresh_from_db()
        assert build.state == "succeeded", build.failure
        assert Subversion.objects.get().artifact.digest == digest_of(archive)
        assert Artifact.objects.count() == 1
        assert Record.objects.filter(verb="build.succeeded").count() == 1
        assert Record.objects.filter(verb="artifact.copied").count() == 1
        assert not directory_of(build.pk).exists()
        assert str(repository.artifact_links.get().artifact_id) == str(build.artifact_id)
        assert manifest(host, TAG) == manifest(host, digest_of(archive))
        assert_not_half_pushed(host)

    def test_with_two_platforms_leaves_one_index_and_nothing_half(self, host, environment, tmp_path) -> None:
        """One walk: it dies after every effect, in their order."""
        now = timezone.now()
        archive = index_archive(tmp_path / "index.tar", {"linux/amd64": {"app": b"1"}, "linux/arm64": {"app": b"2"}})
        registry = RegistryFactory(host, base_url=f"http://{host}", allow_private=True)
        repository = Repository.objects.create(registry=registry, path=PATH, created_at=now)
        build = built(now, archive, source=SourceFactory(now, **SOURCE, candidate_repository=repository, platforms=TWO))
        job = enqueue("builds.take_in", subject_id=build.pk, now=now)
        for number, point in enumerate(WALK_OF_AN_INDEX):
            assert dies_at(point, job, environment, host), f"{number}: {point}"
        assert run_worker(job, environment) == 0

        build.refresh_from_db()
        assert build.state == "succeeded", build.failure
        assert Subversion.objects.get().artifact.digest == digest_of(archive)
        assert (Artifact.objects.count(), Artifact.objects.filter(kind="index").count()) == (3, 1)
        assert Record.objects.filter(verb="build.succeeded").count() == 1
        assert Record.objects.filter(verb="artifact.copied").count() == 1
        assert not directory_of(build.pk).exists()
        assert manifest(host, TAG) == manifest(host, digest_of(archive))
        assert_not_half_pushed(host)
