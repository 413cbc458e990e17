"""The publisher as a process of its own, beside a PostgreSQL of its own that is stopped and started."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import uuid6
from tuf.api.metadata import Metadata, Timestamp

ROOT = Path(__file__).resolve().parents[2]
TIMESTAMP_SECONDS = 6.0

pytestmark = pytest.mark.integration


def binaries() -> Path:
    """Where PostgreSQL's programs are. Skips, saying so, where they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if not found and on_path is None:
        pytest.skip("LEFT OUT: postgresql is not installed (script/test installs it)")
    return (found[-1] if found else Path(str(on_path))).parent


class Database:
    """A PostgreSQL that a test may stop. It does not run as root, so a test that does hands it another user."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._user = "postgres" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir()
        if self._user:
            shutil.chown(directory, self._user)
        initdb = [str(binaries() / "initdb"), "-D", str(directory), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(initdb, user=self._user, check=True, capture_output=True, cwd="/")

    @property
    def uri(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self.directory), safe='')}"

    def start(self) -> None:
        command = [str(binaries() / "postgres"), "-D", str(self.directory), "-h", "", "-k", str(self.directory)]
        self._process = subprocess.Popen(
            command, user=self._user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
        )
        wait_until(self._answers, 30, "PostgreSQL answers")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.uri, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Immediately, as a machine that loses power."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
            self._process = None

    def revoke(self) -> None:
        """The row that a revocation writes, committed by another process; and its bell."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO admission_snapshotchange (id, subject_kind, subject_id, verb, at)"
                " VALUES (%s, 'subversion', %s, 'subversion.revoked', %s)",
                [uuid6.uuid7(), str(uuid6.uuid7()), datetime.now(UTC)],
            )
            connection.execute("NOTIFY goldgate_snapshot")

    def open_changes(self) -> int:
        with psycopg.connect(self.uri) as connection:
            row = connection.execute(
                "SELECT count(*) FROM admission_snapshotchange WHERE publication_id IS NULL"
            ).fetchone()
        return int(row[0]) if row else -1


class Running:
    """``manage.py run_publisher``, and the home it writes in."""

    def __init__(self, home: Path, database: Database) -> None:
        self.home = home
        self.environment = os.environ | {
            "DATABASE_URL": database.uri,
            "GOLDGATE_HOME": str(home),
            "GOLDGATE_SNAPSHOT_KEYS_DIR": str(home / "keys"),
            "GOLDGATE_TIMESTAMP_SECONDS": str(TIMESTAMP_SECONDS),
            "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, check=True, capture_output=True
        )

    def start(self) -> subprocess.Popen[bytes]:
        with (self.home / f"publisher-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "run_publisher"], cwd=ROOT, env=self.environment, stderr=log, stdout=log
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(10)

    def timestamp(self) -> Timestamp:
        return Metadata[Timestamp].from_bytes((self.home / "snapshots/metadata/timestamp.json").read_bytes()).signed

    @property
    def version(self) -> int:
        try:
            return self.timestamp().snapshot_meta.version
        except FileNotFoundError:
            return 0

    def message(self) -> str:
        return str(json.loads((self.home / "snapshots/status.json").read_bytes())["message"])

    def is_alive(self) -> bool:
        """Whether a gate that looks now would go on answering."""
        return self.timestamp().expires > datetime.now(UTC)


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds until it holds; fails when it does not in time."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Running, Database]]:
    directory = Path(tempfile.mkdtemp(prefix="goldgate-publisher-"))
    directory.chmod(0o755)
    database = Database(directory / "pg")
    running = Running(directory, database)
    try:
        database.start()
        running.manage("migrate", "--verbosity=0")
        running.manage("snapshot_keys", "make")
        yield running, database
    finally:
        running.stop()
        database.stop()
        shutil.rmtree(directory, ignore_errors=True)


def test_one_leads_publishes_within_two_seconds_outlives_its_database_and_hands_over(stage):
    running, database = stage
    leader = running.start()
    wait_until(lambda: running.version == 1, 30, "the first snapshot")

    # A revocation is in force, and confirmed, within two seconds of its commit.
    database.revoke()
    assert wait_until(lambda: running.version == 2, 2, "a revocation is published") < 2
    wait_until(lambda: database.open_changes() == 0, 2, "it is confirmed")

    # A second publisher stands by.
    standby = running.start()
    time.sleep(3)
    assert running.version == 2

    # PostgreSQL away: the timestamp goes on for longer than its own life, and nothing else does.
    database.stop()
    away_since = time.monotonic()
    while time.monotonic() - away_since < 2 * TIMESTAMP_SECONDS:
        assert running.is_alive()
        time.sleep(0.1)
    assert running.version == 2
    assert "nothing can be revoked" in running.message()

    # Back: what is committed then is published, by whichever of the two leads now.
    database.start()
    database.revoke()
    wait_until(lambda: running.version >= 3, 10, "a revocation after the outage")
    wait_until(lambda: running.message() == "", 10, "the alarm is over")

    # Killed: the other takes over.
    leader.kill()
    leader.wait(10)
    version = running.version
    database.revoke()
    wait_until(lambda: running.version > version, 10, "the standby publishes")

    # Asked to end, it ends.
    standby.terminate()
    assert standby.wait(10) == 0
