"""What an instruction runs, as shell scripts with the right line numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from builds.domain.dockerfile import Dockerfile, Instruction
from builds.domain.shell import JOINED, Command, Pipeline, Script, ShellTooLarge, plain, script_of, walk
from builds.errors import DockerfileMalformed

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "rbash"})
MAX_DEPTH = 6  # of sh -c within sh -c
MAX_STEPS = 20_000  # of one Dockerfile
_HEAD = re.compile(r"\A\s*(ONBUILD[ \t]+)?[A-Za-z]+[ \t]+", re.IGNORECASE)
_FLAG = re.compile(r"\A[ \t\x1e]*--[a-z][a-z-]*(=(\"[^\"]*\"|'[^']*'|[^\s\"'])*)?[ \t\x1e]+")


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a script, as written and without what only starts it."""

    pipeline: Pipeline
    index: int  # in its pipeline
    command: Command
    plain: Command

    @property
    def name(self) -> str:
        """The program's name, without a path; "" for a group."""
        return self.plain.words[0] if self.plain.words else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows the name."""
        return self.plain.words[1:]

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.command.line


class Scripts:
    """The scripts of a Dockerfile, each read once. What is too large to look at is refused, never passed."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self._dockerfile = dockerfile
        self._known: dict[int, tuple[list[Step], Script]] = {}
        self._steps = 0

    def of(self, one: Instruction) -> tuple[list[Step], Script]:
        """The commands of an instruction, at any depth, and its script. Raises DockerfileMalformed."""
        if one.line not in self._known:
            try:
                script = script_of_instruction(self._dockerfile, one)
                self._known[one.line] = (self._counted(script), script)
            except ShellTooLarge as error:
                raise DockerfileMalformed(f"{one.name} cannot be looked at: {error}.", line=one.line) from error
        return self._known[one.line]

    def of_text(self, text: str, *, line: int) -> tuple[list[Step], Script]:
        """The same for a script that is written into a file. Raises DockerfileMalformed."""
        try:
            script = script_of(text, line=line)
            return self._counted(script), script
        except ShellTooLarge as error:
            raise DockerfileMalformed(f"A script cannot be looked at: {error}.", line=line) from error

    def text_of(self, one: Instruction) -> str:
        """What an instruction says, comments and the ends of continued lines taken out."""
        if one.is_json:
            return " ".join(one.values)
        escape = self._dockerfile.escape
        rows = self._dockerfile.text.split("\n")[one.line - 1 : one.end_line]
        kept = [row.rstrip() for number, row in enumerate(rows) if not (number and row.lstrip().startswith("#"))]
        return "\n".join(row.removesuffix(escape) for row in kept)

    def _counted(self, script: Script) -> list[Step]:
        found: list[Step] = []
        for step in steps_of(script):
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise ShellTooLarge(f"there are more than {MAX_STEPS} commands")
            found.append(step)
        return found


def script_of_instruction(dockerfile: Dockerfile, one: Instruction) -> Script:
    """The script of a RUN, CMD, ENTRYPOINT or HEALTHCHECK; for its JSON form the one command. Raises ShellTooLarge."""
    if one.is_json:
        return ((Command(words=one.values, line=one.line),),) if one.values else ()
    text, line = _text(dockerfile, one)
    script = script_of(text, line=line)
    first = script[0][0] if script else None
    # A here-document without a command is itself the script.
    if one.heredocs and first is not None and not first.words and first.here:
        return (*script_of(first.here, line=first.here_line), *script[1:])
    return script


def steps_of(script: Script, *, depth: int = 0) -> Iterator[Step]:
    """Every command at any depth, also in what is given to ``sh -c``, ``eval`` and a shell's here-document."""
    for pipeline, index, command in walk(script):
        step = Step(pipeline, index, command, plain(command))
        yield step
        for nested in nested_scripts(step):
            if depth >= MAX_DEPTH:
                raise ShellTooLarge(f"it gives scripts to scripts more than {MAX_DEPTH} times")
            yield from steps_of(nested, depth=depth + 1)


def nested_scripts(step: Step) -> Iterator[Script]:
    """Scripts that a command is given as text."""
    words = step.arguments
    if step.name in SHELLS | {"su"}:
        for index, word in enumerate(words[:-1]):
            if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
                yield script_of(words[index + 1], line=step.line)
                break
        if step.command.here:
            yield script_of(step.command.here, line=step.command.here_line)
    elif step.name == "eval" and words:
        yield script_of(" ".join(words), line=step.line)


def _text(dockerfile: Dockerfile, one: Instruction) -> tuple[str, int]:
    """The lines of an instruction as one text: continued lines joined, comments between them taken out."""
    rows = dockerfile.text.split("\n")[one.line - 1 : one.end_line]
    bodies = sum(here.content.count("\n") + 1 for here in one.heredocs)
    head, body = (rows[: len(rows) - bodies], rows[len(rows) - bodies :]) if bodies < len(rows) else (rows, [])
    joined: list[str] = []
    for number, row in enumerate(head):
        row = row.rstrip("\r")
        if number and row.lstrip().startswith("#"):
            joined.append(JOINED)
            continue
        stripped = row.rstrip(" \t")
        is_continued = stripped.endswith(dockerfile.escape) and number < len(head) - 1
        # ONBUILD is given without its here-documents: their lines are still here, and not continued.
        joined.append(stripped[:-1] + JOINED if is_continued else row + "\n" * (number < len(head) - 1))
    text = _without_head("".join(joined), one)
    return "\n".join([text, *body]), one.line


def _without_head(text: str, one: Instruction) -> str:
    text = _HEAD.sub("", text, count=1) if _HEAD.match(text) else text.lstrip()[len(one.name) :]
    if one.name == "HEALTHCHECK":
        text = re.sub(r"\A.*?\bCMD\b", "", text, count=1, flags=re.IGNORECASE | re.DOTALL)
    for _ in one.flags:
        text = _FLAG.sub("", text, count=1)
    return text
