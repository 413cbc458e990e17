"""A tag in a real registry: followed from push to candidate, stopped in a loop, a failure when nobody answers."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from accounts.roles import Role
from audit.models import Record
from builds.models import Watch
from builds.services.watches import WatchFields, add_watch
from catalog.models import Subversion
from jobs.models import Job
from jobs.services import enqueue
from tests.builds.archives import digest_of, image_archive
from tests.factories.accounts import person_with
from tests.factories.catalog import VersionFactory
from tests.factories.registry import RegistryFactory
from tests.jobs.support import run_due_jobs
from tests.registry.servers import docker_registry, push

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NAME = "library/debian:12"


@pytest.fixture(autouse=True)
def _own_home(settings, tmp_path: Path) -> None:
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_HOME.mkdir()


def watched(now: datetime, host: str) -> Watch:
    RegistryFactory(host, base_url=f"http://{host}", allow_private=True)
    owner = person_with(Role.PLATFORM_ADMIN)
    return add_watch(version=VersionFactory(now), fields=WatchFields(f"{host}/{NAME}"), owner=owner, now=now)


def look(watch: Watch, at: datetime) -> None:
    """As the timer would, with everything that follows."""
    enqueue("builds.look", subject_id=watch.pk, now=at)
    run_due_jobs(at, queues=("default",))
    watch.refresh_from_db()


def test_a_tag_pushed_in_a_loop_is_followed_three_times_and_stopped(now: datetime, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    archives = [image_archive(images, {"app": str(number).encode()}) for number in range(5)]
    with docker_registry(tmp_path / "registry") as host:
        push(archives[0], host, NAME)
        watch = watched(now, host)
        run_due_jobs(now, queues=("default",))
        for number, archive in enumerate(archives[1:], start=1):
            push(archive, host, NAME)
            look(watch, now + number * HOUR)

    candidates = Subversion.objects.filter(version=watch.version).order_by("created_at")
    assert [one.artifact.digest for one in candidates] == [digest_of(archive) for archive in archives[:4]]
    assert watch.stopped_at == now + 4 * HOUR
    assert Record.objects.get(verb="watch.stopped").subject_id == str(watch.pk)
    assert Record.objects.filter(verb="candidate.adopted").count() == 4


def test_a_registry_that_went_away_is_a_failure(now: datetime, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    with docker_registry(tmp_path / "registry") as host:
        push(image_archive(images, {"app": b"1"}), host, NAME)
        watch = watched(now, host)
        run_due_jobs(now, queues=("default",))

    look(watch, now + HOUR)

    assert watch.last_failure
    assert watch.last_checked_at == now
    assert Job.objects.filter(kind="builds.look", state="queued").exists()  # it is tried again
