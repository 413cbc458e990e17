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
