"""What a Dockerfile takes from outside: every FROM, ``COPY --from=`` and ``RUN --mount=…,from=``.

A name stands for an earlier stage of that name, else for an image. Where builders disagree about which it is,
it is refused: what is checked must be what is built.

- A stage further down is a stage for BuildKit and an image for others.
- Variables in ``--from`` are filled in by some builders and refused by others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from builds.domain.arguments import DEFAULT_PLATFORM, FilledStage, filled_stages
from builds.domain.dockerfile import Dockerfile, Stage

SCRATCH = "scratch"


class Use(StrEnum):
    """How a Dockerfile takes an image."""

    FROM = "from"
    COPY = "copy"
    MOUNT = "mount"


class BaseKind(StrEnum):
    """What a name turned out to be."""

    CERTIFIED = "certified"
    ADOPTED = "adopted"  # upstream's, of a trusted registry; for base recipes alone
    STAGE = "stage"
    SCRATCH = "scratch"
    REFUSED = "refused"


class Why(StrEnum):
    """Why a base is refused; empty for others."""

    NONE = ""
    UNCERTIFIED = "uncertified"
    WITHDRAWN = "withdrawn"  # revoked, suspended, expired, rejected
    END_OF_LIFE = "end_of_life"
    DENIED = "denied"  # on the policy's list of names that nobody begins from
    BUILD_PURPOSE = "build_purpose"
    AMBIGUOUS = "ambiguous"  # builders read the name in different ways
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class BaseUse:
    """One place where a Dockerfile takes something, before anybody looked it up."""

    use: Use
    stage: int  # index of the stage that takes it
    line: int
    written: str  # in the Dockerfile
    asked: str  # arguments filled in
    stage_found: int | None = None  # the stage that it names
    refusal: str = ""  # why it can stand for nothing
    is_final: bool = False  # what it names is what the image stands on
    name: str = ""  # of the stage, behind AS


@dataclass(frozen=True, slots=True)
class ResolvedBase:
    """What one place stands for at a moment. ``reference`` is ``host/path@digest``."""

    asked: str
    stage: int
    line: int
    kind: BaseKind
    reference: str = ""
    digest: str = ""
    artifact: str = ""  # its id
    subversion: str = ""  # its id
    reason: str = ""  # one sentence: why refused, or what it is
    suggestion: str = ""  # a ready line or flag with the nearest certified image
    use: Use = Use.FROM
    written: str = ""
    is_final: bool = False
    warning: str = ""  # usable, and something is to be known
    fix: str = ""  # the reference to write instead: the same image and version, pinned and certified
    title: str = ""  # "debian/12 12.15-20261124.1"
    is_pinned: bool = False  # the Dockerfile itself names the digest
    why: Why = Why.NONE
    user: str = ""  # that it runs as, as its configuration says

    @property
    def is_refused(self) -> bool:
        """Whether nothing may be built on it."""
        return self.kind is BaseKind.REFUSED

    def as_json(self) -> dict[str, Any]:
        """What a recipe keeps of it."""
        return {
            "asked": self.asked,
            "stage": self.stage,
            "line": self.line,
            "use": str(self.use),
            "is_final": self.is_final,
            "kind": str(self.kind),
            "reference": self.reference,
            "digest": self.digest,
            "artifact": self.artifact,
            "subversion": self.subversion,
            "title": self.title,
            "reason": self.reason,
            "why": str(self.why),
            "warning": self.warning,
            "suggestion": self.suggestion,
        }


def base_uses(
    dockerfile: Dockerfile,
    arguments: Mapping[str, str],
    *,
    target: str = "",
    platforms: Sequence[str] = (),
) -> list[BaseUse]:
    """Every place in order of lines. Where platforms make a word come out differently, one for each.

    Raises DockerfileMalformed.
    """
    found: dict[tuple[Use, int, int, str, str], BaseUse] = {}
    for platform in platforms or (DEFAULT_PLATFORM,):
        stages = filled_stages(dockerfile, arguments, platform=platform)
        final = _standing_on(stages, dockerfile.final_stage(target) or dockerfile.stages[-1])
        for one in _uses(dockerfile, stages, final):
            found.setdefault((one.use, one.stage, one.line, one.written, one.asked), one)
    return sorted(found.values(), key=lambda one: (one.line, one.use != Use.FROM))


def _standing_on(stages: Sequence[FilledStage], stage: Stage) -> int:
    """The stage whose FROM names what ``stage`` stands on in the end."""
    one = stages[stage.index]
    while one.parent is not None:
        one = stages[one.parent.index]
    return one.stage.index


def _uses(dockerfile: Dockerfile, stages: Sequence[FilledStage], final: int) -> Iterable[BaseUse]:
    for one in stages:
        stage = one.stage
        yield BaseUse(
            use=Use.FROM,
            stage=stage.index,
            line=stage.line,
            written=stage.base,
            asked=one.base,
            stage_found=one.parent.index if one.parent else None,
            refusal="" if one.base else f"{stage.base} comes out empty.",
            is_final=stage.index == final,
            name=stage.name,
        )
        for instruction in stage.instructions:
            for word in instruction.flag_values("from") if instruction.name in ("COPY", "ADD") else ():
                yield _taken(dockerfile, stage, word, Use.COPY, instruction.line)
            for mount in instruction.mounts:
                if mount.origin:
                    yield _taken(dockerfile, stage, mount.origin, Use.MOUNT, instruction.line)


def _taken(dockerfile: Dockerfile, stage: Stage, word: str, use: Use, line: int) -> BaseUse:
    given = {"use": use, "stage": stage.index, "line": line, "written": word, "asked": word}
    if "$" in word:
        return BaseUse(**given, refusal="A variable names where it comes from.")  # type: ignore[arg-type]
    if not word:
        return BaseUse(**given, refusal="It names nothing.")  # type: ignore[arg-type]
    named = [other for other in dockerfile.stages if other.name == word.lower()]
    earlier = [other for other in named if other.index < stage.index]
    if earlier:
        return BaseUse(**given, stage_found=earlier[-1].index)  # type: ignore[arg-type]
    if named:
        detail = f"The stage {word} is not above it: some builders would take an image of that name."
        return BaseUse(**given, refusal=detail)  # type: ignore[arg-type]
    if word.isascii() and word.isdecimal():
        if len(word) < 6 and int(word) < stage.index:
            return BaseUse(**given, stage_found=int(word))  # type: ignore[arg-type]
        return BaseUse(**given, refusal=f"There is no stage {word[:20]} above it.")  # type: ignore[arg-type]
    if word.lower() == SCRATCH:
        return BaseUse(**given, refusal="Nothing can be taken from scratch.")  # type: ignore[arg-type]
    return BaseUse(**given)  # type: ignore[arg-type]
