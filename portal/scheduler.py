"""One process that keeps things moving: the relay, the sealer and the timers, each a thread.

Any number may run; the one that holds the lock in PostgreSQL works, the others wait to take over. A
thread that dies ends the process, so that the supervisor starts it whole: half a scheduler looks alive.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from django.db import DatabaseError, connection

from audit import sealer
from audit.selectors import database_now
from jobs.adapters.bell import CeleryBell
from jobs.relay import Relay
from jobs.timers import Timers

log = logging.getLogger(__name__)

LEADER_LOCK = 0x676F6C64_01  # any number that nothing else locks
TICK_SECONDS = 1.0
STOP_SECONDS = 10.0  # for a thread to end


class ThreadDied(RuntimeError):
    """A part of the scheduler ended by itself."""


@dataclass(slots=True)
class _Parts:
    """The running threads of a leader."""

    stop: threading.Event = field(default_factory=threading.Event)
    timers: Timers = field(default_factory=Timers)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        relay = Relay(bell=CeleryBell(), clock=database_now)
        parts: dict[str, Callable[[threading.Event], None]] = {
            "relay": relay.run,
            "sealer": sealer.run,
            "timers": self.timers.run,
        }
        for name, run in parts.items():
            thread = threading.Thread(target=run, args=(self.stop,), name=name, daemon=True)
            thread.start()
            self.threads.append(thread)

    def dead(self) -> list[str]:
        return [thread.name for thread in self.threads if not thread.is_alive()]

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            for _ in range(int(STOP_SECONDS / 0.2)):
                self.timers.wake()  # again and again: beat may have been between two of its loops
                thread.join(0.2)
                if not thread.is_alive():
                    break
            else:
                log.error("%s did not stop within %g s", thread.name, STOP_SECONDS)


def run(stop: threading.Event) -> None:
    """Lead, or wait to lead, until ``stop``. Raises ThreadDied."""
    while not stop.is_set():
        try:
            with _lock_connection() as lock:
                _lead_when_possible(lock, stop)
        except (psycopg.Error, DatabaseError) as error:
            log.warning("the scheduler lost PostgreSQL: %s", error)
            stop.wait(TICK_SECONDS)


@contextmanager
def _lock_connection() -> Iterator[psycopg.Connection]:
    """A connection of its own: the lock lives as long as it does, and no thread may close it."""
    opened = connection.get_new_connection(connection.get_connection_params())
    opened.autocommit = True
    try:
        yield opened
    finally:
        opened.close()


def _lead_when_possible(lock: psycopg.Connection, stop: threading.Event) -> None:
    is_waiting = False
    while not _is_leader(lock):
        if not is_waiting:
            log.info("another scheduler leads; this one waits")
        is_waiting = True
        if stop.wait(TICK_SECONDS):
            return
    parts = _Parts()
    parts.start()
    log.info("the scheduler leads: relay, sealer, timers")
    try:
        while not stop.wait(TICK_SECONDS):
            lock.execute("SELECT 1")  # raises when the connection, and with it the lock, is gone
            if dead := parts.dead():
                raise ThreadDied(", ".join(dead))
    finally:
        parts.end()


def _is_leader(lock: psycopg.Connection) -> bool:
    row = lock.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK]).fetchone()
    return bool(row and row[0])
