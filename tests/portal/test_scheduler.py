import threading
import time

import pytest
from django.db import connection

from portal import scheduler

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loops(monkeypatch) -> dict[str, threading.Event]:
    """The three loops, as ones that only wait; each notes that it began."""
    begun = {name: threading.Event() for name in ("relay", "sealer", "timers")}

    def waiting(name: str):
        def run(*arguments) -> None:
            begun[name].set()
            arguments[-1].wait(20)

        return run

    monkeypatch.setattr(scheduler.Relay, "run", waiting("relay"))
    monkeypatch.setattr(scheduler.sealer, "run", waiting("sealer"))
    monkeypatch.setattr(scheduler.Timers, "run", waiting("timers"))
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 0.1)
    return begun


def locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return cursor.fetchone()[0]


class TestRun:
    def test_runs_all_three_and_frees_the_lock_at_its_end(self, loops):
        stop = threading.Event()
        thread = threading.Thread(target=scheduler.run, args=(stop,))
        thread.start()
        assert all(begun.wait(10) for begun in loops.values())
        assert locks() == 1
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        until = time.monotonic() + 5
        while locks() and time.monotonic() < until:
            time.sleep(0.05)
        assert locks() == 0

    def test_a_part_that_ends_by_itself_ends_the_process(self, loops, monkeypatch):
        monkeypatch.setattr(scheduler.sealer, "run", lambda stop: None)
        with pytest.raises(scheduler.ThreadDied, match="sealer"):
            scheduler.run(threading.Event())

    def test_the_second_waits_and_takes_over(self, loops):
        first_stop, second_stop = threading.Event(), threading.Event()
        first = threading.Thread(target=scheduler.run, args=(first_stop,))
        first.start()
        assert loops["sealer"].wait(10)
        loops["sealer"].clear()
        second = threading.Thread(target=scheduler.run, args=(second_stop,))
        second.start()
        try:
            assert not loops["sealer"].wait(0.5)
            first_stop.set()
            assert loops["sealer"].wait(10)
        finally:
            second_stop.set()
            first_stop.set()
            first.join(10)
            second.join(10)
