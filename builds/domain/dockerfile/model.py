"""What a Dockerfile consists of."""

from dataclasses import dataclass, field
from functools import cached_property

from builds.domain.dockerfile.mounts import Mount, mounts_of


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document written into an instruction. Its lines are data, never instructions."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class RawInstruction:
    """One instruction as BuildKit's parser splits it."""

    name: str
    on_build: str  # of ONBUILD: the instruction that it holds back
    is_json: bool
    original: str
    line: int
    end_line: int
    flags: tuple[str, ...]
    values: tuple[str, ...]
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True)
class Instruction:
    """One instruction. ``name`` in capitals; lines count from 1; ``values`` without flags, as written."""

    name: str
    line: int
    end_line: int
    text: str
    flags: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    is_json: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    is_on_build: bool = False  # written behind ONBUILD: it runs where others build on the result

    def flag_values(self, name: str) -> tuple[str, ...]:
        """What ``--name=…`` says, each time it is written."""
        prefix = f"--{name}="
        return tuple(flag[len(prefix) :] for flag in self.flags if flag.startswith(prefix))

    def flag(self, name: str) -> str:
        """What the last ``--name=…`` says, or ""."""
        found = self.flag_values(name)
        return found[-1] if found else ""

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        """The mounts of a RUN."""
        return mounts_of(self.flag_values("mount")) if self.name == "RUN" else ()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names and values of an ENV or LABEL, as written."""
        return tuple(zip(self.values[::2], self.values[1::2], strict=False))


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it. ``index`` counts from 0; ``name`` is in lower case, "" without AS."""

    index: int
    name: str
    base: str  # as written, arguments not filled in
    platform: str
    line: int
    instruction: Instruction
    instructions: tuple[Instruction, ...] = ()

    @property
    def label(self) -> str:
        """Its name, else its number: for people."""
        return self.name or str(self.index)


@dataclass(frozen=True, slots=True)
class Directive:
    """One ``# name=value`` line before everything else."""

    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile. ``text`` is as it came, with its own line ends, without a byte order mark."""

    text: str
    directives: tuple[Directive, ...]
    global_arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    comments: tuple[tuple[int, str], ...] = field(default=())  # line, text; not those within heredocs

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Every instruction in order, each FROM among them."""
        rest = (one for stage in self.stages for one in (stage.instruction, *stage.instructions))
        return (*self.global_arguments, *rest)

    @property
    def escape(self) -> str:
        """The escape character: a backslash, or the backtick where a directive says so."""
        return next((one.value for one in self.directives if one.name == "escape"), "\\")

    @property
    def syntax(self) -> Directive | None:
        """The frontend that it asks for."""
        return next((one for one in self.directives if one.name == "syntax"), None)

    def final_stage(self, target: str = "") -> Stage | None:
        """The stage that becomes the image: ``target`` by name or number, else the last; None: no such stage."""
        if not target:
            return self.stages[-1]
        named = [stage for stage in self.stages if stage.name == target.lower()]
        if named:
            return named[-1]
        is_number = target.isascii() and target.isdecimal() and len(target) < 6
        return self.stages[int(target)] if is_number and int(target) < len(self.stages) else None
