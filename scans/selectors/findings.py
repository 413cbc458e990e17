"""Findings: component × vulnerability on an artifact. A join of what was matched once; nothing is stored an image.

- Several advisories about one vulnerability are one finding. It has a fix when any of them names one, and the fix
  is the highest version that any of them names: below it, one of them would still stand.
- ``fix_since`` is since when a fix has been out: the earliest of a fixing advisory's publication and our first sight.
- A pair that cannot be compared is a row of its own kind: neither affected nor clean.
- The findings of an index are those of its runnable images together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from registry.models import Artifact
from registry.selectors import runnable_images
from scans.domain.severity import Severity
from scans.models import ArtifactComponent, Match, Rating


@dataclass(frozen=True, slots=True)
class SourcedSeverity:
    """What one source says."""

    source: str
    severity: Severity
    score: Decimal
    cvss_version: str
    vector: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability of one installed package."""

    vulnerability_id: str
    advisory_ids: tuple[str, ...]
    aliases: tuple[str, ...]
    summary: str
    component_id: int
    purl: str
    package: str  # the installed (binary) package
    installed: str
    source: str  # the package that the advisory names
    source_version: str
    fixed_version: str  # of the source package; "" = no fix
    fix_since: datetime | None  # None where there is no fix
    outcome: str  # Match.Outcome: affected, cannot_compare
    severity: Severity  # the highest of severities; UNKNOWN when nobody rates it
    severities: tuple[SourcedSeverity, ...]
    is_kev: bool
    kev_due_on: date | None
    is_inherited: bool  # the nearest known base has the same component

    @property
    def has_fix(self) -> bool:
        """Whether a version without it exists."""
        return bool(self.fixed_version)

    @property
    def sources_disagree(self) -> bool:
        """Whether two sources rate it differently."""
        return len({one.severity for one in self.severities}) > 1

    @property
    def key(self) -> tuple[int, int, str, str, int]:
        """The one order of findings everywhere: exploited, then worst, then by name. Unrated stand with the worst:
        nobody has said that they are harmless."""
        worst = Severity.CRITICAL + 1 if self.severity is Severity.UNKNOWN else self.severity
        return (not self.is_kev, -worst, self.vulnerability_id, self.package, self.component_id)


# Owners are the artifacts asked about, images what their findings lie on: the same, but for an index.
_PAIRS = """
SELECT o.owner AS artifact_id, l.component_id, v.id AS vulnerability_pk,
       min(v.name) AS vulnerability_id, min(v.severity) AS severity,
       bool_or(v.is_exploited) AS is_kev, min(v.exploited_due_on) AS kev_due_on,
       bool_or(m.outcome = 'affected') AS is_affected,
       COALESCE((array_agg(m.fixed_version ORDER BY m.fixed_key DESC NULLS LAST)
                 FILTER (WHERE m.outcome = 'affected' AND m.fixed_version <> ''))[1], '') AS fixed_version,
       min(LEAST(a.published_at, a.first_seen_at)) FILTER (WHERE m.fixed_version <> '') AS fix_since,
       array_agg(DISTINCT a.osv_id) AS advisory_ids,
       min(a.summary) AS summary
FROM unnest(%(owners)s::uuid[], %(images)s::uuid[]) AS o(owner, image)
JOIN scans_artifactcomponent l ON l.artifact_id = o.image
JOIN scans_match m ON m.component_id = l.component_id
JOIN scans_advisory a ON a.id = m.advisory_id
JOIN scans_feed f ON f.id = a.feed_id AND f.is_enabled
JOIN scans_advisedvulnerability w ON w.advisory_id = a.id
JOIN scans_vulnerability v ON v.id = w.vulnerability_id
GROUP BY o.owner, l.component_id, v.id
"""
_FINDINGS = f"""
WITH pairs AS ({_PAIRS})
SELECT p.*, c.purl, c.name AS package, c.version AS installed, c.source_name AS source, c.source_version
FROM pairs p JOIN scans_component c ON c.id = p.component_id
"""  # noqa: S608 (both parts are constants of this module)
_SUMMARY = f"""
WITH pairs AS ({_PAIRS})
SELECT artifact_id, is_affected, severity, fixed_version <> '' AS has_fix,
       GROUPING(severity) AS is_total, count(*) AS pairs, count(DISTINCT vulnerability_pk) AS vulnerabilities,
       count(DISTINCT vulnerability_pk) FILTER (WHERE is_kev) AS exploited
FROM pairs
GROUP BY GROUPING SETS ((artifact_id, is_affected, severity, fixed_version <> ''),
                        (artifact_id, is_affected, fixed_version <> ''))
"""  # noqa: S608 (both parts are constants of this module)


def findings(artifact: Artifact) -> list[Finding]:
    """Every finding on ``artifact``, in the one order. A fixed number of queries, however many there are."""
    images = runnable_images(artifact)
    rows = _rows(_FINDINGS, {artifact.pk: [image.pk for image in images]})
    ratings = _ratings({row["vulnerability_pk"] for row in rows})
    inherited = _inherited_components(images)
    found = [_finding(row, ratings[row["vulnerability_pk"]], inherited) for row in rows]
    return sorted(found, key=lambda one: one.key)


def findings_in_short(artifact: Artifact) -> list[Finding]:
    """The same without who rates it how and whether the base has it too: what a judgement reads. One query an image."""
    images = runnable_images(artifact)
    rows = _rows(_FINDINGS, {artifact.pk: [image.pk for image in images]})
    return sorted((_finding(row, (), set()) for row in rows), key=lambda one: one.key)


def finding_summary(artifact: Artifact) -> dict[str, Any]:
    """Counts of the findings on ``artifact``; see ``finding_summaries``."""
    images = [image.pk for image in runnable_images(artifact)]
    return finding_summaries({artifact.pk: images})[artifact.pk]


def finding_summaries(images_of: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, dict[str, Any]]:
    """For each artifact, given with its runnable images: counts as pairs (package × vulnerability) and as
    vulnerabilities, with and without a fix, by severity; exploited ones; pairs that cannot be compared. One query.
    """
    found = {artifact_id: _empty_summary() for artifact_id in images_of}
    for row in _rows(_SUMMARY, images_of):
        _add_to_summary(found[row["artifact_id"]], row)
    return found


def _empty_summary() -> dict[str, Any]:
    nothing = {"fixable_pairs": 0, "fixable_vulnerabilities": 0, "unfixed_pairs": 0, "unfixed_vulnerabilities": 0}
    return {
        **nothing,
        "exploited_vulnerabilities": 0,
        "cannot_compare_pairs": 0,
        "by_severity": {severity.word: dict(nothing) for severity in sorted(Severity, reverse=True)},
    }


def _add_to_summary(summary: dict[str, Any], row: Mapping[str, Any]) -> None:
    if not row["is_affected"]:
        summary["cannot_compare_pairs"] += row["pairs"] if row["is_total"] else 0
        return
    word = "fixable" if row["has_fix"] else "unfixed"
    if row["is_total"]:
        # A vulnerability may have a fix in one package and none in another: it counts in both columns.
        summary["exploited_vulnerabilities"] += row["exploited"]
        target = summary
    else:
        target = summary["by_severity"][Severity(row["severity"]).word]
    target[f"{word}_pairs"] = row["pairs"]
    target[f"{word}_vulnerabilities"] = row["vulnerabilities"]


def _rows(statement: str, images_of: Mapping[UUID, Sequence[UUID]]) -> list[dict[str, Any]]:
    links = [(owner, image) for owner, images in images_of.items() for image in images]
    with connection.cursor() as cursor:
        cursor.execute(statement, {"owners": [owner for owner, _ in links], "images": [image for _, image in links]})
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _ratings(vulnerability_pks: Iterable[int]) -> dict[int, tuple[SourcedSeverity, ...]]:
    found: dict[int, list[SourcedSeverity]] = defaultdict(list)
    rows = Rating.objects.filter(vulnerability_id__in=list(vulnerability_pks), feed__is_enabled=True)
    for row in rows.order_by("-severity", "-score", "source", "id"):
        sourced = SourcedSeverity(row.source, Severity(row.severity), row.score, row.cvss_version, row.vector)
        if sourced not in found[row.vulnerability_id]:
            found[row.vulnerability_id].append(sourced)
    return defaultdict(tuple, {pk: tuple(rows) for pk, rows in found.items()})


def _inherited_components(images: Sequence[Artifact]) -> set[int]:
    """Components that every image's nearest known base has too: who owns the base must act on them."""
    links = ArtifactComponent.objects.filter(
        artifact__descendant_links__artifact__in=images, artifact__descendant_links__is_nearest=True
    )
    return set(links.values_list("component_id", flat=True))


def _finding(row: Mapping[str, Any], ratings: tuple[SourcedSeverity, ...], inherited: set[int]) -> Finding:
    advisory_ids = tuple(row["advisory_ids"])
    return Finding(
        vulnerability_id=row["vulnerability_id"],
        advisory_ids=advisory_ids,
        aliases=tuple(name for name in advisory_ids if name != row["vulnerability_id"]),
        summary=row["summary"],
        component_id=row["component_id"],
        purl=row["purl"],
        package=row["package"],
        installed=row["installed"],
        source=row["source"],
        source_version=row["source_version"],
        fixed_version=row["fixed_version"] if row["is_affected"] else "",
        fix_since=row["fix_since"] if row["is_affected"] else None,
        outcome=Match.Outcome.AFFECTED if row["is_affected"] else Match.Outcome.CANNOT_COMPARE,
        severity=Severity(row["severity"]),
        severities=ratings,
        is_kev=row["is_kev"],
        kev_due_on=row["kev_due_on"],
        is_inherited=row["component_id"] in inherited,
    )


def artifacts_with(vulnerability_id: str) -> list[Artifact]:
    """Images that have a component affected by ``vulnerability_id``, newest first. At most 50."""
    hit = Match.objects.filter(
        outcome=Match.Outcome.AFFECTED, advisory__vulnerability_links__vulnerability__name=vulnerability_id
    )
    links = ArtifactComponent.objects.filter(component_id__in=hit.values("component_id"))
    return list(Artifact.objects.filter(pk__in=links.values("artifact_id")).order_by("-created_at", "-pk")[:50])
