"""From bytes to stages.

- Text is UTF-8; a byte order mark is dropped, as BuildKit does; a NUL is refused: the parser would end there, silently.
- Sizes are capped before anything is parsed, and again on what came out.
- What is checked here is what BuildKit refuses before it builds: an unknown instruction, one before the first FROM, a
  stage name that is none. A text that is accepted here and refused there would only be a late error; one that is read
  differently would be a hole, so lines and heredocs are split by BuildKit's own parser.
"""

import itertools
import re
from collections.abc import Callable

from builds.domain.dockerfile.model import Directive, Dockerfile, Instruction, RawInstruction, Stage
from builds.errors import DockerfileMalformed

MAX_BYTES = 512 * 1024
MAX_LINES = 20_000
MAX_LINE_LENGTH = 60_000  # characters; BuildKit's scanner stops at 65,535 bytes
MAX_INSTRUCTIONS = 2_000
MAX_STAGES = 200
MAX_VALUES = 20_000  # words of all instructions together
# BuildKit's time grows with the square of a word's length: one of 60,000 characters takes it a second.
LONG_WORD = 5_000
MAX_LONG_WORDS = 4 * 10**9  # squares of the lengths of long words, together

INSTRUCTIONS = frozenset({
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
    "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
})  # fmt: skip
_NEVER_ON_BUILD = frozenset({"FROM", "ONBUILD", "MAINTAINER"})
_STAGE_NAME = re.compile(r"\A[a-z][a-z0-9_.-]*\Z")
_DIRECTIVE = re.compile(r"\A#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z")
_DIRECTIVES = frozenset({"syntax", "escape", "check"})

Parser = Callable[[str], tuple[RawInstruction, ...]]


def read(content: str | bytes, *, parser: Parser) -> Dockerfile:
    """The Dockerfile that ``content`` is. Raises DockerfileMalformed, with the line where there is one."""
    text = _text(content)
    directives = directives_of(text)
    raw = parser(text)
    if len(raw) > MAX_INSTRUCTIONS:
        raise DockerfileMalformed(f"It has more than {MAX_INSTRUCTIONS} instructions.", cure="Make it shorter.")
    if sum(len(one.values) + len(one.flags) for one in raw) > MAX_VALUES:
        raise DockerfileMalformed(f"It has more than {MAX_VALUES} words.", cure="Make it shorter.")
    instructions = [_instruction(one) for one in raw]
    first = next((number for number, one in enumerate(instructions) if one.name == "FROM"), None)
    if first is None:
        raise DockerfileMalformed("It has no FROM.", cure="Begin with FROM and a certified image.")
    for one in instructions[:first]:
        if one.name != "ARG":
            raise DockerfileMalformed(f"{one.name} stands before the first FROM.", line=one.line)
    return Dockerfile(
        text=text,
        directives=directives,
        global_arguments=tuple(instructions[:first]),
        stages=_stages(instructions[first:]),
        comments=_comments(text, raw),
    )


def _text(content: str | bytes) -> str:
    size = len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise DockerfileMalformed(f"It is larger than {MAX_BYTES} bytes.", cure="Make it smaller.")
    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        text.encode("utf-8")
    except UnicodeError:
        raise DockerfileMalformed("It is not UTF-8 text.", cure="Save it as UTF-8.") from None
    text = text.removeprefix("\ufeff")
    long_words = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if number > MAX_LINES:
            raise DockerfileMalformed(f"It has more than {MAX_LINES} lines.", cure="Make it shorter.")
        if "\0" in line:
            raise DockerfileMalformed("A NUL stands in it.", line=number, cure="Remove it.")
        if len(line) > MAX_LINE_LENGTH or len(line.encode()) > MAX_LINE_LENGTH:
            raise DockerfileMalformed(f"It is longer than {MAX_LINE_LENGTH} bytes.", line=number, cure="Break it up.")
        if len(line) > LONG_WORD:
            long_words += sum(len(word) ** 2 for word in line.split() if len(word) > LONG_WORD)
            if long_words > MAX_LONG_WORDS:
                raise DockerfileMalformed("Its words are too long.", line=number, cure="Put them into files.")
    return text


def _instruction(raw: RawInstruction) -> Instruction:
    name = raw.name.upper()
    if name not in INSTRUCTIONS:
        raise DockerfileMalformed(f"{raw.name[:40]!r} is no instruction.", line=raw.line)
    is_on_build = name == "ONBUILD"
    if is_on_build:
        name = raw.on_build.upper()
        if name not in INSTRUCTIONS or name in _NEVER_ON_BUILD:
            raise DockerfileMalformed(f"ONBUILD cannot hold {raw.on_build[:40]!r}.", line=raw.line)
    elif not raw.values and not raw.heredocs:
        raise DockerfileMalformed(f"{name} says nothing.", line=raw.line)
    return Instruction(
        name=name,
        line=raw.line,
        end_line=max(raw.line, raw.end_line),
        text=raw.original,
        flags=_flags_behind_on_build(raw) if is_on_build else raw.flags,
        values=raw.values,
        is_json=raw.is_json,
        heredocs=raw.heredocs,
        is_on_build=is_on_build,
    )


def _flags_behind_on_build(raw: RawInstruction) -> tuple[str, ...]:
    """The parser drops them: ``ONBUILD COPY --from=x a b`` comes without its flag."""
    return tuple(itertools.takewhile(lambda word: word.startswith("--"), raw.original.split()[2:]))


def _stages(instructions: list[Instruction]) -> tuple[Stage, ...]:
    heads = [number for number, one in enumerate(instructions) if one.name == "FROM"]
    if len(heads) > MAX_STAGES:
        raise DockerfileMalformed(f"It has more than {MAX_STAGES} stages.", cure="Split it up.")
    ends = [*heads[1:], len(instructions)]
    return tuple(
        _stage(index, instructions[head], tuple(instructions[head + 1 : end]))
        for index, (head, end) in enumerate(zip(heads, ends, strict=True))
    )


def _stage(index: int, head: Instruction, rest: tuple[Instruction, ...]) -> Stage:
    values = head.values
    name = ""
    if len(values) == 3 and values[1].lower() == "as":
        name = values[2].lower()
        if not _STAGE_NAME.match(name):
            raise DockerfileMalformed(f"{values[2][:80]!r} is no name of a stage.", line=head.line)
    elif len(values) != 1:
        raise DockerfileMalformed("FROM takes an image, perhaps with AS and a name.", line=head.line)
    return Stage(
        index=index,
        name=name,
        base=values[0],
        platform=head.flag("platform"),
        line=head.line,
        instruction=head,
        instructions=rest,
    )


def directives_of(text: str) -> tuple[Directive, ...]:
    """The directives at the top, as BuildKit finds them: the first line that is none ends them."""
    found: dict[str, Directive] = {}
    lines = text.split("\n")
    # BuildKit looks for a frontend behind a "#!" line as well.
    start = 1 if lines and lines[0].startswith("#!") else 0
    for number, line in enumerate(lines[start:], start=start + 1):
        match = _DIRECTIVE.match(line.strip())
        if match is None or match[1].lower() not in _DIRECTIVES:
            break
        name = match[1].lower()
        if name in found:
            raise DockerfileMalformed(f"The directive {name} stands twice.", line=number)
        if name == "escape" and "check" in found:
            # For a builder that does not know "check" the directives end there: it would join other lines than we do.
            raise DockerfileMalformed("Builders differ on an escape behind check.", line=number, cure="Swap them.")
        found[name] = Directive(name, match[2], number)
    return tuple(found.values())


def _comments(text: str, raw: tuple[RawInstruction, ...]) -> tuple[tuple[int, str], ...]:
    in_heredocs: set[int] = set()
    for one in raw:
        if one.heredocs:
            lines = sum(here.content.count("\n") + 1 for here in one.heredocs)
            in_heredocs.update(range(one.end_line - lines + 1, one.end_line + 1))
    return tuple(
        (number, line.strip())
        for number, line in enumerate(text.split("\n"), start=1)
        if line.lstrip().startswith("#") and number not in in_heredocs
    )
