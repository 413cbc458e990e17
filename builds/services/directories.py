"""A build's directory: ``GOLDGATE_HOME/builds/<build id>``, locked by whoever works in it.

Of a build that was made only its archive stays, until it is taken in. Everything else goes at once, and what a killed
builder left goes when the next one looks (``sweeping.py``).
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

from builds.adapters.builders.confinement import empty_as_owner

ARCHIVE = "image.tar"
REMOVE_SECONDS = 600


class DirectoryTaken(Exception):
    """Another process works in the directory."""


def builds_directory() -> Path:
    """Where the directories of all builds are."""
    return Path(settings.GOLDGATE_HOME) / "builds"


def directory_of(build_id: UUID | str) -> Path:
    """Of one build."""
    return builds_directory() / str(build_id)


@contextmanager
def own_directory(build_id: UUID | str) -> Iterator[Path]:
    """The build's directory, empty and locked; afterwards only an archive stays in it. Raises DirectoryTaken."""
    directory = directory_of(build_id)
    builds_directory().mkdir(mode=0o711, parents=True, exist_ok=True)
    # Held while one is made: else a sweep could take it for one that was left, before it is locked.
    with held(builds_directory()):
        directory.mkdir(exist_ok=True)
        # Searchable for the build's own user, who has no rights anywhere above it.
        directory.chmod(0o711)
        descriptor = _lock(directory)
    try:
        clear(directory)
        yield directory
    finally:
        leave(directory, keep=ARCHIVE)
        os.close(descriptor)


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold a directory's lock, waiting for it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory's lock; a process that dies lets it go. Raises DirectoryTaken; OSError for what is none."""
    descriptor = _lock(directory)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(directory: Path) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DirectoryTaken(str(directory)) from error
    return descriptor


def clear(directory: Path, *, keep: str = "") -> None:
    """Remove what is in a directory, but for ``keep``."""
    if os.geteuid() != 0 and (directory / "work").exists():
        empty_as_owner(directory, settings.GOLDGATE_BUILDER_USER)
    for path in list(directory.iterdir()):
        if path.name != keep:
            remove_tree(path)


def leave(directory: Path, *, keep: str = "") -> None:
    """Remove a directory with all that is in it; with ``keep`` in it, all but that."""
    clear(directory, keep=keep)
    if not any(directory.iterdir()):
        directory.rmdir()


def remove_tree(path: Path) -> None:
    """Remove what a build left: as deep as it likes, with names as long as it likes. rm(1) can; our own walk cannot."""
    subprocess.run(  # noqa: S603
        ["/bin/rm", "-rf", "--one-file-system", "--", str(path)],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=REMOVE_SECONDS,
        env={"PATH": "/usr/bin:/bin"},
    )
