"""What every builder is given and what it gives back. It knows no database and no key of ours.

A builder writes nowhere but into the plan's directory, says what happens to the log it is handed, calls ``check``
while it works, and ends with an OCI archive or with one of the errors below.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from core.errors import GoldgateError, Kind

BUILT_CONTEXT = "context"  # the context's place in the plan's work directory


class BuilderFailed(GoldgateError):
    """The build ended without an image. ``failure_code`` says why, ``line`` where in the Dockerfile."""

    code: ClassVar[str] = "build_failed"
    kind: ClassVar[Kind] = Kind.CONFLICT

    def __init__(self, detail: str, *, failure_code: str, line: int | None = None, cure: str = "") -> None:
        super().__init__(detail, cure=cure)
        self.failure_code = failure_code
        self.line = line


class BuilderUnavailable(GoldgateError):
    """There is no such builder here, or it does not answer; the cure says how to get it."""

    code: ClassVar[str] = "builder_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class BuilderMissing(BuilderUnavailable):
    """The builder's programs are not installed: trying again does not help, the cure does."""


class LogSink(Protocol):
    """Takes what a build says, as it says it. Masking and cutting are the sink's."""

    def __call__(self, text: str) -> None:
        """Keep ``text``; it need not end with a line."""
        ...


@dataclass(frozen=True, slots=True)
class PlannedBase:
    """What one FROM stands for: verified bytes, one OCI layout a platform."""

    asked: str  # as the FROM says it, arguments put in
    reference: str
    digest: str
    layouts: Mapping[str, Path]  # platform to a layout with one image
    written: tuple[str, ...] = ()  # as it stands there, where that differs


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """Everything that decides a build. ``directory`` is the job's own; the builder writes nowhere else."""

    directory: Path  # holds ``work``, with the context in it; the archive comes to lie beside it
    dockerfile: bytes
    arguments: Mapping[str, str]
    target: str
    platforms: Sequence[str]  # "linux/amd64"; several make an index
    bases: Sequence[PlannedBase]
    labels: Mapping[str, str]  # set on the image, and as annotations of its manifest
    epoch: int | None  # Unix seconds for every file and the image itself; None: as it happens
    allowed_hosts: Sequence[str] | None  # None: no network at all

    @property
    def work(self) -> Path:
        """What the build may see and write."""
        return self.directory / "work"

    @property
    def archive(self) -> Path:
        """Where the OCI archive of the result belongs."""
        return self.directory / "image.tar"


@dataclass(frozen=True, slots=True)
class BuildOutput:
    """What was built, and the facts about who built it that provenance names."""

    archive: Path
    digest: str  # of the manifest, or of the index
    builder_id: str  # SLSA's builder.id
    builder_version: str
    isolation: str  # in words: how the build was held


class Builder(Protocol):
    """Builds one plan."""

    def build(self, plan: BuildPlan, *, log: LogSink, check: Callable[[], None]) -> BuildOutput:
        """Build; ``check`` is called at least once a second and what it raises stops the build.

        Raises BuilderFailed; BuilderUnavailable when it could not even begin.
        """
        ...
