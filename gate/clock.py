"""The gate's time: never less than it once was.

A clock set back would bring expired snapshots and certificates back to life. The highest second ever seen
is kept on disk; where the machine's clock is behind it, the kept one stands still until it is caught up.
Being too late can only refuse.
"""

import os
import time
from pathlib import Path

SAVE_EVERY_SECONDS = 5


class Clock:
    """Unix seconds that do not fall, across restarts too: ``path`` keeps the highest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._floor = read_floor(path)
        self._saved = self._floor

    def now(self) -> int:
        """The present second, or the highest one ever seen if the machine's clock is behind it."""
        self._floor = max(self._floor, int(time.time()))
        return self._floor

    def seconds_behind(self) -> int:
        """By how much the machine's clock is behind the floor; 0 in normal running."""
        return max(self._floor - int(time.time()), 0)

    def reload(self) -> None:
        """Take over a floor that another process of this gate saved."""
        self._floor = max(self._floor, read_floor(self._path))

    def save(self) -> None:
        """Keep the floor on disk, at most every few seconds. Raises OSError."""
        now = self.now()
        if now < self._saved + SAVE_EVERY_SECONDS:
            return
        write_durably(self._path, str(now).encode())
        self._saved = now


def read_floor(path: Path) -> int:
    """The kept second; 0 where none is kept. Raises ValueError for a file that holds something else."""
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0


def write_durably(path: Path, body: bytes, *, mode: int = 0o644) -> None:
    """Replace ``path`` by ``body``: after a crash there is the old or the new, whole. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in ``path`` durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
