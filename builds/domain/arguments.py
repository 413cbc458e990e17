"""Build arguments: which hold where, as BuildKit gives them out.

- ARG before the first FROM is global: FROM lines see it, stages only where they name it again.
- ``--build-arg`` wins over a default; it says nothing where no ARG asks for it.
- The platform's names (TARGETARCH, BUILDPLATFORM, …) are global without an ARG.
- ENV wins over ARG of the same name. A stage that begins FROM another inherits both.
- Names of proxies are taken without an ARG by every builder.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from builds.domain.dockerfile import Dockerfile, DockerfileMalformed, Instruction, Stage
from builds.domain.expansion import NotExpandable, expand

DEFAULT_PLATFORM = "linux/amd64"
PREDEFINED = frozenset(
    name
    for proxy in ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
    for name in (proxy, proxy.upper())
)


@dataclass(frozen=True, slots=True)
class FilledStage:
    """A stage with its arguments filled in."""

    stage: Stage
    base: str  # "" where the word comes out empty
    parent: Stage | None  # the earlier stage that it begins from
    environment: Mapping[str, str]  # at the end of the stage: ARG and ENV
    user: str  # the last USER of the stage, filled in; "" = none is set in it
    user_line: int | None


@dataclass(frozen=True, slots=True)
class _Outer:
    """What every stage may name: the global values, what the caller gave, and the escape character."""

    values: Mapping[str, str]
    arguments: Mapping[str, str]
    escape: str


def platform_arguments(platform: str) -> dict[str, str]:
    """What BuildKit sets for ``platform``, built on the same one."""
    os, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    parts = {"PLATFORM": platform, "OS": os, "ARCH": architecture, "VARIANT": variant}
    return {f"{side}{name}": value for side in ("TARGET", "BUILD") for name, value in parts.items()}


def global_values(
    dockerfile: Dockerfile, arguments: Mapping[str, str], *, platform: str = DEFAULT_PLATFORM
) -> dict[str, str]:
    """What FROM lines see. Raises DockerfileMalformed."""
    values = platform_arguments(platform)
    values |= {name: text for name, text in arguments.items() if name in values}
    for instruction in dockerfile.global_arguments:
        values |= _declared(instruction, values, arguments, inherited={}, escape=dockerfile.escape)
    return values


def filled_stages(
    dockerfile: Dockerfile, arguments: Mapping[str, str], *, platform: str = DEFAULT_PLATFORM
) -> list[FilledStage]:
    """Every stage with what its FROM, its ENV and its USER come to. Raises DockerfileMalformed."""
    values = global_values(dockerfile, arguments, platform=platform)
    outer = _Outer(values, arguments, dockerfile.escape)
    found: list[FilledStage] = []
    by_name: dict[str, FilledStage] = {}
    for stage in dockerfile.stages:
        base = filled(stage.base, values, line=stage.line, escape=dockerfile.escape)
        parent = by_name.get(base.lower())
        one = _filled_stage(stage, base, parent, outer)
        found.append(one)
        if stage.name:
            by_name[stage.name] = one
    return found


def filled(word: str, values: Mapping[str, str], *, line: int, escape: str = "\\") -> str:
    """``word`` filled in. Raises DockerfileMalformed."""
    try:
        return expand(word, values, escape=escape)
    except NotExpandable as error:
        raise DockerfileMalformed(f"{word[:200]!r} cannot be filled in: {error}.", line=line) from error


def declared_names(instructions: Iterable[Instruction]) -> list[tuple[str, str | None, Instruction]]:
    """Each name that an ARG declares, with its default as written; None without one."""
    found: list[tuple[str, str | None, Instruction]] = []
    for instruction in instructions:
        if instruction.name == "ARG":
            for word in instruction.values:
                name, has_default, default = word.partition("=")
                found.append((name, default if has_default else None, instruction))
    return found


def _filled_stage(stage: Stage, base: str, parent: FilledStage | None, outer: "_Outer") -> FilledStage:
    escape, arguments = outer.escape, outer.arguments
    known: dict[str, str] = dict(parent.environment) if parent else {}
    set_by_env: set[str] = set()
    user, user_line = "", None
    for one in stage.instructions:
        if one.is_on_build:
            continue
        if one.name == "ARG":
            told = _declared(one, known, arguments, inherited=outer.values, escape=escape)
            known |= {name: value for name, value in told.items() if name not in set_by_env}
        elif one.name == "ENV":
            # All values of one ENV see what held before it.
            told = {
                filled(name, known, line=one.line, escape=escape): filled(value, known, line=one.line, escape=escape)
                for name, value in one.pairs
            }
            known |= told
            set_by_env |= set(told)
        elif one.name == "USER" and one.values:
            user, user_line = filled(one.values[0], known, line=one.line, escape=escape), one.line
    return FilledStage(stage, base, parent.stage if parent else None, known, user, user_line)


def _declared(
    instruction: Instruction, known: Mapping[str, str], arguments: Mapping[str, str], *,
    inherited: Mapping[str, str], escape: str,
) -> dict[str, str]:  # fmt: skip
    found: dict[str, str] = {}
    for name, default, _ in declared_names([instruction]):
        if name in arguments:
            found[name] = arguments[name]
        elif default is not None:
            found[name] = filled(default, {**known, **found}, line=instruction.line, escape=escape)
        elif name in inherited:
            found[name] = inherited[name]
    return found
