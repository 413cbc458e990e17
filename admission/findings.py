"""The findings of many artifacts at once, as a snapshot keeps them: known exploited, fixable by severity, unfixed.

A finding is a vulnerability of a component. It has a fix when any advisory that says so names one; the fix has been
out since that advisory was published, or since we first saw it if that is earlier (design: default policy).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from gate.facts import Fixable
from scans.domain.severity import Severity

# The same join as scans.selectors.findings, for many artifacts and without what only people read (a test compares).
_QUERY = """
SELECT link.artifact_id, min(vulnerability.name), min(vulnerability.severity), bool_or(vulnerability.is_exploited),
       min(vulnerability.exploited_due_on), min(component.source_name), min(component.source_version),
       coalesce((array_agg(match.fixed_version ORDER BY match.fixed_key DESC NULLS LAST)
                 FILTER (WHERE match.outcome = 'affected' AND match.fixed_version <> ''))[1], '') AS fixed_version,
       min(least(advisory.published_at, advisory.first_seen_at)) FILTER (WHERE match.fixed_version <> '') AS fix_since
  FROM scans_artifactcomponent link
  JOIN scans_component component ON component.id = link.component_id
  JOIN scans_match match ON match.component_id = component.id
  JOIN scans_advisory advisory ON advisory.id = match.advisory_id
  JOIN scans_feed feed ON feed.id = advisory.feed_id AND feed.is_enabled
  JOIN scans_advisedvulnerability advised ON advised.advisory_id = advisory.id
  JOIN scans_vulnerability vulnerability ON vulnerability.id = advised.vulnerability_id
 WHERE link.artifact_id = ANY(%s)
 GROUP BY link.artifact_id, component.id, vulnerability.id
"""


class _Row(NamedTuple):
    artifact_id: UUID
    name: str
    severity: int
    is_exploited: bool
    due_on: Any
    package: str
    installed: str
    fixed_version: str
    fix_since: datetime | None

    @property
    def since(self) -> int:
        """Unix seconds; 0, the beginning of time, where nobody says: then the fix has been out for long."""
        return int(self.fix_since.timestamp()) if self.fix_since else 0

    @property
    def words(self) -> str:
        fixed = f" (fixed in {self.fixed_version})" if self.fixed_version else ""
        return f"{self.name} in {self.package} {self.installed}{fixed}"


def finding_facts(artifact_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """By artifact, the finding fields of ``gate.facts.DigestFacts``; artifacts without findings are left out."""
    found: dict[UUID, list[_Row]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [list(artifact_ids)])
        for row in map(_Row._make, cursor.fetchall()):
            found[row.artifact_id].append(row)
    return {artifact_id: _facts(rows) for artifact_id, rows in found.items()}


def _facts(rows: list[_Row]) -> dict[str, Any]:
    exploited = [row for row in rows if row.is_exploited]
    fixable = [row for row in rows if not row.is_exploited and row.fixed_version]
    # What cannot be compared has no fix that we could name: it is counted here, never left out.
    unfixed = [row for row in rows if not row.is_exploited and not row.fixed_version]
    due = sorted((_end_of(row.due_on), row.words) for row in exploited if row.due_on)
    return {
        "known_exploited": len(exploited),
        "known_exploited_due_at": due[0][0] if due else 0,
        "known_exploited_example": due[0][1] if due else min((row.words for row in exploited), default=""),
        "fixable": tuple(_fixable(fixable)),
        "unfixed": len(unfixed),
        "unfixed_example": _worst(unfixed),
    }


def _fixable(rows: Iterable[_Row]) -> Iterable[Fixable]:
    """One entry a severity, critical first, unrated ones after all of them."""
    by_severity: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        by_severity[row.severity].append(row)
    for severity in sorted(by_severity, reverse=True):  # unknown is 0, so it comes last
        group = by_severity[severity]
        oldest = min(group, key=lambda row: (row.since, row.name, row.package))
        yield Fixable(Severity(severity).word, len(group), oldest.since, oldest.words)


def _worst(rows: Iterable[_Row]) -> str:
    return min(((-row.severity, row.words) for row in rows), default=(0, ""))[1]


def _end_of(day: Any) -> int:
    """A due date holds until the end of its day, UTC."""
    return int(datetime.combine(day, time.max, tzinfo=UTC).timestamp())
