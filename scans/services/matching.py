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

# One row a pair: of several ranges of one advisory the one that is fixed last decides.
_AFFECTED = """
INSERT INTO scans_match (component_id, advisory_id, outcome, fixed_version, fixed_key, matched_at)
SELECT DISTINCT ON (c.id, r.advisory_id)
       c.id, r.advisory_id, 'affected', r.fixed, CASE WHEN r.fixed = '' THEN NULL ELSE r.end_key END, %(now)s
FROM scans_affectedrange r
JOIN scans_advisory a ON a.id = r.advisory_id
JOIN scans_component c ON c.ecosystem = r.ecosystem AND c.source_name = r.package
 AND c.version_key >= r.introduced_key
WHERE (r.end_key IS NULL OR c.version_key < r.end_key OR (r.is_end_inclusive AND c.version_key = r.end_key))
  AND r.incomparable = '' AND a.absent_since IS NULL AND (a.withdrawn_at IS NULL OR a.withdrawn_at > %(now)s)
  AND {scope}
ORDER BY c.id, r.advisory_id, (r.fixed <> '') DESC, r.end_key DESC NULLS LAST, r.id
ON CONFLICT (component_id, advisory_id) DO NOTHING
"""
_CANNOT_COMPARE = """
INSERT INTO scans_match (component_id, advisory_id, outcome, fixed_version, fixed_key, matched_at)
SELECT DISTINCT ON (c.id, r.advisory_id) c.id, r.advisory_id, 'cannot_compare', '', NULL, %(now)s
FROM scans_affectedrange r
JOIN scans_advisory a ON a.id = r.advisory_id
JOIN scans_component c ON c.ecosystem = r.ecosystem AND c.source_name = r.package
WHERE (r.incomparable <> '' OR c.version_key IS NULL)
  AND a.absent_since IS NULL AND (a.withdrawn_at IS NULL OR a.withdrawn_at > %(now)s)
  AND {scope}
ORDER BY c.id, r.advisory_id
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
    """All components against all advisories, in place of what was found before: after a change of the order keys."""
    hold_matching_lock()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM scans_match")
    found = _insert("%(ids)s IS NOT NULL", [], now)
    Component.objects.update(matched_at=now)
    return found


def _insert(scope: str, ids: Sequence[int], now: datetime) -> int:
    found = 0
    with connection.cursor() as cursor:
        for statement in (_AFFECTED, _CANNOT_COMPARE):
            cursor.execute(statement.format(scope=scope), {"ids": list(ids), "now": now})
            found += cursor.rowcount
    return found
