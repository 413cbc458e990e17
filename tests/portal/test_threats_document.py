"""docs/reference/threats-and-tests.md names tests that are there."""

import ast
import re

import pytest
from django.conf import settings

DOCUMENT = settings.ROOT / "docs" / "reference" / "threats-and-tests.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)*)`", DOCUMENT.read_text(encoding="utf-8"))))


def test_each_of_the_fifteen_names_some():
    rows = re.findall(r"^\| (\d+) \|(.*)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 16))
    assert [number for number, row in rows if "`tests/" not in row] == []


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_is_there(name):
    path, *inner = name.split("::")
    below: list[ast.stmt] = ast.parse((settings.ROOT / path).read_text(encoding="utf-8")).body
    for step in inner:
        found = [one for one in below if isinstance(one, ast.ClassDef | ast.FunctionDef) and one.name == step]
        assert found, f"{path} has no {step}"
        below = found[0].body
