"""What a builder makes of a Dockerfile: which line it was at, what it runs, and what it would read otherwise than
BuildKit does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from builds.adapters.buildkit_parser import raw_instructions
from builds.domain.arguments import filled, global_values, platform_arguments
from builds.domain.dockerfile import parse
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


@dataclass(frozen=True, slots=True)
class StagePlatform:
    """A stage, the platform that it is built on, and the line of its first RUN; None where it only copies."""

    line: int
    platform: str
    run_line: int | None


def stage_platforms(
    text: bytes, *, target: str, arguments: Mapping[str, str], platform: str, build_platform: str
) -> list[StagePlatform]:
    """The stages down to the target's, for an image of ``platform``. Raises what the parser raises.

    Stages that the target does not need are among them: not every builder leaves them out.
    """
    dockerfile = parse(text)
    final = dockerfile.final_stage(target) or dockerfile.stages[-1]
    own = {name: value for name, value in platform_arguments(build_platform).items() if name.startswith("BUILD")}
    values = global_values(dockerfile, {**own, **arguments}, platform=platform)
    found = []
    for stage in dockerfile.stages[: final.index + 1]:
        asked = filled(stage.platform, values, line=stage.line, escape=dockerfile.escape)
        runs = (one.line for one in stage.instructions if one.name == "RUN" and not one.is_on_build)
        found.append(StagePlatform(stage.line, asked or platform, next(runs, None)))
    return found
