"""A catalog with one certified image, and Dockerfiles held to the rules on it."""

from collections.abc import Callable
from datetime import datetime

import pytest

from builds.domain.dockerfile import parse
from builds.domain.hardening import CheckResult, check_dockerfile
from builds.services.bases import resolve_bases
from catalog.models import Subversion
from tests.builds.dockerfile.support import certify

Check = Callable[..., list[CheckResult]]


@pytest.fixture
def debian(now: datetime) -> Subversion:
    """debian/12, certified now."""
    return certify(now, "debian/12")


@pytest.fixture
def check(now: datetime, debian: Subversion) -> Check:
    """Hold a text to our own rules."""

    def act(text: str, **more) -> list[CheckResult]:
        dockerfile = parse(text)
        resolved = {name: more[name] for name in ("target",) if name in more}
        bases = resolve_bases(
            dockerfile,
            arguments=more.get("arguments", {}),
            is_base_recipe=more.get("is_base_recipe", False),
            now=now,
            **resolved,
        )
        return check_dockerfile(dockerfile, bases=bases, **more)

    return act


@pytest.fixture
def rules(check: Check) -> Callable[..., dict[str, str]]:
    """The rules that speak, each with how much it weighs. GG1007 (no digest) is left out: nearly all texts have it."""

    def act(text: str, **more) -> dict[str, str]:
        return {one.rule: str(one.severity) for one in check(text, **more) if one.rule != "GG1007"}

    return act


@pytest.fixture
def of_run(rules) -> Callable[..., dict[str, str]]:
    """The same for what one RUN runs, on a base and with a USER that nothing is said of."""

    def act(script: str) -> dict[str, str]:
        return rules(f"FROM debian:12\nRUN {script}\nUSER 65532\n")

    return act
