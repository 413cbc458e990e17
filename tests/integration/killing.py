"""Holds the jobs of a running stack at chosen points, and kills what runs them there.

Brakes are triggers that the test puts into the stack's own database: a transaction that is about to record a deed,
or to end a job, waits for an advisory lock while the test holds it. So a kill hits its point each time, and no
product code knows of it. What waited for a dead client is rolled back, as it is when nobody held it.
"""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psycopg

from tests.integration.stack import Stack, eventually

SECONDS = 120
DEED, END = 7001, 7002  # the classes of our advisory locks
_TRIGGERS = f"""
CREATE FUNCTION test_brake_deed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({DEED}, hashtext(NEW.verb)); RETURN NEW; END $$;
CREATE TRIGGER test_brake_deed BEFORE INSERT ON audit_record FOR EACH ROW EXECUTE FUNCTION test_brake_deed();
CREATE FUNCTION test_brake_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({END}, hashtext(NEW.kind)); RETURN NEW; END $$;
CREATE TRIGGER test_brake_end BEFORE UPDATE ON jobs_job FOR EACH ROW
    WHEN (OLD.state = 'running' AND NEW.state = 'succeeded') EXECUTE FUNCTION test_brake_end();
"""


class Point(StrEnum):
    """Where in a step its process dies."""

    BEFORE_DEED = "all is done outside, nothing of the deed is committed"
    WITHIN = "at some moment"
    BEFORE_END = "the deed is committed, the job's end is not"


class Victim(StrEnum):
    """What dies."""

    CHILD = "the process that runs the job"
    PROGRAM = "the program with everything below it"


@dataclass(frozen=True, slots=True)
class Step:
    """A kind of job, the deed that it records, and about how long it takes (seconds)."""

    kind: str
    verb: str
    usual: float


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill that was done."""

    kind: str
    point: Point
    victim: Victim
    after_seconds: float


def database_url(home: Path) -> str:
    text = (home / "run" / "environment.sh").read_text()
    found = re.search(r"DATABASE_URL='?([^'\n]+)'?", text)
    assert found, text
    return found[1]


class Killer:
    """Brakes and kills in one stack. ``seed`` draws the moments: the same seed, the same moments."""

    def __init__(self, stack: Stack, *, seed: int) -> None:
        self._stack = stack
        self._draw = random.Random(seed)
        self.done: list[Kill] = []
        url = database_url(stack.home)
        self._rows = psycopg.connect(url, autocommit=True)
        self._brakes = psycopg.connect(url, autocommit=True)  # holds the locks of its session
        self._rows.execute(_TRIGGERS)

    def close(self) -> None:
        """Let everything go on, and take the brakes out."""
        self._brakes.close()
        self._rows.execute(
            "DROP TRIGGER test_brake_deed ON audit_record; DROP TRIGGER test_brake_end ON jobs_job;"
            "DROP FUNCTION test_brake_deed(); DROP FUNCTION test_brake_end()"
        )
        self._rows.close()

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the stack's database."""
        return self._rows.execute(query, values).fetchall()

    def hold(self, step: Step, lock: int = DEED) -> None:
        self._brakes.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [lock, self._name(step, lock)])

    def release(self, step: Step, lock: int = DEED) -> None:
        self._brakes.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [lock, self._name(step, lock)])

    def kill_times(self, step: Step, kills: int, *, first: int = 0) -> None:
        """Kill ``step`` so often while its deed is held (``hold`` was called), then let it end."""
        seen = 0
        points = _points(kills)
        for number, point in enumerate(points):
            if point is Point.BEFORE_END and points[number - 1] is not point:
                self.hold(step, END)
                self.release(step)
            victim = Victim.PROGRAM if (number + first) % 3 == 2 else Victim.CHILD
            seen = self._kill(step, point, victim, beyond=seen)
        self.release(step, END if Point.BEFORE_END in points else DEED)

    def _kill(self, step: Step, point: Point, victim: Victim, *, beyond: int) -> int:
        """Kill the attempt after number ``beyond``; its number."""
        attempts, pid = eventually(
            lambda: self.running(step.kind, beyond=beyond), seconds=SECONDS, pause=0.005, what=f"{step.kind} runs"
        )
        delay = 0.0
        if point is Point.WITHIN:
            delay = self._draw.random() * step.usual
            time.sleep(delay)
        else:
            lock = END if point is Point.BEFORE_END else DEED
            eventually(lambda: self._waiting(step, lock), seconds=SECONDS, pause=0.01, what=f"{step.kind}: {point}")
        kill(pid, victim)
        self.done.append(Kill(step.kind, point, victim, delay))
        # Its transaction waits for us, in a server that has not noticed yet: as if the client's end were seen at once.
        self._rows.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = ANY(%s)"
            " AND objid::bigint = ANY(ARRAY[hashtext(%s)::bigint & 4294967295, hashtext(%s)::bigint & 4294967295])"
            " AND NOT granted",
            [[DEED, END], step.verb, step.kind],
        )
        return attempts

    def running(self, kind: str, *, beyond: int = 0) -> tuple[int, int] | None:
        """Number of the attempt that runs, and the process that runs it."""
        found = self.ask(
            "SELECT attempts, leased_by FROM jobs_job WHERE kind = %s AND state = 'running' AND attempts > %s",
            kind, beyond,
        )  # fmt: skip
        return (found[0][0], int(found[0][1].rsplit(":", 1)[1])) if found else None

    def _waiting(self, step: Step, lock: int) -> bool:
        (count,) = self.ask(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid::bigint = %s"
            " AND objid::bigint = (hashtext(%s)::bigint & 4294967295)",
            lock, self._name(step, lock),
        )[0]  # fmt: skip
        return bool(count)

    def is_held(self, step: Step) -> bool:
        """Whether the step has come to its deed and waits there."""
        return self._waiting(step, DEED)

    @staticmethod
    def _name(step: Step, lock: int) -> str:
        return step.kind if lock == END else step.verb


def _points(kills: int) -> list[Point]:
    """Before the deed and at some moment by turns, a third before the end: a deed is committed only once."""
    before_end = max(1, kills // 3)
    early = [Point.BEFORE_DEED, Point.WITHIN] * kills
    return [*early[: kills - before_end], *[Point.BEFORE_END] * before_end]


def kill(pid: int, victim: Victim) -> None:
    """``kill -9``, and see that it is gone."""
    with contextlib.suppress(ProcessLookupError):
        if victim is Victim.PROGRAM:
            os.killpg(os.getpgid(pid), signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid), seconds=60, pause=0.01, what=f"the end of {pid}")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def supervisor(stack: Stack, verb: str, program: str) -> str:
    """``supervisorctl VERB PROGRAM`` of a stack."""
    configuration = stack.home / "run" / "supervisord.conf"
    command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(configuration), verb, program]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "ERROR" not in ran.stdout, ran.stdout
    return ran.stdout


def outside_the_supervisor(stack: Stack) -> list[str]:
    """Processes of this home whose parent is gone: nobody will ever stop them."""
    supervisord = int((stack.home / "run" / "supervisord.pid").read_text())
    known = {os.getpid(), supervisord}
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(stack.home).encode() not in environment or pid in known or not is_alive(pid):
            continue
        if supervisord not in _parents(pid) and os.getpid() not in _parents(pid):
            found.append(f"{pid} {command}")
    return found


def _parents(pid: int) -> Iterator[int]:
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            return
        yield pid


@contextlib.contextmanager
def repeatedly(act: Callable[[], object], *, pause: float) -> Iterator[None]:
    """Do ``act`` again and again beside the block."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(pause):
            act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
