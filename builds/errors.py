"""What builds refuse, each named for the fact."""

from typing import ClassVar

from core.errors import GoldgateError, Kind


class SourceMissing(GoldgateError):
    """There is no such source."""

    code: ClassVar[str] = "source_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class RecipeMissing(GoldgateError):
    """There is no such recipe."""

    code: ClassVar[str] = "recipe_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class BuildMissing(GoldgateError):
    """There is no such build."""

    code: ClassVar[str] = "build_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class DockerfileMalformed(GoldgateError):
    """The text is no Dockerfile that BuildKit would build, or larger than is read here. ``line`` counts from 1."""

    code: ClassVar[str] = "dockerfile_malformed"
    kind: ClassVar[Kind] = Kind.MALFORMED

    def __init__(self, detail: str, *, line: int | None = None, cure: str = "") -> None:
        super().__init__(detail if line is None else f"Line {line}: {detail}", cure=cure)
        self.line = line


class ParserFailed(GoldgateError):
    """The parser's process ended without an answer."""

    code: ClassVar[str] = "dockerfile_parser_failed"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class BuiltElsewhere(GoldgateError):
    """A pipeline elsewhere builds this source and submits what it built; nothing is built here."""

    code: ClassVar[str] = "built_elsewhere"
    kind: ClassVar[Kind] = Kind.CONFLICT


class SourcePaused(GoldgateError):
    """The source is paused: nothing is built from it."""

    code: ClassVar[str] = "source_paused"
    kind: ClassVar[Kind] = Kind.CONFLICT


class BuildsTooOften(GoldgateError):
    """The same was built too often within a day: something is wrong that building again does not mend."""

    code: ClassVar[str] = "builds_too_often"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NothingToReproduce(GoldgateError):
    """The build left no candidate that a second one could be compared with."""

    code: ClassVar[str] = "nothing_to_reproduce"
    kind: ClassVar[Kind] = Kind.CONFLICT


class BuildOutputMissing(GoldgateError):
    """What the builder made is no longer where it was left."""

    code: ClassVar[str] = "build_output_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class LayersRefused(GoldgateError):
    """An image's layers cannot be read to their end, or pass a limit: nothing is known of its files."""

    code: ClassVar[str] = "layers_refused"
    kind: ClassVar[Kind] = Kind.REFUSED
