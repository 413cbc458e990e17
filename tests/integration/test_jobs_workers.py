"""Real workers, real Redis, real kills: every job ends once."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.db import transaction
from django.utils import timezone

from jobs.domain.state import State
from jobs.models import Job
from jobs.services import enqueue
from tests.integration import job_kinds  # noqa: F401 — registers the kinds
from tests.integration.job_servers import children_of, job_servers, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def parts(tmp_path):
    with job_servers(tmp_path) as started:
        yield started


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []


def note(path: Path, name: str, **args) -> Job:
    with transaction.atomic():
        return enqueue("test.note", subject_id=name, now=timezone.now(), args={"file": str(path), **args})


def all_ended() -> bool:
    return not Job.objects.filter(state__in=[State.QUEUED, State.RUNNING]).exists()


class TestWorkerKilled:
    def test_job_is_retaken_and_has_its_effect_once(self, parts, tmp_path):
        servers, _ = parts
        effects = tmp_path / "effects"
        servers.scheduler()
        worker = servers.worker()
        job = note(effects, "a", pause=30)
        wait_until(lambda: lines(Path(f"{effects}.begun")), what="the first worker begins")
        servers.kill(worker)
        servers.worker()
        wait_until(all_ended, what="the job ends")
        job.refresh_from_db()
        assert (job.state, job.attempts, job.lapses) == (State.SUCCEEDED, 2, 1)
        assert lines(effects) == ["a"]

    def test_pool_child_killed_alone(self, parts, tmp_path):
        """Celery starts another child, and knows nothing of the job: the row does."""
        servers, _ = parts
        effects = tmp_path / "effects"
        servers.scheduler()
        servers.worker()
        job = note(effects, "a", pause=30)
        begun = Path(f"{effects}.begun")
        wait_until(lambda: lines(begun), what="the first child begins")
        os.kill(int(lines(begun)[0].split()[1]), signal.SIGKILL)
        wait_until(all_ended, what="the job ends")
        job.refresh_from_db()
        assert job.state == State.SUCCEEDED
        assert lines(effects) == ["a"]


class TestRedisLost:
    def test_emptied_with_jobs_queued(self, parts, tmp_path):
        servers, own_redis = parts
        effects = tmp_path / "effects"
        servers.scheduler()
        for number in range(20):
            note(effects, str(number))
        wait_until(lambda: not Job.objects.filter(rung_at=None).exists(), what="all are rung")
        own_redis.flush()
        servers.worker(slots=2)
        wait_until(all_ended, 120, what="all end")
        assert sorted(lines(effects), key=int) == [str(number) for number in range(20)]

    def test_stopped_and_started_again(self, parts, tmp_path):
        servers, own_redis = parts
        effects = tmp_path / "effects"
        servers.scheduler()
        servers.worker(slots=2)
        note(effects, "first")
        wait_until(all_ended, what="the parts work together")
        own_redis.stop()
        for number in range(10):
            note(effects, str(number))
        # Two ticks of the relay against a closed port: it must outlive them.
        wait_until(lambda: b"does not answer" in servers.log.read_bytes(), 60, "the relay says so")
        own_redis.start()
        wait_until(all_ended, 120, what="all end")
        assert sorted(lines(effects)) == sorted(["first", *map(str, range(10))])

    def test_message_doubled(self, parts, tmp_path):
        servers, own_redis = parts
        effects = tmp_path / "effects"
        job = note(effects, "a", pause=1)
        servers.scheduler()
        queue = redis.Redis(port=own_redis.port)
        wait_until(lambda: queue.llen("default") > 0, what="it is rung")
        message = queue.lindex("default", 0)
        for _ in range(49):
            queue.lpush("default", message)
        servers.worker(slots=2)
        wait_until(lambda: all_ended() and queue.llen("default") == 0, what="all messages are read")
        assert lines(effects) == ["a"]
        assert Job.objects.get().attempts == 1
        assert job.pk == Job.objects.get().pk


class TestTimeLimit:
    def test_a_handler_that_hangs_is_ended(self, parts):
        servers, _ = parts
        servers.scheduler()
        servers.worker()
        # It sleeps through every check: what ends it is the limit that the relay sent along.
        with transaction.atomic():
            job = enqueue("test.hang", subject_id="a", now=timezone.now())
        wait_until(all_ended, 50, what="the job ends")
        job.refresh_from_db()
        assert (job.state, job.error_code) == (State.FAILED, "time_limit")


class TestSchedulerProcess:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_ends_cleanly_and_leaves_no_child(self, parts, number, tmp_path):
        servers, _ = parts
        scheduler = servers.scheduler()
        note(tmp_path / "effects", "a")
        wait_until(lambda: not Job.objects.filter(rung_at=None).exists(), what="it leads")
        children = children_of(scheduler.pid)
        scheduler.send_signal(number)
        assert scheduler.wait(60) == 0
        assert children == []

    def test_second_one_takes_over(self, parts, tmp_path):
        servers, _ = parts
        first = servers.scheduler()
        note(tmp_path / "effects", "a")
        wait_until(lambda: not Job.objects.filter(rung_at=None).exists(), what="the first leads")
        servers.scheduler()
        wait_until(lambda: b"this one waits" in servers.log.read_bytes(), what="the second waits")
        servers.kill(first)
        note(tmp_path / "effects", "b")
        wait_until(lambda: not Job.objects.filter(rung_at=None).exists(), what="the second leads")


class TestNotBefore:
    def test_a_later_job_waits(self, parts, tmp_path):
        servers, _ = parts
        effects = tmp_path / "effects"
        servers.scheduler()
        servers.worker()
        with transaction.atomic():
            now = timezone.now()
            enqueue(
                "test.note", subject_id="later", now=now, run_at=now + timedelta(hours=1), args={"file": str(effects)}
            )
        note(effects, "now")
        wait_until(lambda: lines(effects) == ["now"], what="the due one runs")
        assert Job.objects.get(subject_id="later").rung_at is None
