"""What a sync moved for which image, and the records that say so.

A pair is (component, vulnerability). Before a changed advisory's matches are thrown away, its pairs are noted; after
the new matches are made, the difference is taken in the database, together with what unchanged advisories say
about the same components: a finding that another advisory still supports has not gone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from registry.models import Artifact
from scans.models import Scan
from scans.services.scanning import indexes_of, refresh_index, refresh_scans

WORKER = Actor.system("worker")
MAX_NAMES = 200  # of one change in one record; the count is always whole
_BATCH = 500  # images judged at once

_PAIRS = """
SELECT m.component_id, w.vulnerability_id, m.fixed_version <> '' AS has_fix
FROM scans_match m JOIN scans_advisedvulnerability w ON w.advisory_id = m.advisory_id
WHERE m.outcome = 'affected'
"""
_DIFFERENCE = f"""
WITH touched AS (
  SELECT component_id FROM scans_noted_pairs
  UNION SELECT component_id FROM scans_match WHERE advisory_id IN (SELECT id FROM scans_noted_advisories)
), others AS ({_PAIRS}
  AND m.component_id IN (SELECT component_id FROM touched)
  AND m.advisory_id NOT IN (SELECT id FROM scans_noted_advisories)
), newer AS ({_PAIRS} AND m.advisory_id IN (SELECT id FROM scans_noted_advisories)
), earlier AS (
  SELECT component_id, vulnerability_id, bool_or(has_fix) AS has_fix
  FROM (SELECT * FROM scans_noted_pairs UNION ALL SELECT * FROM others) x GROUP BY 1, 2
), later AS (
  SELECT component_id, vulnerability_id, bool_or(has_fix) AS has_fix
  FROM (SELECT * FROM newer UNION ALL SELECT * FROM others) x GROUP BY 1, 2
), moved AS (
  SELECT component_id, vulnerability_id,
         CASE WHEN e.component_id IS NULL THEN 'added' WHEN n.component_id IS NULL THEN 'removed'
              WHEN n.has_fix THEN 'now_fixable' ELSE 'no_longer_fixable' END AS change
  FROM earlier e FULL JOIN later n USING (component_id, vulnerability_id)
  WHERE e.component_id IS NULL OR n.component_id IS NULL OR e.has_fix <> n.has_fix
)
SELECT DISTINCT l.artifact_id, moved.change, v.name
FROM moved JOIN scans_artifactcomponent l ON l.component_id = moved.component_id
JOIN scans_vulnerability v ON v.id = moved.vulnerability_id
ORDER BY 1, 2, 3
"""  # noqa: S608 (both parts are constants of this module)
_WITH_VULNERABILITY = """
SELECT DISTINCT l.artifact_id, v.name
FROM scans_vulnerability v
JOIN scans_advisedvulnerability w ON w.vulnerability_id = v.id
JOIN scans_match m ON m.advisory_id = w.advisory_id AND m.outcome = 'affected'
JOIN scans_artifactcomponent l ON l.component_id = m.component_id
WHERE v.id = ANY(%s)
ORDER BY 1, 2
"""

Changes = dict[UUID, dict[str, list[str]]]
"""For each image: change (``added``, ``removed``, …) to the vulnerabilities' names, sorted."""


class Movement:
    """Notes what stood before, inside one transaction, and tells the difference afterwards."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.scans_noted_pairs, pg_temp.scans_noted_advisories")
            cursor.execute(
                "CREATE TEMPORARY TABLE scans_noted_pairs"
                " (component_id bigint, vulnerability_id bigint, has_fix boolean) ON COMMIT DROP"
            )
            cursor.execute("CREATE TEMPORARY TABLE scans_noted_advisories (id bigint PRIMARY KEY) ON COMMIT DROP")
        self.changes: Changes = defaultdict(lambda: defaultdict(list))
        self._rerated: set[int] = set()

    def note(self, advisory_ids: Sequence[int]) -> None:
        """These advisories are about to change, or to go."""
        ids = list(advisory_ids)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO scans_noted_pairs {_PAIRS} AND m.advisory_id = ANY(%s)",
                [ids],
            )
        self.note_new(ids)

    def note_new(self, advisory_ids: Sequence[int]) -> None:
        """These advisories are new."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO scans_noted_advisories SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
                [list(advisory_ids)],
            )

    def note_rerated(self, vulnerability_ids: Iterable[int]) -> None:
        """The severity of these vulnerabilities moved with their advisories."""
        self._rerated.update(vulnerability_ids)

    def add_pairs(self) -> None:
        """Take the difference between what was noted and what is matched now."""
        self.add_vulnerabilities("rerated", self._rerated)
        with connection.cursor() as cursor:
            cursor.execute(_DIFFERENCE)
            for artifact_id, change, name in cursor.fetchall():
                self.changes[artifact_id][change].append(name)
        for moved in self.changes.values():
            # What is new was not rated otherwise before.
            known = [name for name in moved.pop("rerated", []) if name not in moved.get("added", [])]
            if known:
                moved["rerated"] = known
        self.changes = {artifact_id: moved for artifact_id, moved in self.changes.items() if moved}

    def add_vulnerabilities(self, change: str, vulnerability_ids: Iterable[int]) -> None:
        """These vulnerabilities were rated anew, or became known as exploited."""
        with connection.cursor() as cursor:
            cursor.execute(_WITH_VULNERABILITY, [list(vulnerability_ids)])
            for artifact_id, name in cursor.fetchall():
                self.changes[artifact_id][change].append(name)


def record_changes(changes: Changes, *, because: str, now: datetime) -> int:
    """Judge what moved again and write one record an artifact; how many. Images without a scan yet are left out:
    their first one will say it all."""
    scanned = Scan.objects.filter(artifact_id__in=list(changes), is_latest=True, inventory__isnull=False)
    images = [scan.artifact for scan in scanned.select_related("artifact").order_by("artifact_id")]
    for start in range(0, len(images), _BATCH):
        refresh_scans(images=images[start : start + _BATCH], now=now)
    for image in images:
        _record(image, changes[image.pk], because, now)
    indexes = list(indexes_of(image.pk for image in images))
    for index in indexes:
        refresh_index(index=index, now=now)
        _record(index, _together(index, changes), because, now)
    return len(images) + len(indexes)


def _together(index: Artifact, changes: Changes) -> dict[str, list[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for child_id in index.child_links.values_list("child_id", flat=True):
        for change, names in changes.get(child_id, {}).items():
            found[change].update(names)
    return {change: sorted(names) for change, names in found.items()}


def _record(artifact: Artifact, moved: dict[str, list[str]], because: str, now: datetime) -> None:
    record(
        Verb.FINDINGS_CHANGED,
        actor=WORKER,
        subject=Subject("artifact", str(artifact.pk), artifact.digest),
        at=now,
        data={
            "because": because,
            **{change: names[:MAX_NAMES] for change, names in sorted(moved.items())},
            "counts": {change: len(names) for change, names in sorted(moved.items())},
        },
    )
