"""Runs a program on hostile input: no shell, few variables, limits, a wall clock, nothing left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

LIMITED = Path(__file__).with_name("limited.py")
POLL_SECONDS = 0.2
TAIL_BYTES = 8192  # of what it wrote to standard error


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use."""

    wall_seconds: float
    cpu_seconds: int
    data_bytes: int  # private writable memory
    file_bytes: int  # of each file that it writes


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended. ``return_code`` is negative for a signal."""

    return_code: int
    is_timed_out: bool
    stderr: str  # the last TAIL_BYTES


def run_child(  # noqa: PLR0913 — one keyword a thing that the child is given
    arguments: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    limits: Limits,
    check: Callable[[], None] = lambda: None,
    stdin: Path | None = None,
    stdout: Path | None = None,
    has_network: bool = False,
) -> Ended:
    """Run ``arguments`` to its end, or to its limits, in a process group of its own that is killed afterwards.

    It reads ``stdin`` and writes ``stdout`` (held to ``file_bytes`` like every file) where they are named.
    ``check`` is called while it runs; what it raises stops the child. Raises OSError when it cannot be started.
    """
    if not os.access(arguments[0], os.X_OK):
        raise FileNotFoundError(f"{arguments[0]} cannot be run")
    numbers = [str(limits.data_bytes), str(limits.file_bytes), str(limits.cpu_seconds)]
    command = [sys.executable, "-I", "-S", str(LIMITED), *numbers, "network" if has_network else "--", *arguments]
    stderr_path = directory / "stderr"
    with ExitStack() as opened:
        stderr = opened.enter_context(stderr_path.open("wb"))
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=directory,
            env=dict(environment),
            stdin=opened.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL,
            stdout=opened.enter_context(stdout.open("wb")) if stdout else subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        is_timed_out = not _wait(process, limits.wall_seconds, check)
    finally:
        _kill_group(process)
    with stderr_path.open("rb") as written:
        written.seek(max(0, stderr_path.stat().st_size - TAIL_BYTES))
        tail = written.read(TAIL_BYTES).decode("utf-8", "replace")
    return Ended(return_code=process.returncode, is_timed_out=is_timed_out, stderr=tail)


def _wait(process: subprocess.Popen[bytes], wall_seconds: float, check: Callable[[], None]) -> bool:
    until = time.monotonic() + wall_seconds
    while time.monotonic() < until:
        try:
            process.wait(timeout=POLL_SECONDS)
            return True
        except subprocess.TimeoutExpired:
            check()
    return False


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Also when it ended by itself: what it started must not outlive it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
