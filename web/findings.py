"""Findings as pages show them: how many of each severity, and who must act on each."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from approvals.domain.evidence import Evidence
from registry.models import Artifact
from scans import selectors as scans
from scans.selectors import Finding

Counts = dict[UUID, dict[str, int] | None]


def counts_of(artifacts: Iterable[Artifact]) -> Counts:
    """Artifact id → severity → findings, where the newest scan is complete; the others are not known. One query."""
    newest = scans.latest_scans([artifact.pk for artifact in artifacts])
    return {pk: by_severity(scan.summary) for pk, scan in newest.items() if scan.state == "complete"}


def by_severity(summary: Mapping[str, Any]) -> dict[str, int] | None:
    """Findings of each severity in a scan's summary, with and without a fix; exploited ones under "kev".

    None for a summary that says nothing: not counted is not zero.
    """
    if "by_severity" not in summary:
        return None
    found = {
        word: int(counts.get("fixable_pairs", 0)) + int(counts.get("unfixed_pairs", 0))
        for word, counts in summary["by_severity"].items()
    }
    if exploited := int(summary.get("exploited_vulnerabilities", 0)):
        found["kev"] = exploited
    return found


def counts_in(evidence: Evidence) -> dict[str, int] | None:
    """Findings of each severity in what is known of a build; None when nobody can tell: not compared is not zero."""
    every = [finding for artifact in evidence.artifacts for finding in artifact.findings]
    if not every and not all(one.was_compared for one in evidence.artifacts):
        return None
    if not evidence.artifacts or any(one.scan_state == "none" for one in evidence.artifacts):
        return None
    found = dict(Counter(finding.severity for finding in every))
    if exploited := len({finding.vulnerability_id for finding in every if finding.is_known_exploited}):
        found["kev"] = exploited
    return found


@dataclass(frozen=True, slots=True)
class Acting:
    """Findings that the same people must act on, in the one order of findings."""

    title: str
    advice: str
    rows: tuple[Finding, ...]


def by_who_must_act(rows: Iterable[Finding]) -> list[Acting]:
    """Findings in four heaps, the ones that can be ended at once first. Empty heaps are left out."""
    heaps: dict[str, list[Finding]] = {"own": [], "base": [], "unfixed": [], "unknown": []}
    for row in rows:
        if row.outcome != "affected":
            heaps["unknown"].append(row)
        elif not row.has_fix:
            heaps["unfixed"].append(row)
        else:
            heaps["base" if row.is_inherited else "own"].append(row)
    texts = {
        "own": ("Whoever builds this image", "A fixed version exists: rebuild with it."),
        "base": ("Whoever owns the base", "They come from the base: move to a base that has the fix."),
        "unfixed": ("Nobody yet: there is no fix", "They are counted on the packet and accepted by the signatures."),
        "unknown": ("A platform admin", "The versions cannot be compared, so nobody can tell: neither hit nor clean."),
    }
    return [Acting(*texts[name], tuple(found)) for name, found in heaps.items() if found]


CSV_HEADER = (
    "vulnerability",
    "severity",
    "known_exploited",
    "package",
    "installed",
    "source",
    "fixed_version",
    "fix_since",
    "inherited",
    "outcome",
)


def csv_row(row: Finding) -> tuple[object, ...]:
    """One finding as a line of the CSV file."""
    return (
        row.vulnerability_id,
        row.severity.word,
        "yes" if row.is_kev else "no",
        row.package,
        row.installed,
        row.source,
        row.fixed_version,
        row.fix_since.isoformat() if row.fix_since else "",
        "yes" if row.is_inherited else "no",
        row.outcome,
    )
