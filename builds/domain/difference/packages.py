"""Packages that came, went, rose or fell."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

# Whether one version stands above another; None where nobody can tell.
IsAbove = Callable[["Package", "Package"], bool | None]


class PackageMove(StrEnum):
    """What became of a package."""

    ADDED = "added"
    REMOVED = "removed"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    CHANGED = "changed"  # two versions whose order nobody knows


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package. ``ecosystem`` is where its versions have an order ("Debian:12"), "" where in none."""

    type: str
    name: str
    version: str
    ecosystem: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class PackageChange:
    """What became of one package; "" for a version that there is none of."""

    move: PackageMove
    type: str
    name: str
    older: str
    newer: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class PackagesPart:
    """Every change, by name, and how many packages each side has."""

    changes: tuple[PackageChange, ...]
    older_count: int
    newer_count: int

    def count(self, move: PackageMove) -> int:
        """How many made that move."""
        return sum(one.move is move for one in self.changes)

    @property
    def is_only_upgrades(self) -> bool:
        """Whether some rose and nothing else happened."""
        return bool(self.changes) and all(one.move is PackageMove.UPGRADED for one in self.changes)


def compare_packages(older: Iterable[Package], newer: Iterable[Package], is_above: IsAbove) -> PackagesPart:
    """What changed. A package that is there in several versions is compared version by version."""
    before, after = _grouped(older), _grouped(newer)
    changes: list[PackageChange] = []
    for key in sorted(before.keys() | after.keys()):
        gone = sorted(before[key] - after[key], key=lambda one: one.version)
        come = sorted(after[key] - before[key], key=lambda one: one.version)
        if len(gone) == len(come) == 1:
            changes.append(_moved(gone[0], come[0], is_above))
            continue
        changes += [_change(PackageMove.REMOVED, one, one.version, "") for one in gone]
        changes += [_change(PackageMove.ADDED, one, "", one.version) for one in come]
    return PackagesPart(tuple(changes), _count(before), _count(after))


def _grouped(packages: Iterable[Package]) -> defaultdict[tuple[str, str], set[Package]]:
    found: defaultdict[tuple[str, str], set[Package]] = defaultdict(set)
    for one in packages:
        found[one.name, one.type].add(one)
    return found


def _count(groups: defaultdict[tuple[str, str], set[Package]]) -> int:
    return sum(map(len, groups.values()))


def _moved(older: Package, newer: Package, is_above: IsAbove) -> PackageChange:
    above = is_above(newer, older)
    moves = {None: PackageMove.CHANGED, True: PackageMove.UPGRADED, False: PackageMove.DOWNGRADED}
    return _change(moves[above], newer, older.version, newer.version)


def _change(move: PackageMove, one: Package, older: str, newer: str) -> PackageChange:
    return PackageChange(move=move, type=one.type, name=one.name, older=older, newer=newer, source=one.source)
