"""Dockerfiles, read as BuildKit reads them.

``parse`` gives stages and instructions; heredocs are values of their instruction and never instructions themselves.
The parser is a program, and nothing in ``domain/`` runs programs: it is handed in at start-up (``builds/apps.py``).
"""

from builds.domain.dockerfile.model import Directive, Dockerfile, Heredoc, Instruction, RawInstruction, Stage
from builds.domain.dockerfile.mounts import Mount
from builds.domain.dockerfile.reading import MAX_BYTES, Parser, read
from builds.errors import DockerfileMalformed

__all__ = [
    "MAX_BYTES",
    "Directive",
    "Dockerfile",
    "DockerfileMalformed",
    "Heredoc",
    "Instruction",
    "Mount",
    "RawInstruction",
    "Stage",
    "parse",
    "use_parser",
]


def _nobody(_text: str) -> tuple[RawInstruction, ...]:
    raise RuntimeError("no parser was handed in: see builds/apps.py")


_parser: list[Parser] = [_nobody]


def use_parser(parser: Parser) -> None:
    """From now on ``parse`` splits lines with ``parser``."""
    _parser[0] = parser


def parse(content: str | bytes) -> Dockerfile:
    """The Dockerfile that ``content`` is: UTF-8, at most MAX_BYTES. Raises DockerfileMalformed; ParserFailed."""
    return read(content, parser=_parser[0])
