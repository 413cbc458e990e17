"""What two recipes differ in, line by line and file by file."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from builds.domain.recipe import FileRow

CONTEXT_LINES = 3
MAX_LINES = 5000
MOST_PAIRS = 4_000_000  # lines of the one times lines of the other that are compared closely


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a unified difference; ``sign`` is "+", "-", " " or "@". A side that lacks the line has number 0."""

    sign: str
    text: str
    old_line: int
    new_line: int


@dataclass(frozen=True, slots=True)
class Change:
    """One name whose value is another now; "" where a side has none."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RecipeDifference:
    """Empty in every part for equal recipes."""

    lines: tuple[DiffLine, ...]
    files_added: tuple[str, ...]
    files_removed: tuple[str, ...]
    files_changed: tuple[str, ...]  # bytes or mode
    arguments: tuple[Change, ...]
    bases: tuple[Change, ...]  # what was asked for, and the digest it stands for
    settings: tuple[Change, ...]  # target, platforms, and the hosts that it may reach
    is_cut: bool = False  # more lines than are shown

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        parts = (self.lines, self.files_added, self.files_removed, self.files_changed)
        return not any((*parts, self.arguments, self.bases, self.settings))

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def difference(older: Mapping[str, Any], newer: Mapping[str, Any]) -> RecipeDifference:
    """Of two recipes' ``dockerfile``, ``files``, ``arguments``, ``target``, ``platforms``, ``allowed_hosts`` and
    ``bases``.
    """
    lines = unified(str(older["dockerfile"]), str(newer["dockerfile"]))
    before, after = _by_path(older["files"]), _by_path(newer["files"])
    return RecipeDifference(
        lines=tuple(lines[:MAX_LINES]),
        files_added=tuple(sorted(after.keys() - before.keys())),
        files_removed=tuple(sorted(before.keys() - after.keys())),
        files_changed=tuple(sorted(path for path in before.keys() & after.keys() if before[path] != after[path])),
        arguments=_changes(older["arguments"], newer["arguments"]),
        bases=_changes(_bases(older["bases"]), _bases(newer["bases"])),
        settings=_changes(_settings(older), _settings(newer)),
        is_cut=len(lines) > MAX_LINES,
    )


def unified(older: str, newer: str) -> list[DiffLine]:
    """The unified difference of two texts. A line's end is part of it: CRLF and LF differ."""
    before, after = _lines(older), _lines(newer)
    found: list[DiffLine] = []
    old_line = new_line = 0
    for row in _rows(before, after):
        sign, text = row[0], row[1:]
        if hunk := re.match(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", row):
            # A side without lines names the line before (POSIX diff -u).
            old_line = int(hunk[1]) + (hunk[2] == "0")
            new_line = int(hunk[3]) + (hunk[4] == "0")
            found.append(DiffLine("@", row.rstrip("\n"), old_line, new_line))
            continue
        is_old, is_new = sign in " -", sign in " +"
        found.append(DiffLine(sign, _shown(text), old_line if is_old else 0, new_line if is_new else 0))
        old_line += is_old
        new_line += is_new
    return found


def _rows(before: list[str], after: list[str]) -> list[str]:
    if len(before) * len(after) <= MOST_PAIRS:
        return list(difflib.unified_diff(before, after, n=CONTEXT_LINES))[2:]
    # Finding the shortest difference takes time with the square of the lines: this one is right, and only longer.
    first = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    if first is None:
        first = min(len(before), len(after))
    if len(before) == len(after) == first:
        return []
    begin = max(0, first - CONTEXT_LINES)
    heading = f"@@ -{begin + 1},{len(before) - begin} +{begin + 1},{len(after) - begin} @@\n"
    same = [f" {line}" for line in before[begin:first]]
    return [heading, *same, *(f"-{line}" for line in before[first:]), *(f"+{line}" for line in after[first:])]


def _lines(text: str) -> list[str]:
    """With their ends. A newline alone ends a line, as for BuildKit: else what a form feed hides had another number."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _shown(text: str) -> str:
    """The line without its end; an end that is not a plain newline is said, else two equal lines seem to differ."""
    if text.endswith("\r\n"):
        return text[:-2] + " ␍"
    return text[:-1] if text.endswith("\n") else text + " ∅"


def _by_path(rows: Sequence[FileRow]) -> dict[str, tuple[Any, ...]]:
    return {str(row[0]): tuple(row[1:]) for row in rows}


def _bases(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        asked = str(row.get("asked", ""))
        # The same name twice (two stages) stands for the same digest.
        found[asked] = str(row.get("digest") or row.get("kind", ""))
    return found


def _settings(recipe: Mapping[str, Any]) -> dict[str, str]:
    return {
        "target": str(recipe["target"]),
        "platforms": ", ".join(sorted(recipe["platforms"])),
        "network": ", ".join(recipe.get("allowed_hosts", [])),
    }


def _changes(older: Mapping[str, Any], newer: Mapping[str, Any]) -> tuple[Change, ...]:
    names = sorted(older.keys() | newer.keys())
    pairs = [(name, str(older.get(name, "")), str(newer.get(name, ""))) for name in names]
    return tuple(
        Change(name, old, new) for name, old, new in pairs if old != new or (name in older) is not (name in newer)
    )
