"""What a check of a Dockerfile finds, and what it is told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from builds.domain.arguments import FilledStage
from builds.domain.bases import ResolvedBase
from builds.domain.dockerfile import Dockerfile, Instruction, Stage
from builds.domain.hardening.scripts import Scripts
from builds.domain.rules import RULES, Severity

MAX_SHOWN = 120  # characters of what somebody wrote, in a message
MAX_A_RULE = 50  # results of one rule


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One result: the rule's id, how much it weighs, a sentence, the cure, and where."""

    rule: str
    severity: Severity
    message: str
    remedy: str = ""
    line: int | None = None  # of the Dockerfile
    path: str = ""  # in the context


@dataclass(frozen=True, slots=True)
class SecretSeen:
    """A secret that a detector found in the text: its kind and its line, never itself."""

    kind: str
    line: int
    is_certain: bool


@dataclass(frozen=True)
class Subject:
    """A Dockerfile with everything that is known about it."""

    dockerfile: Dockerfile
    bases: Sequence[ResolvedBase]
    arguments: Mapping[str, str]
    stages: Sequence[FilledStage]
    final: Stage
    is_base_recipe: bool
    scripts: Scripts
    secrets: Sequence[SecretSeen] = ()
    files: Sequence[str] = ()  # paths in the context
    chain: frozenset[int] = field(default_factory=frozenset)  # the stages that the image's layers come from

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All of them, each FROM and each global ARG among them."""
        return self.dockerfile.instructions


Found = Iterable[CheckResult]


def result(rule: str, message: str, *, line: int | None = None, remedy: str = "", path: str = "") -> CheckResult:
    """A result that weighs what its rule says, with the rule's cure where there is no better one."""
    known = RULES[rule]
    return CheckResult(rule, known.severity, message, remedy or known.cure, line, path)


def shown(text: str) -> str:
    """What somebody wrote, short and without control characters."""
    plain = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return plain if len(plain) <= MAX_SHOWN else f"{plain[: MAX_SHOWN - 1]}…"
