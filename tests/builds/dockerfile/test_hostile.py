"""The 25 hostile Dockerfiles (threat T17): refused before anything is built, each by the rules named for it."""

import tomllib

import pytest

from builds.domain.dockerfile import parse
from builds.domain.recipe import link_problem
from builds.services.checks import check_text
from tests.builds.dockerfile.support import HOSTILE

pytestmark = pytest.mark.django_db
EXPECTED = tomllib.loads((HOSTILE / "expected.toml").read_text())


def test_there_are_twenty_five_and_each_is_in_the_table():
    assert len(EXPECTED) == 25
    assert {path.parent.name for path in HOSTILE.glob("*/Dockerfile")} == set(EXPECTED)


def test_each_is_refused_by_the_rules_of_the_table(now, debian):
    found, outcomes = {}, {}
    for name in EXPECTED:
        checked = check_text((HOSTILE / name / "Dockerfile").read_bytes(), arguments={}, now=now)
        found[name] = sorted({one.rule for one in checked.results if one.severity == "error"})
        outcomes[name] = checked.outcome
    assert found == EXPECTED
    assert {name for name, outcome in outcomes.items() if outcome != "fail"} == {"07-symlink-in-context"}


def test_only_the_base_of_each_is_a_base():
    for name in EXPECTED:
        for stage in parse((HOSTILE / name / "Dockerfile").read_bytes()).stages:
            assert stage.base == "debian:12", name


def test_the_links_of_the_seventh_are_refused_when_it_is_fetched():
    links = [path for path in (HOSTILE / "07-symlink-in-context").rglob("*") if path.is_symlink()]
    assert len(links) == 2
    for path in links:
        inside = path.relative_to(HOSTILE / "07-symlink-in-context").as_posix()
        assert "out of the tree" in link_problem(inside, str(path.readlink()).encode())
