"""Writes digests into a Dockerfile: nothing but the references of FROM, ``COPY --from`` and mounts is touched.

Comments, case, blanks, line ends, ``AS`` names and arguments stay as they are, byte for byte.
"""

import re
from collections.abc import Iterable, Mapping

from builds.domain.bases import ResolvedBase, Use
from builds.domain.dockerfile import Dockerfile, Instruction


def pinned(dockerfile: Dockerfile, bases: Iterable[ResolvedBase]) -> str:
    """The text with every base's ``fix`` in its place. What is written across lines is left alone."""
    wanted = _wanted(bases)
    if not wanted:
        return dockerfile.text
    by_line = {one.line: one for one in dockerfile.instructions}
    lines = dockerfile.text.split("\n")
    for (use, line, written), fix in wanted.items():
        instruction = by_line.get(line)
        if instruction is not None and fix is not None:
            for number in _own_lines(instruction):
                # A reference holds no backslash, so that it can stand in a template.
                changed, count = _patterns(use, written).subn(rf"\g<1>{fix}", lines[number - 1])
                lines[number - 1] = changed
                if count:
                    break
    return "\n".join(lines)


def _wanted(bases: Iterable[ResolvedBase]) -> Mapping[tuple[Use, int, str], str | None]:
    """What to write where; None where platforms ask for different ones."""
    found: dict[tuple[Use, int, str], str | None] = {}
    for base in bases:
        key = (base.use, base.line, base.written)
        # A place that is right as it stands counts as well: another platform's word must not change it.
        fix = base.fix or None
        found[key] = fix if found.get(key, fix) == fix else None
    return {key: fix for key, fix in found.items() if fix is not None}


def _own_lines(instruction: Instruction) -> range:
    """The lines of an instruction without its here-documents."""
    bodies = sum(here.content.count("\n") + 1 for here in instruction.heredocs)
    return range(instruction.line, max(instruction.line, instruction.end_line - bodies) + 1)


def _patterns(use: Use, written: str) -> re.Pattern[str]:
    """The place where ``written`` stands; group 1 is what comes before it."""
    word = re.escape(written)
    match use:
        case Use.FROM:
            # Nothing but flags comes between.
            return re.compile(rf"\A(\s*FROM\s+(?:--[a-z]+=\S+\s+)*[\"']?){word}(?=[\"'\s\\`]|\Z)", re.IGNORECASE)
        case Use.COPY:
            return re.compile(rf"(\s--from=){word}(?=[\s\\`]|\Z)")
        case Use.MOUNT:
            return re.compile(rf"(--mount=(?:\S{{0,2000}},)?from=){word}(?=[,\s\\`]|\Z)")
