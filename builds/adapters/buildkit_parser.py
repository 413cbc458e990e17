"""Reads Dockerfiles with BuildKit's own parser, in a limited child.

The parser is Go behind a C interface. Two facts keep it out of our own processes: a panic in it would end the whole
process, and a Go runtime that was started before a fork stands still in the forked worker. So each text is read by a
child with limits, and what it says is kept for the next who asks.
"""

import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builds.domain.dockerfile.model import Heredoc, RawInstruction
from builds.errors import DockerfileMalformed, ParserFailed
from scans.adapters.child import Limits, run_child
from scans.adapters.scratch import scratch

CHILD = Path(__file__).with_name("buildkit_parser_child.py")
LIMITS = Limits(wall_seconds=20, cpu_seconds=10, data_bytes=1024**3, file_bytes=64 * 1024**2)
MAX_ANSWER_BYTES = 32 * 1024**2


@functools.lru_cache(maxsize=64)
def raw_instructions(text: str) -> tuple[RawInstruction, ...]:
    """The instructions of ``text`` in order, as BuildKit splits them.

    Raises: DockerfileMalformed with what the parser says; ParserFailed when it ended without an answer.
    """
    found = answers_to([text])[0]
    if "error" in found:
        raise DockerfileMalformed(f"This is no Dockerfile: {found['error'][:500]}.")
    return instructions_in(found)


def answers_to(texts: Sequence[str]) -> list[dict[str, Any]]:
    """The parser's answer to each text, all by one child. Raises DockerfileMalformed; ParserFailed."""
    with scratch("dockerfile-") as directory:
        (directory / "in").write_text(json.dumps(list(texts)), encoding="utf-8")
        ended = run_child(
            [sys.executable, "-I", str(CHILD), "in", "out"],
            directory=directory,
            environment={"PATH": "/usr/bin:/bin", "GOMEMLIMIT": "512MiB", "GOMAXPROCS": "2", "HOME": str(directory)},
            limits=LIMITS,
        )
        if ended.is_timed_out or ended.return_code != 0:
            raise ParserFailed(
                f"The Dockerfile could not be read: the parser ended with {ended.return_code}.",
                cure="Make it smaller and plainer.",
            )
        if (directory / "out").stat().st_size > MAX_ANSWER_BYTES:
            raise DockerfileMalformed(f"The Dockerfile unfolds to more than {MAX_ANSWER_BYTES} bytes.")
        found: list[dict[str, Any]] = json.loads((directory / "out").read_bytes())
        return found


def instructions_in(answer: dict[str, Any]) -> tuple[RawInstruction, ...]:
    """The instructions that an answer lists."""
    return tuple(_raw(row) for row in answer["instructions"])


def _raw(row: dict[str, Any]) -> RawInstruction:
    return RawInstruction(
        name=row["name"],
        on_build=row["on_build"],
        is_json=row["is_json"],
        original=row["original"],
        line=row["line"],
        end_line=row["end_line"],
        flags=tuple(row["flags"]),
        values=tuple(row["values"]),
        heredocs=tuple(Heredoc(one["name"], one["content"]) for one in row["heredocs"]),
    )
