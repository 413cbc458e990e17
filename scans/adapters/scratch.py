"""Directories for what is only needed meanwhile, under ``GOLDGATE_HOME/scratch``.

Each is locked (flock) by the process that works in it, so that whoever comes next knows what a killed one left.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A new empty directory that goes with the block. What killed processes left goes too."""
    parent = Path(settings.GOLDGATE_HOME) / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    # Held while one is made: else another process could take it for one that was left, before it is locked.
    with _locked(parent):
        _sweep(parent)
        directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = os.open(directory, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sweep(parent: Path) -> None:
    for path in parent.iterdir():
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        except OSError:
            continue  # gone meanwhile, or nothing of ours
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # somebody works in it
        else:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(descriptor)
