"""Where checkpoints are kept outside: a directory, or a git work tree that is pushed if it has a remote.

Outside means: not writable by whoever can write the database. A file that is there is never replaced;
another content under the same number is not a nuisance but the finding that sinks are for.
"""

import os
import subprocess
from pathlib import Path
from typing import Protocol

from audit.errors import SinkDisagrees, SinkUnavailable

GIT_SECONDS = 60


class Sink(Protocol):
    """A place that takes checkpoints."""

    name: str

    def put(self, number: int, document: bytes) -> None:
        """Keep a checkpoint, durably. The same again is no error. Raises SinkUnavailable, SinkDisagrees."""
        ...


def file_name(number: int) -> str:
    """``000000000042.json``: sorts by number."""
    return f"{number:012d}.json"


class DirectorySink:
    """A directory: another disk, a mounted share."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def put(self, number: int, document: bytes) -> None:
        target = self.path / file_name(number)
        try:
            if target.exists():
                _compare(target, document)
            else:
                _write(target, document)
        except OSError as error:
            raise SinkUnavailable(f"{self.name}: {error.strerror or error}") from error


class GitSink(DirectorySink):
    """A git work tree: each checkpoint is a commit, pushed when the branch has an upstream."""

    def put(self, number: int, document: bytes) -> None:
        super().put(number, document)
        name = file_name(number)
        self._git("add", "--", name)
        if self._git("status", "--porcelain", "--", name):
            self._git("commit", "--quiet", "-m", f"Checkpoint {number}", "--", name)
        if self._git("remote"):
            self._git("push", "--quiet")

    def _git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Goldgate", "-c", "user.email=goldgate@localhost", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(self.path), *identity, *arguments]
        # GIT_TERMINAL_PROMPT=0: a remote that asks for a password must fail, not hang the sealer.
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        try:
            done = subprocess.run(  # noqa: S603 — fixed words and our own file name, no shell
                command, capture_output=True, timeout=GIT_SECONDS, check=True, env=environment
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SinkUnavailable(f"git {arguments[0]} in {self.name}: {error}") from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()
            raise SinkUnavailable(f"git {arguments[0]} in {self.name}: {said}") from error
        return done.stdout.decode(errors="replace").strip()


def sink_at(path: str) -> Sink | None:
    """The sink that a setting names; None for "". A directory that is not there is made."""
    if not path:
        return None
    directory = Path(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkUnavailable(f"{path}: {error.strerror}") from error
    return GitSink(directory) if (directory / ".git").exists() else DirectorySink(directory)


def _compare(target: Path, document: bytes) -> None:
    if target.read_bytes() != document:
        raise SinkDisagrees(
            f"{target} holds another checkpoint of the same number.",
            cure="The database was restored, changed or replaced since. Verify an export against the sink's files.",
        )


def _write(target: Path, document: bytes) -> None:
    partial = target.with_name(f".{target.name}.part")
    with partial.open("wb") as file:
        file.write(document)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
