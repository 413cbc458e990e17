import os
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audit.actor import Actor
from audit.models import Record
from audit.verbs import Verb
from builds.models import Build, Check
from builds.services.directories import DirectoryTaken, directory_of, locked, own_directory
from builds.services.sweeping import sweep
from jobs.domain.asking import Asker
from jobs.domain.state import State
from jobs.handlers import handler_of
from jobs.models import Job
from jobs.services import cancel_job, enqueue
from jobs.worker import run_job
from tests.builds.builders.containment import assert_nothing_left, processes_of
from tests.builds.builders.support import build_of, busybox_base, log_of, needs_buildah, run_once
from tests.factories.builds import BuildFactory
from tests.integration.stack import eventually


@pytest.mark.django_db
class TestWhoMayBuild:
    def test_only_the_builders_queue_carries_builds(self):
        assert handler_of("builds.run").queue == "builds"
        assert handler_of("builds.sweep").queue == "builds"

    @pytest.mark.parametrize("process", ["web", "worker", "scheduler", "signer", "publisher", "setup"])
    def test_no_other_process_executes_a_dockerfile(self, now, settings, process):
        settings.GOLDGATE_PROCESS = process
        build = build_of(now, "FROM scratch\n")
        run_once(build, now)
        assert build.state == "asked"
        assert not directory_of(build.pk).exists()


@needs_buildah
@pytest.mark.django_db
class TestOneRun:
    def test_records_what_it_did_and_on_what(self, now, base):
        build = build_of(now, "FROM base:1\nUSER 65532\n", base)
        run_once(build, now)
        verbs = list(Record.objects.filter(subject_id=str(build.pk)).order_by("id").values_list("verb", flat=True))
        assert verbs == [Verb.BUILD_STARTED, Verb.BUILD_MADE]
        made = Record.objects.get(verb=Verb.BUILD_MADE)
        assert made.data["digest"] == build.output_digest
        assert Job.objects.filter(kind="builds.take_in").count() == 1

    def test_says_whether_the_recipe_was_approved_when_it_began(self, now, base):
        build = build_of(now, "FROM base:1\nUSER 65532\n", base, approved_at=now - timedelta(hours=1))
        run_once(build, now)
        assert build.is_reviewed is True

    def test_is_not_begun_while_a_check_fails(self, now, base):
        build = build_of(now, "FROM base:1\nUSER 65532\n", base)
        Check.objects.create(recipe=build.recipe, rule="GG1001", severity="error", message="No base.", line=1)
        run_once(build, now)
        assert (build.state, build.failure_code, build.failed_line) == ("failed", "recipe_checks", 1)
        assert "STEP" not in log_of(build)

    def test_that_was_built_is_left_alone(self, now, base):
        build = build_of(now, "FROM base:1\nUSER 65532\n", base)
        run_once(build, now)
        before = (directory_of(build.pk) / "image.tar").stat().st_mtime_ns
        run_once(build, now)
        assert (directory_of(build.pk) / "image.tar").stat().st_mtime_ns == before
        assert Record.objects.filter(verb=Verb.BUILD_MADE).count() == 1

    def test_begins_again_after_its_builder_vanished(self, now, base):
        build = build_of(
            now,
            "FROM base:1\nUSER 65532\n",
            base,
        )
        Build.objects.filter(pk=build.pk).update(state="running", started_at=now)
        remains = directory_of(build.pk) / "work" / "storage"
        remains.mkdir(parents=True)
        run_once(build, now)
        assert build.state == "built"
        assert "The builder stopped in the middle of it" in log_of(build)


@needs_buildah
@pytest.mark.django_db(transaction=True)
class TestStoppedInTheMiddle:
    @pytest.fixture
    def running(self, tmp_path, settings):
        """A build that runs in a thread, its job, and the thread."""
        now = timezone.now()
        build = build_of(now, "FROM base:1\nRUN sleep 300\n", busybox_base(now, tmp_path))
        job = enqueue("builds.run", subject_id=build.pk, now=now)
        thread = threading.Thread(target=_run, args=(job,))
        thread.start()
        eventually(lambda: any("sleep" in words for words in processes_of(str(build.pk)).values()), seconds=60)
        yield build, job
        thread.join(60)
        assert not thread.is_alive()

    def test_a_cancelled_build_ends_at_once_with_all_that_it_started(self, running):
        build, job = running
        cancel_job(job_id=job.pk, asker=Asker(Actor.system("test"), may_change_all=True), now=timezone.now())
        eventually(lambda: _state(build) == "stopped", seconds=30)
        eventually(lambda: Job.objects.get(pk=job.pk).state == State.CANCELLED, seconds=30)
        assert_nothing_left(str(build.pk))
        assert not directory_of(build.pk).exists()

    def test_a_builder_that_lost_its_lease_writes_nothing_more(self, running):
        build, job = running
        Job.objects.filter(pk=job.pk).update(lease_token="018f0000-0000-4000-8000-000000000000")
        eventually(lambda: not processes_of(str(build.pk)), seconds=30)
        time.sleep(0.5)
        assert _state(build) == "running"
        assert Job.objects.get(pk=job.pk).state == State.RUNNING


def _run(job: Job) -> None:
    try:
        run_job(job.pk, clock=timezone.now)
    finally:
        connection.close()


def _state(build: Build) -> str:
    build.refresh_from_db()
    return str(build.state)


@pytest.mark.django_db
class TestDirectories:
    def test_are_held_by_one_builder(self, now):
        with own_directory("018f0000-0000-7000-8000-000000000001") as directory:
            (directory / "work").mkdir()
            with pytest.raises(DirectoryTaken), locked(directory):
                pass
            assert sweep() == 0
            assert directory.exists()
        assert not directory.exists()

    def test_of_killed_builders_are_swept_and_archives_that_wait_stay(self, now):
        waiting, closed = BuildFactory(now), BuildFactory(now)
        Build.objects.filter(pk=waiting.pk).update(state="built")
        Build.objects.filter(pk=closed.pk).update(state="failed", failure="It broke.", finished_at=now)
        for build in (waiting, closed):
            (directory_of(build.pk) / "work" / "deep").mkdir(parents=True)
            (directory_of(build.pk) / "image.tar").write_bytes(b"x")
        strange = directory_of("not-a-build")
        strange.mkdir()
        assert sweep() == 2
        assert [path.name for path in directory_of(waiting.pk).iterdir()] == ["image.tar"]
        assert not directory_of(closed.pk).exists()
        assert strange.exists()

    def test_are_removed_however_deep_a_build_made_them(self, now):
        with own_directory("018f0000-0000-7000-8000-000000000002") as directory:
            _dig(directory, 3000)
        assert not directory.exists()


def _dig(directory, levels: int) -> None:
    """Deeper than a path may be long."""
    here = os.open(directory, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 100, dir_fd=here)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
