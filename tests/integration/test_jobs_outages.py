"""PostgreSQL's connections cut, workers killed again and again, timers: with real processes."""

import threading
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.adapters.key_file import create_key
from audit.models import Delivery, Pending
from jobs.domain.state import State
from jobs.models import Job
from jobs.services import enqueue, ensure_schedule
from tests.factories.audit import RecordFactory
from tests.integration import job_kinds  # noqa: F401 — registers the kinds
from tests.integration.job_servers import job_servers, wait_until

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


def cut_connections() -> None:
    """What a restart of PostgreSQL does to everybody else."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


class TestConnectionsCut:
    def test_every_job_ends_once(self, parts, tmp_path):
        servers, _ = parts
        effects = tmp_path / "effects"
        servers.scheduler()
        servers.worker(slots=2)
        for number in range(12):
            note(effects, str(number), pause=0.5, later=0.5)
        wait_until(lambda: len(lines(Path(f"{effects}.begun"))) >= 2, what="some have begun")
        for _ in range(5):
            cut_connections()
            threading.Event().wait(1)
        wait_until(all_ended, 180, what="all end")
        assert sorted(lines(effects), key=int) == [str(number) for number in range(12)]
        assert set(Job.objects.values_list("state", flat=True)) == {State.SUCCEEDED}


class TestRedisConnectionsReset:
    def test_workers_consume_again(self, parts, tmp_path):
        """Twenty resets in a row: a worker must not end up alive and deaf."""
        servers, own_redis = parts
        effects = tmp_path / "effects"
        servers.scheduler()
        servers.worker(slots=2)
        note(effects, "first")
        wait_until(all_ended, what="the parts work together")
        for number in range(20):
            note(effects, str(number))
            own_redis.cut_connections()
            threading.Event().wait(0.5)
        wait_until(all_ended, 120, what="all end")
        assert sorted(lines(effects)) == sorted(["first", *map(str, range(20))])


class TestKilledAgainAndAgain:
    def test_three_kills_one_effect(self, parts, tmp_path):
        servers, _ = parts
        effects = tmp_path / "effects"
        begun = Path(f"{effects}.begun")
        servers.scheduler()
        job = note(effects, "a", pause=60, later=3)
        for attempt in (1, 2, 3):
            worker = servers.worker()
            wait_until(lambda attempt=attempt: len(lines(begun)) >= attempt, what=f"attempt {attempt} begins")
            servers.kill(worker)
        servers.worker()
        wait_until(all_ended, 180, what="the job ends")
        job.refresh_from_db()
        assert (job.state, job.lapses) == (State.SUCCEEDED, 3)
        assert lines(effects) == ["a"]


class TestTimers:
    def test_a_timer_starts_its_job_again_and_again(self, parts, tmp_path):
        servers, _ = parts
        effects = tmp_path / "effects"
        ensure_schedule("Note", "test.note", every_seconds=1, subject_id="tick", args={"file": str(effects)})
        servers.scheduler()
        servers.worker()
        wait_until(lambda: len(lines(effects)) >= 2, 60, "two ticks")


class TestSealerInTheScheduler:
    def test_seals_signs_delivers_and_leaves_nothing_open_at_its_end(self, parts, tmp_path):
        servers, _ = parts
        create_key(tmp_path / "audit.pem")
        sink = tmp_path / "sink"
        scheduler = servers.scheduler(
            GOLDGATE_AUDIT_KEY_FILE=str(tmp_path / "audit.pem"), GOLDGATE_AUDIT_SINK=str(sink)
        )
        RecordFactory()
        wait_until(lambda: (sink / "000000000001.json").exists(), what="the first checkpoint is outside")
        RecordFactory()
        scheduler.terminate()
        assert scheduler.wait(60) == 0
        assert not Pending.objects.exists()
        assert Delivery.objects.count() == 2
