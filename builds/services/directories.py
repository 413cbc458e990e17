"""A build's directory: ``GOLDGATE_HOME/builds/<build id>``, locked by whoever works in it.

Of a build that was made only its archive stays, until it is taken in. Everything else goes at once, and what a killed
builder left goes when the next one looks.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

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
    directory.mkdir(parents=True, exist_ok=True)
    # Searchable for the build's own user, who has no rights anywhere above it.
    directory.chmod(0o711)
    with locked(directory):
        for path in directory.iterdir():
            remove_tree(path)
        try:
            yield directory
        finally:
            for path in directory.iterdir():
                if path.name != ARCHIVE:
                    remove_tree(path)
            if not (directory / ARCHIVE).exists():
                directory.rmdir()


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; a process that dies lets it go. Raises DirectoryTaken, FileNotFoundError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DirectoryTaken(str(directory)) from error
        yield
    finally:
        os.close(descriptor)


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
