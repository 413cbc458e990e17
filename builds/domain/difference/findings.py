"""Findings that the newer image no longer has, and those that it brings.

One finding is a vulnerability of an installed package, whatever version: both sides are judged by the same advisories,
those known now.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One vulnerability of one package. ``severity`` is a word; ``rank`` orders it, the worst highest."""

    vulnerability_id: str
    package: str
    severity: str
    rank: int
    installed: str
    fixed_version: str = ""
    is_exploited: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same finding on both sides."""
        return (self.vulnerability_id, self.package)

    @property
    def order(self) -> tuple[bool, int, str, str]:
        """Exploited first, then the worst, then by name."""
        return (not self.is_exploited, -self.rank, self.vulnerability_id, self.package)


@dataclass(frozen=True, slots=True)
class FindingsPart:
    """What went, what came, how many stay."""

    fixed: tuple[FindingRow, ...]
    new: tuple[FindingRow, ...]
    remaining: tuple[FindingRow, ...]

    @property
    def worst_new_severity(self) -> str:
        """The worst severity among the new ones, unrated counting as worst; "none" where there are no new ones."""
        return max(self.new, key=lambda one: one.rank).severity if self.new else "none"


def compare_findings(older: Iterable[FindingRow], newer: Iterable[FindingRow]) -> FindingsPart:
    """Fixed and new, each worst first."""
    before = {one.key: one for one in older}
    after = {one.key: one for one in newer}
    return FindingsPart(
        fixed=_sorted(row for key, row in before.items() if key not in after),
        new=_sorted(row for key, row in after.items() if key not in before),
        remaining=_sorted(row for key, row in after.items() if key in before),
    )


def _sorted(rows: Iterable[FindingRow]) -> tuple[FindingRow, ...]:
    return tuple(sorted(rows, key=lambda one: one.order))
