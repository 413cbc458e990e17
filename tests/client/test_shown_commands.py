"""What pages say to type can be typed: each command they show is one that there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from django.core.management import get_commands
from goldgate_cli.__main__ import command

ROOT = Path(__file__).resolve().parents[2]
PLACES = [*sorted((ROOT / "templates").rglob("*.html")), ROOT / "web" / "waiting.py"]
# In an attribute or a literal, in full: cli="goldgate …", text="goldgate …", "script/manage …".
SHOWN = re.compile(r'"((?:goldgate|script/manage) [^"{<]+)"')


def shown() -> Iterator[tuple[str, str]]:
    for place in PLACES:
        for line in SHOWN.findall(place.read_text(encoding="utf-8")):
            yield place.name, line


def test_pages_show_commands():
    assert len(list(shown())) >= 10


@pytest.mark.parametrize(("place", "line"), sorted(set(shown())))
def test_a_shown_command_is_one_that_there_is(place, line):
    program, name, *rest = line.split()
    if program == "script/manage":
        assert name in get_commands()
        return
    found, words = command.commands.get(name), rest
    while isinstance(found, click.Group):
        found, words = found.commands.get(words[0]) if words else None, words[1:]
    if line == "goldgate audit verify":  # its file is the export that the page speaks of
        words = ["record.jsonl"]
    assert found is not None, f"{place} shows a command that does not exist"
    # Under its parent: click keeps the help option it makes first, and takes that option's names from the context.
    found.make_context(found.name, list(words), parent=click.Context(command, **command.context_settings))


def test_one_that_does_not_exist_is_seen():
    found = SHOWN.findall('{% empty "No source" cli="goldgate source add debian-12" %}')
    assert found == ["goldgate source add debian-12"]
    assert "source" not in command.commands
