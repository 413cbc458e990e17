"""What moved against a certificate since its packet was signed."""

from collections.abc import Iterable
from typing import Any

from approvals.domain.evidence import SEVERITIES, Finding
from approvals.domain.packet import Delta, Movement


def findings_of(document: dict[str, Any]) -> list[Finding]:
    """The findings as the packet froze them."""
    return [
        Finding(
            vulnerability_id=row["vulnerability_id"],
            package=row["package"],
            installed=row["installed"],
            fixed_version=row["fixed_version"],
            severity=row["severity"],
            is_known_exploited=row["is_known_exploited"],
        )
        for artifact in document["artifacts"]
        for row in artifact["findings"]["list"]
    ]


def delta(before: Iterable[Finding], after: Iterable[Finding]) -> Delta:
    """Vulnerabilities that are there now and were not, and those that are gone.

    One that became known exploited, or got its first fix, counts as added: it asks anew.
    """
    old, new = _by_id(before), _by_id(after)
    asks_anew = {
        name
        for name in old.keys() & new.keys()
        if (new[name].is_known_exploited and not old[name].is_known_exploited)
        or (new[name].fixed_version and not old[name].fixed_version)
    }
    added = [new[name] for name in new.keys() - old.keys() | asks_anew]
    removed = [old[name] for name in old.keys() - new.keys()]
    return Delta(tuple(sorted(added, key=_worst_first)), tuple(sorted(removed, key=_worst_first)))


def _by_id(findings: Iterable[Finding]) -> dict[str, Movement]:
    found: dict[str, Movement] = {}
    for one in findings:
        held = found.get(one.vulnerability_id)
        found[one.vulnerability_id] = Movement(
            one.vulnerability_id,
            min(one.severity, held.severity if held else one.severity, key=_rank),
            one.fixed_version or (held.fixed_version if held else ""),
            one.is_known_exploited or bool(held and held.is_known_exploited),
        )
    return found


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _worst_first(movement: Movement) -> tuple[bool, int, str]:
    return not movement.is_known_exploited, _rank(movement.severity), movement.vulnerability_id
