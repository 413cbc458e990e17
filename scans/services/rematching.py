"""Everything again: after a change of the order keys, or when somebody doubts what stands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from registry.blobs import kept_blobs
from registry.errors import BlobMissing, BodyTooLarge
from scans.adapters.syft import MAX_REPORT_BYTES
from scans.domain.ecosystems import coordinates_of, ecosystem_of_release
from scans.domain.inventory import DATABASE_OF_SYSTEM, ReportMalformed, ReportOfOtherImage, read_reports
from scans.domain.osv import AdvisoryMalformed, parse_advisory
from scans.domain.versions import KEY_VERSION, CannotCompare, version_key
from scans.models import Advisory, AffectedRange, Component, Inventory
from scans.services.applying import store_names, store_ranges
from scans.services.matching import hold_matching_lock, match_everything
from scans.services.standing import rejudge_everything

_BATCH = 2000  # rows
_DERIVED = ["ecosystem", "source_name", "source_version", "version_key", "key_version"]


@transaction.atomic
def rematch_everything(*, now: datetime) -> int:
    """Encode keys of an older encoder again, match all with all, judge all scans; how many moved."""
    hold_matching_lock()
    _encode_components()
    _name_releases()
    _encode_ranges()
    match_everything(now=now)
    return rejudge_everything(because="everything was matched again", now=now)


def _encode_components() -> None:
    for rows in _batches(Component.objects.exclude(key_version=KEY_VERSION)):
        for row in rows:
            # From the purl again: with an order, an encoder brings what its ecosystem and its sources are called.
            one = coordinates_of(row.purl)
            row.ecosystem, row.source_name, row.source_version = one.ecosystem, one.source_name, one.source_version
            row.version_key, row.key_version = _key_or_none(row.ecosystem, row.source_version), KEY_VERSION
        Component.objects.bulk_update(rows, _DERIVED)


def _name_releases() -> None:
    """Inventories of systems that had no name here when they were made."""
    for inventory in Inventory.objects.filter(ecosystem="").exclude(os_id=""):
        inventory.ecosystem = ecosystem_of_release(inventory.os_id, inventory.os_version)
        if not inventory.ecosystem:
            continue
        kind = DATABASE_OF_SYSTEM.get(inventory.os_id)
        if kind == "rpm":
            if not _look_again(inventory):
                continue
        elif kind and inventory.coverage.get("has_package_database") is None:
            # Nobody had looked for its database; only that brings packages of its kind.
            has_any = bool(inventory.coverage.get("components_by_type", {}).get(kind))
            inventory.coverage = {**inventory.coverage, "has_package_database": has_any}
        inventory.save(update_fields=["ecosystem", "coverage"])


def _look_again(inventory: Inventory) -> bool:
    """Read an inventory's stored reports as they are read now; False where they do not count any more.

    Nobody had asked yet whether rpm's database was whole, and its keys were counted as packages.
    """
    store = kept_blobs()
    try:
        facts = read_reports(
            syft=store.read(inventory.report_digest, MAX_REPORT_BYTES),
            cyclonedx=store.read(inventory.sbom_digest, MAX_REPORT_BYTES),
            digest=inventory.artifact.digest,
            warnings=inventory.coverage.get("warnings", ()),
        )
    except (BlobMissing, BodyTooLarge, ReportMalformed, ReportOfOtherImage):
        return False
    inventory.coverage = {**inventory.coverage, **facts.coverage.to_json()}
    return True


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
        store_names(parsed)  # AlmaLinux names its own under another member


def _key_or_none(ecosystem: str, version: str) -> bytes | None:
    try:
        return version_key(ecosystem, version)
    except CannotCompare:
        return None


def _batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    while batch := list(rows.order_by("pk")[:_BATCH]):
        yield batch
