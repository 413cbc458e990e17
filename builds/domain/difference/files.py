"""Files that came, went or changed. Both lists are read side by side once: memory does not grow with them."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from builds.domain.layer_files.entries import FileEntry, Kind

MAX_LISTED = 500
_OTHERS_WRITE = 0o002


class FileMove(StrEnum):
    """What became of a path."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FileChange:
    """What became of one path. ``what`` names what changed: kind, content, mode, owner, target, capabilities."""

    move: FileMove
    path: str
    older: FileEntry | None
    newer: FileEntry | None
    what: tuple[str, ...] = ()

    @property
    def is_new_setuid(self) -> bool:
        """Whether it is set-uid or set-gid now, and was not."""
        return _is(self.newer, "is_setuid") and not _is(self.older, "is_setuid")

    @property
    def is_lost_setuid(self) -> bool:
        """Whether it was set-uid or set-gid, and is not any more."""
        return _is(self.older, "is_setuid") and not _is(self.newer, "is_setuid")

    @property
    def is_new_executable(self) -> bool:
        """Whether it may be started now, and could not before."""
        return _is(self.newer, "is_executable") and not _is(self.older, "is_executable")

    @property
    def is_new_world_writable(self) -> bool:
        """Whether everybody may write it now, and could not before."""
        return _is_writable(self.newer) and not _is_writable(self.older)

    @property
    def has_new_capabilities(self) -> bool:
        """Whether it holds capabilities that it did not."""
        newer, older = (one.capabilities if one else "" for one in (self.newer, self.older))
        return bool(newer) and newer != older

    @property
    def weight(self) -> int:
        """What is listed first when not all can be."""
        if self.is_new_setuid or self.has_new_capabilities:
            return 3
        if self.is_new_world_writable or self.is_lost_setuid:
            return 2
        return 1 if self.is_new_executable else 0


@dataclass(slots=True)
class FilesPart:
    """Whole counts, and the changes that are listed: the weightiest ``MAX_LISTED`` of each move, by path."""

    listed: tuple[FileChange, ...] = ()
    counts: dict[FileMove, int] = field(default_factory=lambda: dict.fromkeys(FileMove, 0))
    new_setuid: int = 0
    lost_setuid: int = 0
    new_executables: int = 0
    new_world_writable: int = 0
    new_capabilities: int = 0
    mode_changes: int = 0
    older_count: int = 0
    newer_count: int = 0
    older_bytes: int = 0
    newer_bytes: int = 0

    @property
    def is_cut(self) -> bool:
        """Whether there are more changes than are listed."""
        return sum(self.counts.values()) > len(self.listed)


def compare_files(older: Iterable[FileEntry], newer: Iterable[FileEntry]) -> FilesPart:
    """What changed between two lists, each sorted by the components of its paths.

    When a file was written does not count: it is in no list.
    """
    part = FilesPart()
    kept: dict[FileMove, list[tuple[int, int, FileChange]]] = {move: [] for move in FileMove}
    for number, change in enumerate(_changes(older, newer, part)):
        _count(part, change)
        heap = kept[change.move]
        # Among equals the first paths stay.
        row = (change.weight, -number, change)
        if len(heap) < MAX_LISTED:
            heapq.heappush(heap, row)
        else:
            heapq.heappushpop(heap, row)
    rows = [row[2] for heap in kept.values() for row in heap]
    part.listed = tuple(sorted(rows, key=lambda one: (-one.weight, one.path.split("/"))))
    return part


def _changes(older: Iterable[FileEntry], newer: Iterable[FileEntry], part: FilesPart) -> Iterator[FileChange]:
    before, after = iter(older), iter(newer)
    left, right = _next(before, part, is_older=True), _next(after, part, is_older=False)
    while left or right:
        if right is None or (left is not None and left.path.split("/") < right.path.split("/")):
            yield FileChange(FileMove.REMOVED, left.path, left, None)  # type: ignore[union-attr]
            left = _next(before, part, is_older=True)
        elif left is None or left.path != right.path:
            yield FileChange(FileMove.ADDED, right.path, None, right)
            right = _next(after, part, is_older=False)
        else:
            if what := _what(left, right):
                yield FileChange(FileMove.CHANGED, right.path, left, right, what)
            left, right = _next(before, part, is_older=True), _next(after, part, is_older=False)


def _next(entries: Iterator[FileEntry], part: FilesPart, *, is_older: bool) -> FileEntry | None:
    entry = next(entries, None)
    if entry is not None and is_older:
        part.older_count += 1
        part.older_bytes += entry.size
    elif entry is not None:
        part.newer_count += 1
        part.newer_bytes += entry.size
    return entry


def _what(older: FileEntry, newer: FileEntry) -> tuple[str, ...]:
    rows = (
        ("kind", older.kind is not newer.kind),
        ("content", older.sha256 != newer.sha256),
        ("target", older.target != newer.target),
        ("mode", older.mode != newer.mode and newer.kind is not Kind.LINK),
        ("owner", (older.uid, older.gid) != (newer.uid, newer.gid)),
        ("capabilities", older.capabilities != newer.capabilities),
    )
    return tuple(name for name, is_changed in rows if is_changed)


def _count(part: FilesPart, change: FileChange) -> None:
    part.counts[change.move] += 1
    part.new_setuid += change.is_new_setuid
    part.lost_setuid += change.is_lost_setuid
    part.new_executables += change.is_new_executable
    part.new_world_writable += change.is_new_world_writable
    part.new_capabilities += change.has_new_capabilities
    part.mode_changes += "mode" in change.what


def _is(entry: FileEntry | None, name: str) -> bool:
    return entry is not None and bool(getattr(entry, name))


def _is_writable(entry: FileEntry | None) -> bool:
    return entry is not None and entry.kind is not Kind.LINK and bool(entry.mode & _OTHERS_WRITE)
