"""When the relay rings, against a bell that only counts."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from jobs import relay as module
from jobs.adapters.bell import BellSilent
from jobs.domain.state import State
from jobs.relay import Relay
from jobs.services import ring
from tests.factories.jobs import JobFactory


class CountingBell:
    """Notes who was rung; ``messages`` is how many wait; ``fails_after`` rings it falls silent."""

    def __init__(self) -> None:
        self.rung: list[UUID] = []
        self.limits: list[float] = []
        self.messages = 0
        self.fails_after: int | None = None

    def waiting(self, queue: str) -> int:
        if self.fails_after == 0:
            raise BellSilent("away")
        return self.messages

    def ring(self, job_id: UUID, *, queue: str, limit_seconds: float) -> None:
        if self.fails_after is not None and len(self.rung) >= self.fails_after:
            raise BellSilent("away")
        self.rung.append(job_id)
        self.limits.append(limit_seconds)


class Clock:
    def __init__(self, now) -> None:
        self.now = now

    def __call__(self):
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def bell() -> CountingBell:
    return CountingBell()


@pytest.fixture
def clock(now) -> Clock:
    return Clock(now)


@pytest.fixture
def relay(bell, clock) -> Relay:
    return Relay(bell=bell, clock=clock)


@pytest.mark.django_db
class TestTick:
    def test_rings_what_is_due_oldest_first(self, relay, bell, now):
        second, first = JobFactory(run_at=now), JobFactory(run_at=now - timedelta(seconds=1), queue="signing")
        third = JobFactory(run_at=now, limit_seconds=7)
        JobFactory(run_at=now + timedelta(seconds=1))
        for state in (State.SUCCEEDED, State.FAILED, State.CANCELLED, State.RUNNING):
            JobFactory(state=state)
        assert relay.tick() == 3
        assert bell.rung == [second.pk, third.pk, first.pk]
        assert bell.limits[1] == 7

    def test_rings_a_job_that_a_vanished_worker_left(self, relay, bell, now):
        left = JobFactory(state=State.RUNNING, lease_until=now)
        relay.tick()
        assert bell.rung == [left.pk]

    def test_a_lost_message_is_rung_again_after_two_seconds(self, relay, bell, clock):
        job = JobFactory()
        for seconds in (0, 1, 1.1):
            clock.forward(seconds)
            relay.tick()
        assert bell.rung == [job.pk, job.pk]

    def test_while_messages_wait_only_after_thirty(self, relay, bell, clock):
        JobFactory()
        bell.messages = 1
        for seconds in (0, 29, 2):
            clock.forward(seconds)
            relay.tick()
        assert len(bell.rung) == 2

    def test_a_full_queue_is_left_alone(self, relay, bell):
        JobFactory()
        bell.messages = module.MOST_WAITING
        assert relay.tick() == 0

    def test_many_are_rung_in_one_tick_up_to_the_most(self, relay, bell, monkeypatch):
        monkeypatch.setattr(module, "MOST_WAITING", 120)
        for _ in range(200):
            JobFactory()
        assert relay.tick() == 150  # whole batches of fifty
        assert len(set(bell.rung)) == 150

    def test_a_silent_bell_loses_nothing(self, relay, bell, clock, caplog):
        jobs = {JobFactory().pk for _ in range(3)}
        bell.fails_after = 1
        relay.tick()
        relay.tick()
        bell.fails_after = None
        clock.forward(0.5)
        relay.tick()
        assert set(bell.rung) == jobs
        assert caplog.text.count("the broker does not answer") == 1

    def test_a_job_that_nobody_takes_is_critical(self, relay, bell, clock, caplog):
        job = JobFactory()
        clock.forward(15 * 60 + 1)
        relay.tick()
        relay.tick()
        assert [record.levelname for record in caplog.records] == ["CRITICAL"]
        assert str(job.pk) in caplog.text


@pytest.mark.django_db(transaction=True)
class TestRun:
    def start(self, relay) -> tuple[threading.Event, threading.Thread]:
        stop = threading.Event()
        thread = threading.Thread(target=relay.run, args=(stop,), daemon=True)
        thread.start()
        return stop, thread

    def wait(self, holds) -> None:
        for _ in range(100):
            if holds():
                return
            threading.Event().wait(0.05)
        raise AssertionError("not within 5 s")

    def test_wakes_at_a_commit_before_its_tick(self, relay, bell, monkeypatch):
        monkeypatch.setattr(module, "TICK_SECONDS", 60.0)
        stop, thread = self.start(relay)
        try:
            self.wait(lambda: self._is_listening())
            with transaction.atomic():
                JobFactory()
                ring()
            self.wait(lambda: bell.rung)
        finally:
            stop.set()
            with transaction.atomic():
                ring()
            thread.join(5)
        assert not thread.is_alive()

    def test_survives_the_loss_of_its_connection(self, relay, bell):
        stop, thread = self.start(relay)
        try:
            self.wait(lambda: self._is_listening())
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            JobFactory()
            self.wait(lambda: bell.rung)
        finally:
            stop.set()
            thread.join(5)
        assert not thread.is_alive()

    def _is_listening(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return cursor.fetchone()[0] > 0


@pytest.mark.django_db(transaction=True)
class TestLockedJob:
    def test_is_passed_over_without_waiting(self, relay, bell):
        """Its worker is in the middle of its last write."""
        locked, other = JobFactory(), JobFactory()
        holder = connection.get_new_connection(connection.get_connection_params())
        try:
            holder.execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [locked.pk])
            relay.tick()
        finally:
            holder.rollback()
            holder.close()
        assert bell.rung == [other.pk]
