"""Holds a Dockerfile to the rules before anything is built. Each result has a stable rule id and, mostly, a line.

The order is that of the lines. What hadolint says beside it is merged in by ``merge``: what both say is told once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from builds.domain.arguments import DEFAULT_PLATFORM, filled_stages
from builds.domain.bases import ResolvedBase
from builds.domain.dockerfile import Dockerfile, DockerfileMalformed, parse
from builds.domain.hardening.of_bases import check_bases
from builds.domain.hardening.of_instructions import check_instructions
from builds.domain.hardening.of_running import check_running
from builds.domain.hardening.of_secrets import check_secrets
from builds.domain.hardening.of_text import check_text
from builds.domain.hardening.results import MAX_A_RULE, CheckResult, SecretSeen, Subject
from builds.domain.hardening.scripts import Scripts
from builds.domain.rules import RULES, Severity

__all__ = ["RULES", "CheckResult", "SecretSeen", "Severity", "check_dockerfile", "merge"]

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def check_dockerfile(  # noqa: PLR0913 — one keyword for each thing that is known
    dockerfile: Dockerfile,
    *,
    bases: Sequence[ResolvedBase],
    arguments: Mapping[str, str] | None = None,
    target: str = "",
    is_base_recipe: bool = False,
    platform: str = DEFAULT_PLATFORM,
    secrets: Sequence[SecretSeen] = (),
    files: Sequence[str] = (),
) -> list[CheckResult]:
    """Every result, by line. Raises DockerfileMalformed, also where ``target`` names no stage."""
    final = dockerfile.final_stage(target)
    if final is None:
        raise DockerfileMalformed(f"It has no stage {target[:80]!r}.", cure="Name one of its stages.")
    stages = filled_stages(dockerfile, arguments or {}, platform=platform)
    chain, one = {final.index}, stages[final.index]
    while one.parent is not None:
        one = stages[one.parent.index]
        chain.add(one.stage.index)
    subject = Subject(
        dockerfile=dockerfile,
        bases=bases,
        arguments=arguments or {},
        stages=stages,
        final=final,
        is_base_recipe=is_base_recipe,
        scripts=Scripts(dockerfile),
        secrets=secrets,
        files=files,
        chain=frozenset(chain),
    )
    found = [
        *check_bases(subject),
        *check_text(subject, parse=parse),
        *check_instructions(subject),
        *check_secrets(subject),
        *check_running(subject),
    ]
    return _sorted(found)


def merge(own: Iterable[CheckResult], others: Iterable[CheckResult]) -> list[CheckResult]:
    """Ours and a linter's: what a rule of ours says on the same line, in the same words of its, is told once."""
    kept = list(own)
    told = {(code, one.line) for one in kept for code in RULES[one.rule].same_as if one.rule in RULES}
    return _sorted([*kept, *(one for one in others if (one.rule, one.line) not in told)])


def _sorted(found: Iterable[CheckResult]) -> list[CheckResult]:
    counts: Counter[str] = Counter()
    kept: list[CheckResult] = []
    for one in sorted(
        dict.fromkeys(found), key=lambda one: (one.line or 0, _RANK[one.severity], one.rule, one.message)
    ):
        counts[one.rule] += 1
        if counts[one.rule] <= MAX_A_RULE:
            kept.append(one)
    return kept
