"""Everything again: after a change of the order keys, or when somebody doubts what stands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from scans.domain.osv import AdvisoryMalformed, parse_advisory
from scans.domain.versions import KEY_VERSION, CannotCompare, version_key
from scans.models import Advisory, AffectedRange, Component
from scans.services.applying import store_ranges
from scans.services.matching import hold_matching_lock, match_everything
from scans.services.standing import rejudge_everything

_BATCH = 2000  # rows


@transaction.atomic
def rematch_everything(*, now: datetime) -> int:
    """Encode keys of an older encoder again, match all with all, judge all scans; how many moved."""
    hold_matching_lock()
    _encode_components()
    _encode_ranges()
    match_everything(now=now)
    return rejudge_everything(because="everything was matched again", now=now)


def _encode_components() -> None:
    for rows in _batches(Component.objects.exclude(key_version=KEY_VERSION)):
        for row in rows:
            row.version_key, row.key_version = _key_or_none(row.ecosystem, row.source_version), KEY_VERSION
        Component.objects.bulk_update(rows, ["version_key", "key_version"])


def _encode_ranges() -> None:
    """From the stored bytes of their advisories: ranges are derived."""
    stale = AffectedRange.objects.exclude(key_version=KEY_VERSION)
    for rows in _batches(Advisory.objects.filter(pk__in=stale.values("advisory_id"))):
        parsed = {}
        for row in rows:
            try:
                parsed[row.pk] = parse_advisory(bytes(row.body))
            except AdvisoryMalformed as error:
                raise RuntimeError(f"{row.osv_id} was read once and cannot be read now") from error
        store_ranges(parsed)


def _key_or_none(ecosystem: str, version: str) -> bytes | None:
    try:
        return version_key(ecosystem, version)
    except CannotCompare:
        return None


def _batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    while batch := list(rows.order_by("pk")[:_BATCH]):
        yield batch
