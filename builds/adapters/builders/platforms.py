"""Whose programs run on this machine: its own platform's, and those that binfmt_misc hands to an emulator.

A rule counts when it is enabled and opens its emulator when it is made (flag ``F``): a build sees no file outside of
its own root (https://docs.kernel.org/admin-guide/binfmt-misc.html).
"""

import os
from pathlib import Path

from builds.adapters.builders.interface import BuilderFailed, BuildPlan
from builds.adapters.builders.steps import StagePlatform, stage_platforms
from builds.domain.platforms import in_words, normal

BINFMT = Path("/proc/sys/fs/binfmt_misc")
# Go names the machine's architecture otherwise than uname.
_NATIVE = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}
# ELF of that architecture: class (1: 32 bits, 2: 64), data (1: little-endian, 2: big), machine (elf(5), gABI).
_ELF = {
    "386": (1, 1, 3),
    "amd64": (2, 1, 62),
    "arm": (1, 1, 40),
    "arm64": (2, 1, 183),
    "ppc64le": (2, 1, 21),
    "riscv64": (2, 1, 243),
    "s390x": (2, 2, 22),
}


def native_platform() -> str:
    """Of this machine, as Go writes it."""
    machine = os.uname().machine
    return f"linux/{_NATIVE.get(machine, machine)}"


def runnable_platforms() -> list[str]:
    """This machine's, then what it emulates."""
    rules = [found for path in _rules() if (found := _emulated(path))]
    emulated = [f"linux/{name}" for name, elf in _ELF.items() if elf in rules]
    return list(dict.fromkeys([native_platform(), *emulated]))


def require_runnable(plan: BuildPlan, runnable: list[str], *, by: str) -> None:
    """Raises BuilderFailed, naming it, for a platform whose programs a RUN needs and nothing runs.

    A Dockerfile that only copies needs no emulation. ``runnable`` begins with the builder's own platform; ``by`` says
    in words who builds.
    """
    known = {_architecture(one) for one in runnable}
    for platform in plan.platforms:
        for stage in _stages(plan, platform, runnable[0]):
            if stage.run_line is not None and _architecture(stage.platform) not in known:
                raise BuilderFailed(
                    f"{stage.platform} cannot be built here: line {stage.run_line} runs a program of it,"
                    f" and {by} runs {in_words(runnable)} alone.",
                    failure_code="platform_not_runnable",
                    line=stage.run_line,
                    cure="Take the platform off the source, add a builder of that kind, or let this one emulate it"
                    " (docs/runbooks/builder.md).",
                )


def require_one_platform(plan: BuildPlan) -> None:
    """Raises BuilderFailed for a stage that asks for another platform than the image's: it would not get it."""
    for platform in plan.platforms if b"--platform" in plan.dockerfile else ():
        for stage in _stages(plan, platform, platform):
            if normal(stage.platform) != normal(platform):
                raise BuilderFailed(
                    f"The stage on line {stage.line} asks for {stage.platform} while {platform} is built;"
                    " here every stage is built on the platform of its image.",
                    failure_code="stage_platform",
                    line=stage.line,
                    cure="Leave --platform out, or build this source with BuildKit.",
                )


def _stages(plan: BuildPlan, platform: str, build_platform: str) -> list[StagePlatform]:
    return stage_platforms(
        plan.dockerfile,
        target=plan.target,
        arguments=plan.arguments,
        platform=platform,
        build_platform=build_platform,
    )


def _architecture(platform: str) -> str:
    """Emulators know no variants: one for arm runs all of them."""
    return "/".join(normal(platform).split("/")[:2])


def _rules() -> list[Path]:
    try:
        if (BINFMT / "status").read_text().strip() != "enabled":
            return []
        return [path for path in BINFMT.iterdir() if path.name not in ("status", "register")]
    except OSError:  # not mounted
        return []


def _emulated(rule: Path) -> tuple[int, int, int] | None:
    """The ELF that a rule is for; None for one that is off, cannot be seen from a build, or is for something else."""
    try:
        lines = rule.read_text().splitlines()
    except OSError:
        return None
    told = dict(line.partition(" ")[::2] for line in lines)
    magic = bytes.fromhex(told.get("magic", ""))
    if "enabled" not in told or "F" not in told.get("flags:", "") or told.get("offset") != "0":
        return None
    if len(magic) < 20 or not magic.startswith(b"\x7fELF"):
        return None
    return magic[4], magic[5], int.from_bytes(magic[18:20], "little" if magic[5] == 1 else "big")
