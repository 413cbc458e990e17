"""What a build must not get, planted; and what it must not leave, looked for.

with planted(home, monkeypatch) as world:         # canaries in the environment, in files, behind sockets
    run_once(build, now)
    world.assert_contained(build)                  # none of them anywhere, nothing outside, nothing left
"""

import gzip
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builds.models import Build
from builds.services.directories import directory_of
from tests.builds.builders.support import log_of

CANARY = "canary-7f3a9c51e2"  # part of every planted value
VARIABLES = {
    "GOLDGATE_CANARY": f"{CANARY}-environment",
    "GOLDGATE_SECRET_KEY": f"{CANARY}-secret-key",
    "DATABASE_URL": f"postgresql://goldgate:{CANARY}-password@127.0.0.1/goldgate",
}
# What the hostile Dockerfiles try to write outside.
FORBIDDEN = ("/goldgate-escaped", "/dev/goldgate-owned", "/stolen.txt", "/everyone.txt")


@dataclass
class World:
    """Where things were planted, and how the machine looked before."""

    home: Path
    connections: list[str] = field(default_factory=list)
    before: dict[str, bytes | None] = field(default_factory=dict)
    core_pattern: str = ""

    def assert_contained(self, build: Build) -> None:
        """Fails with the first thing that got out, in, or was left."""
        directory = directory_of(build.pk)
        assert CANARY not in log_of(build)
        assert CANARY not in build.failure
        archive = directory / "image.tar"
        if archive.exists():
            assert CANARY.encode() not in everything_in(archive)
        assert sorted(path.name for path in directory.parent.iterdir() if path.name != str(build.pk)) == ["other"]
        assert [path.name for path in directory.iterdir()] == ["image.tar"] if directory.exists() else True
        assert files_of(self.home, without=directory) == self.before
        assert not [name for name in FORBIDDEN if os.path.lexists(name)]
        assert Path("/proc/sys/kernel/core_pattern").read_text() == self.core_pattern
        assert self.connections == []
        assert_nothing_left(str(build.pk))


def everything_in(archive: Path) -> bytes:
    """Every byte of an OCI archive, layers unpacked."""
    found = []
    with tarfile.open(archive) as tar:
        for member in tar:
            body = tar.extractfile(member)
            data = body.read() if body else b""
            found.append(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return b"\n".join(found)


def files_of(home: Path, *, without: Path) -> dict[str, bytes | None]:
    """Every path below, with the bytes of small plain files."""
    found: dict[str, bytes | None] = {}
    for directory, _, names in os.walk(home):
        if Path(directory).is_relative_to(without):
            continue
        for name in names:
            path = Path(directory) / name
            is_small = path.is_file() and not path.is_symlink() and path.stat().st_size < 100_000
            found[str(path)] = path.read_bytes() if is_small else None
    return found


def processes_of(build_id: str) -> dict[str, str]:
    """The processes in a build's control group or with its mounts: number to words."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            held = (entry / "cgroup").read_text() + (entry / "mountinfo").read_text()
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if build_id in held:
            found[entry.name] = words
    return found


def assert_nothing_left(build_id: str) -> None:
    """No process in its control group or with its mounts, no mount, no control group."""
    assert processes_of(build_id) == {}
    assert build_id not in Path("/proc/self/mountinfo").read_text()
    assert [str(path) for path in Path("/sys/fs/cgroup").rglob(build_id)] == []


@contextmanager
def planted(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Plant everything; listen where a database would."""
    world = World(home, core_pattern=Path("/proc/sys/kernel/core_pattern").read_text())
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    (home / "keys").mkdir()
    (home / "keys" / "signing.pem").write_text(f"{CANARY}-key")
    other = home / "builds" / "other" / "work"
    other.mkdir(parents=True)
    (other / "secret.txt").write_text(f"{CANARY}-other-job")
    for path in (home / "keys" / "signing.pem", other / "secret.txt"):
        path.chmod(0o644)  # that nobody may read it must not be what protects it
    (home / "run").mkdir()
    listeners = [_listen(world, str(home / "run" / ".s.PGSQL.5432")), _listen(world, "")]
    world.before = files_of(home, without=home / "nothing")
    try:
        yield world
    finally:
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _listen(world: World, path: str) -> socket.socket:
    """A socket in the file system, or on port 5432 of this machine where that is free."""
    listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    if path:
        listener.bind(path)
    else:
        try:
            listener.bind(("127.0.0.1", 5432))
        except OSError:
            listener.bind(("127.0.0.1", 0))
    listener.listen()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            world.connections.append(path or "tcp")
            connection.sendall(f"{CANARY}-database".encode())
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    return listener
