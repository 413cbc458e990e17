"""What a builder makes of a Dockerfile: which line it was at, and what it would read otherwise than BuildKit does."""

import re

from builds.adapters.buildkit_parser import raw_instructions
from core.errors import GoldgateError

_STEP = re.compile(r"^(?:\[(?P<stage>\d+)/\d+\] )?STEP (?P<step>\d+)/\d+: ", re.MULTILINE)


def failed_line(log: str, text: bytes) -> int | None:
    """The line of the instruction that the log's last step names; None where it names none."""
    found = list(_STEP.finditer(log))
    if not found:
        return None
    stage, step = int(found[-1]["stage"] or 1), int(found[-1]["step"])
    try:
        instructions = raw_instructions(text.decode("utf-8", "replace"))
    except GoldgateError:
        return None
    stages: list[list[int]] = []
    for instruction in instructions:
        if instruction.name.lower() == "from":
            stages.append([])
        if stages:  # an ARG before the first FROM is no step
            stages[-1].append(instruction.line)
    if stage <= len(stages) and step <= len(stages[stage - 1]):
        return stages[stage - 1][step - 1]
    return None


def first_heredoc(text: bytes) -> int | None:
    """The line of the first instruction with a heredoc; None where there is none. Raises what the parser raises."""
    found = (one.line for one in raw_instructions(text.decode("utf-8", "replace")) if one.heredocs)
    return next(found, None)
