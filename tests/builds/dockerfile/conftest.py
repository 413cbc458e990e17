"""A catalog with one certified image, and Dockerfiles held to the rules."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from builds.domain.bases import SCRATCH, BaseKind, ResolvedBase, base_uses
from builds.domain.dockerfile import Dockerfile, parse
from builds.domain.hardening import CheckResult, check_dockerfile
from builds.services.bases import resolve_bases
from catalog.models import Subversion
from tests.builds.dockerfile.support import certify

Rules = Callable[..., dict[str, str]]


@pytest.fixture
def debian(now: datetime) -> Subversion:
    """debian/12, certified now."""
    return certify(now, "debian/12")


@pytest.fixture
def check() -> Callable[..., list[CheckResult]]:
    """Hold a text to our own rules; ``debian:12`` is certified and runs as 65532, ``rooted:1`` as root."""

    def act(text: str, *, arguments: dict[str, str] | None = None, target: str = "", **more) -> list[CheckResult]:
        dockerfile = parse(text)
        bases = _bases(dockerfile, arguments or {}, target)
        return check_dockerfile(dockerfile, bases=bases, arguments=arguments, target=target, **more)

    return act


@pytest.fixture
def rules(check) -> Rules:
    """The rules that speak, each with how much it weighs."""
    return lambda text, **more: {one.rule: str(one.severity) for one in check(text, **more)}


@pytest.fixture
def of_run(rules) -> Rules:
    """The same for what one RUN runs, on a base and with a USER that nothing is said of."""
    return lambda script: rules(f"FROM debian:12\nRUN {script}\nUSER 65532\n")


@pytest.fixture
def catalog_rules(now: datetime, debian: Subversion) -> Rules:
    """The same, with the bases that the catalog knows."""

    def act(text: str, **more) -> dict[str, str]:
        dockerfile = parse(text)
        bases = resolve_bases(dockerfile, arguments={}, is_base_recipe=more.get("is_base_recipe", False), now=now)
        return {one.rule: str(one.severity) for one in check_dockerfile(dockerfile, bases=bases, **more)}

    return act


def _bases(dockerfile: Dockerfile, arguments: dict[str, str], target: str) -> list[ResolvedBase]:
    found = []
    for use in base_uses(dockerfile, arguments, target=target):
        base = ResolvedBase(
            asked=use.asked, stage=use.stage, line=use.line, kind=BaseKind.CERTIFIED, use=use.use, is_pinned=True,
            is_final=use.is_final, user="" if use.asked.startswith("rooted") else "65532",
        )  # fmt: skip
        kind = (
            BaseKind.STAGE if use.stage_found is not None else BaseKind.SCRATCH if use.asked == SCRATCH else base.kind
        )
        found.append(replace(base, kind=kind))
    return found
