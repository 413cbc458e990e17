"""Which advisories are about which components: computed once a pair, in the database, by order keys.

- A new component is held against all advisories; a new or changed advisory against all components. Images are not
  looked at: their findings are a join.
- Both take one lock, so that a component and an advisory that arrive together cannot miss each other.
- A pair that cannot be put in order is kept as "cannot compare". It never counts as affected, and never as clean.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from scans.models import Component

# Any constant of our own; held until the transaction ends.
_LOCK = 0x676F6C64_6D617463

# The upper bound stands twice: once so that the index can end there (no key reaches 0xff), once exactly.
_WITHIN = """
FROM scans_affectedrange r
JOIN scans_advisory a ON a.id = r.advisory_id
JOIN scans_component c ON c.ecosystem = r.ecosystem AND c.source_name = r.package
 AND c.version_key >= r.introduced_key AND c.version_key <= COALESCE(r.end_key, '\\xff'::bytea)
WHERE (r.end_key IS NULL OR r.is_end_inclusive OR c.version_key < r.end_key)
  AND r.incomparable = '' AND a.absent_since IS NULL AND (a.withdrawn_at IS NULL OR a.withdrawn_at > %(now)s)
  AND {scope}
"""
_COLUMNS = "r.fixed AS fixed_version, CASE WHEN r.fixed = '' THEN NULL ELSE r.end_key END AS fixed_key"
# Nearly every advisory has one range a package, and needs no sort.
_AFFECTED_ALONE = f"""
SELECT c.id AS component_id, r.advisory_id, 'affected' AS outcome, {_COLUMNS} {_WITHIN} AND r.is_alone
"""
# Of several ranges of one advisory the one that is fixed last decides.
_AFFECTED_SEVERAL = f"""
SELECT * FROM (
  SELECT DISTINCT ON (c.id, r.advisory_id) c.id AS component_id, r.advisory_id, 'affected' AS outcome, {_COLUMNS}
  {_WITHIN} AND NOT r.is_alone
  ORDER BY c.id, r.advisory_id, (r.fixed <> '') DESC, r.end_key DESC NULLS LAST, r.id
) several
"""  # noqa: S608
# Two halves, so that each begins in an index.
_CANNOT_COMPARE = """
SELECT c.id AS component_id, r.advisory_id, 'cannot_compare' AS outcome,
       '' AS fixed_version, NULL::bytea AS fixed_key
FROM scans_affectedrange r
JOIN scans_advisory a ON a.id = r.advisory_id
JOIN scans_component c ON c.ecosystem = r.ecosystem AND c.source_name = r.package
WHERE r.incomparable <> ''
  AND a.absent_since IS NULL AND (a.withdrawn_at IS NULL OR a.withdrawn_at > %(now)s) AND {scope}
UNION
SELECT c.id, r.advisory_id, 'cannot_compare', '', NULL::bytea
FROM scans_component c
JOIN scans_affectedrange r ON r.ecosystem = c.ecosystem AND r.package = c.source_name
JOIN scans_advisory a ON a.id = r.advisory_id
WHERE c.version_key IS NULL
  AND a.absent_since IS NULL AND (a.withdrawn_at IS NULL OR a.withdrawn_at > %(now)s) AND {scope}
"""
_INSERT = """
INSERT INTO scans_match (component_id, advisory_id, outcome, fixed_version, fixed_key, matched_at)
SELECT component_id, advisory_id, outcome, fixed_version, fixed_key, %(now)s FROM ({pairs}) pairs
ON CONFLICT (component_id, advisory_id) DO NOTHING
"""


def hold_matching_lock() -> None:
    """Wait for whoever is matching, and keep others out until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


@transaction.atomic
def match_components(*, component_ids: Sequence[int], now: datetime) -> int:
    """Hold components against every advisory, once each; how many pairs came of it."""
    hold_matching_lock()
    waiting = list(Component.objects.filter(pk__in=component_ids, matched_at__isnull=True).values_list("pk", flat=True))
    if not waiting:
        return 0
    found = _insert("c.id = ANY(%(ids)s)", waiting, now)
    Component.objects.filter(pk__in=waiting).update(matched_at=now)
    return found


@transaction.atomic
def match_advisories(*, advisory_ids: Sequence[int], now: datetime) -> int:
    """Hold new or changed advisories against every component, in place of what was found before."""
    hold_matching_lock()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM scans_match WHERE advisory_id = ANY(%s)", [list(advisory_ids)])
    return _insert("r.advisory_id = ANY(%(ids)s)", advisory_ids, now)


@transaction.atomic
def match_everything(*, now: datetime) -> int:
    """All components against all advisories; only what differs from what stands is written. How many pairs differ."""
    hold_matching_lock()
    with connection.cursor() as cursor:
        # Enough to keep a million pairs' hash in memory; for this transaction alone.
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.scans_difference")
        moved = 0
        for statement in (_DIFFERENCE, _REMOVE_STALE, _ADD_FRESH, _REMOVE_STALE_ODD, _ADD_FRESH_ODD):
            cursor.execute(statement, {"now": now})
            moved += cursor.rowcount if statement is not _DIFFERENCE else 0
    Component.objects.filter(matched_at=None).update(matched_at=now)
    return moved


# One pass over both sides; a pair whose fix moved is in it twice, once to go and once to come.
_DIFFERENCE = f"""
CREATE TEMPORARY TABLE scans_difference ON COMMIT DROP AS
SELECT s.id AS stale_id, f.component_id, f.advisory_id, f.fixed_version, f.fixed_key
FROM ({_AFFECTED_ALONE} UNION ALL {_AFFECTED_SEVERAL}) f
FULL JOIN (SELECT id, component_id, advisory_id, fixed_version FROM scans_match WHERE outcome = 'affected') s
  ON f.component_id = s.component_id AND f.advisory_id = s.advisory_id AND f.fixed_version = s.fixed_version
WHERE s.id IS NULL OR f.component_id IS NULL
""".format(scope="true")  # noqa: S608 (constants of this module, here and below)
_REMOVE_STALE = "DELETE FROM scans_match m USING scans_difference d WHERE m.id = d.stale_id"
_ADD_FRESH = """
INSERT INTO scans_match (component_id, advisory_id, outcome, fixed_version, fixed_key, matched_at)
SELECT component_id, advisory_id, 'affected', fixed_version, fixed_key, %(now)s
FROM scans_difference WHERE component_id IS NOT NULL
ON CONFLICT (component_id, advisory_id) DO UPDATE
SET outcome = 'affected', fixed_version = excluded.fixed_version, fixed_key = excluded.fixed_key
"""
_REMOVE_STALE_ODD = f"""
DELETE FROM scans_match m WHERE m.outcome = 'cannot_compare' AND NOT EXISTS (
  SELECT 1 FROM ({_CANNOT_COMPARE}) f WHERE f.component_id = m.component_id AND f.advisory_id = m.advisory_id
)
""".format(scope="true")  # noqa: S608
# What is affected by one range and incomparable by another is affected.
_ADD_FRESH_ODD = _INSERT.format(pairs=_CANNOT_COMPARE.format(scope="true"))


def _insert(scope: str, ids: Sequence[int], now: datetime) -> int:
    found = 0
    with connection.cursor() as cursor:
        for pairs in (_AFFECTED_ALONE, _AFFECTED_SEVERAL, _CANNOT_COMPARE):
            cursor.execute(_INSERT.format(pairs=pairs.format(scope=scope)), {"ids": list(ids), "now": now})
            found += cursor.rowcount
    return found
