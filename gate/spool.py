"""The local spool: a decision is on the disk before its answer leaves.

- One writer thread a serving process; it takes whatever waits, writes it at once, calls fdatasync once and
  then lets all those answers go (group commit). Nobody waits for others longer than one disk write.
- The queue is bounded and so is the wait: who cannot be recorded in time is told so, and is denied.
- Segments: ``<process>-<n>.open`` while written (locked with flock), ``<process>-<n>.jsonl`` when closed.
  A segment whose lock is free although it says ``.open`` was left by a process that died.
- A last line without its newline was never acknowledged.
"""

import asyncio
import contextlib
import errno
import fcntl
import io
import logging
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import ClassVar, NamedTuple

import uuid6

from core.errors import GoldgateError, Kind
from gate.clock import sync_directory

LOG = logging.getLogger("goldgate.gate.spool")
SEGMENT_BYTES = 4 * 1024 * 1024
SEGMENT_SECONDS = 1.0
MAX_WAITING = 4096
WAIT_SECONDS = 1.2  # well under the gate's own deadline of 2 s
RETRY_SECONDS = 1.0
OPEN, CLOSED = ".open", ".jsonl"


class SpoolUnavailable(GoldgateError):
    """The decision cannot be made durable now, so it must not be answered with yes."""

    code: ClassVar[str] = "spool_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class _Entry(NamedTuple):
    line: bytes
    done: "asyncio.Future[None]"
    deadline: float  # monotonic


class Spool:
    """Append decisions from one event loop; each ``append`` returns when its line is on the disk."""

    def __init__(self, directory: Path, loop: asyncio.AbstractEventLoop, *, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._name = f"{uuid6.uuid7()}"
        self._count = 0
        self._waiting: deque[_Entry] = deque()
        self._batch: list[_Entry] = []  # taken by the writer, not yet durable
        self._wake = threading.Condition()
        self._stopping = False
        self._file: io.FileIO | None = None
        self._opened_at = 0.0
        self._size = 0
        self._others_bytes = 0
        self._measured_at = 0.0
        self._failed_at = 0.0
        self.error = ""
        self._loop = loop
        self._thread = threading.Thread(target=self._run_guarded, name="spool", daemon=True)
        self._thread.start()
        self._sweep()

    async def append(self, line: bytes) -> None:
        """Return when ``line`` (no newline in it) is durable. Raises SpoolUnavailable; then it may not be there."""
        if self.error:
            raise SpoolUnavailable(self.error)
        if len(self._waiting) + len(self._batch) >= MAX_WAITING:
            raise SpoolUnavailable("too many decisions wait to be recorded")
        entry = _Entry(line, self._loop.create_future(), time.monotonic() + WAIT_SECONDS)
        with self._wake:
            self._waiting.append(entry)
            self._wake.notify()
        await entry.done

    def close(self) -> None:
        """Write what waits, close the segment, end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout=WAIT_SECONDS * 2)

    def _sweep(self) -> None:
        """Give up those that waited too long; one timer for all of them instead of one each."""
        now = time.monotonic()
        with self._wake:
            late = []
            while self._waiting and self._waiting[0].deadline <= now:
                late.append(self._waiting.popleft())
            # A disk that hangs: whether these get there nobody knows, so they are denied as well.
            late += [entry for entry in self._batch if entry.deadline <= now]
        for entry in late:
            _fail(entry, "the disk did not take the decision in time")
        if not self._stopping:
            self._loop.call_later(0.1, self._sweep)

    def _run_guarded(self) -> None:
        try:
            self._run()
        except Exception:
            # The edge of a thread. Without a writer nothing can be recorded: every append says so from now on.
            self.error = "the spool's writer failed; see the gate's log"
            LOG.exception("the spool's writer failed")
            self._tell(self._batch, self.error)
            self._batch = []
            self._abandon()

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._waiting and not self._stopping:
                    self._wake.wait(SEGMENT_SECONDS / 2)
                batch = self._batch = list(self._waiting)
                self._waiting.clear()
                is_over = self._stopping and not batch
            failure = self._commit(batch) if batch else self._heal()
            if batch:
                self._batch = []
                self._tell(batch, failure)
            self._close_when_due(is_over)
            if is_over:
                return

    def _tell(self, batch: list[_Entry], failure: str) -> None:
        # The loop may be closing: nobody waits for these any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_settle, batch, failure)

    def _commit(self, batch: list[_Entry]) -> str:
        """Write and sync ``batch``; why not, in words, or an empty text."""
        body = b"".join(entry.line + b"\n" for entry in batch)
        try:
            self._require_room(len(body))
            file = self._file or self._open()
            file.write(body)
            os.fdatasync(file.fileno())
        except OSError as error:
            self._abandon()
            self._failed_at = time.monotonic()
            self.error = f"the spool cannot be written: {error.strerror or error}"
            return self.error
        self._size += len(body)
        return ""

    def _require_room(self, size: int) -> None:
        now = time.monotonic()
        if now >= self._measured_at + RETRY_SECONDS:
            own = self._path(OPEN).name if self._file else ""
            self._others_bytes = bytes_in(self._directory, without=own)
            self._measured_at = now
        if self._others_bytes + self._size + size > self._max_bytes:
            raise OSError(errno.ENOSPC, f"it holds {self._max_bytes} bytes and is full")

    def _heal(self) -> str:
        """After a failure, try again once a second whether a line can be written."""
        if self.error and time.monotonic() >= self._failed_at + RETRY_SECONDS:
            self._failed_at = time.monotonic()
            try:
                self._require_room(1)
                (self._file or self._open()).flush()
            except OSError as error:
                self.error = f"the spool cannot be written: {error.strerror or error}"
            else:
                self.error = ""
        return self.error

    def _open(self) -> io.FileIO:
        file = self._open_locked()
        sync_directory(self._directory)
        self._file, self._size, self._opened_at = file, 0, time.monotonic()
        return file

    def _open_locked(self) -> io.FileIO:
        while True:
            self._count += 1
            path = self._path(OPEN)
            file = path.open("xb", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                # Between its creation and its lock the shipper may have taken it for one left behind.
                if path.exists():
                    return file
            except OSError:
                file.close()
                raise
            file.close()

    def _close_when_due(self, is_over: bool) -> None:
        if self._file is None:
            return
        is_old = self._size > 0 and time.monotonic() >= self._opened_at + SEGMENT_SECONDS
        if is_over or is_old or self._size >= SEGMENT_BYTES:
            self._abandon()

    def _abandon(self) -> None:
        """Close the segment, whatever its last line looks like, and let the shipper have it."""
        if self._file is None:
            return
        # A failing close or rename leaves an ".open" segment without a lock: the shipper takes those too.
        with contextlib.suppress(OSError):
            self._file.close()
            self._path(OPEN).rename(self._path(CLOSED))
        self._file, self._size, self._measured_at = None, 0, 0.0

    def _path(self, suffix: str) -> Path:
        return self._directory / f"{self._name}-{self._count}{suffix}"


def bytes_in(directory: Path, *, without: str = "") -> int:
    """Bytes of all segments, shipped ones gone, ``without`` left out. Raises OSError."""
    total = 0
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name != without:
                # Shipped and deleted while we looked.
                with contextlib.suppress(FileNotFoundError):
                    total += entry.stat().st_size
    return total


def closed_segments(directory: Path) -> list[Path]:
    """Segments nobody writes to any more, oldest first; those left by a dead process are closed here."""
    for path in directory.glob(f"*{OPEN}"):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            path.rename(path.with_suffix(CLOSED))
    return sorted(directory.glob(f"*{CLOSED}"), key=lambda path: path.stat().st_mtime_ns)


def lines_of(path: Path) -> list[bytes]:
    """The acknowledged lines of a segment; a torn last one is left out."""
    *lines, _torn = path.read_bytes().split(b"\n")
    return [line for line in lines if line]


def _settle(batch: list[_Entry], failure: str) -> None:
    for entry in batch:
        if failure:
            _fail(entry, failure)
        elif not entry.done.done():
            entry.done.set_result(None)


def _fail(entry: _Entry, why: str) -> None:
    if not entry.done.done():
        entry.done.set_exception(SpoolUnavailable(why))
