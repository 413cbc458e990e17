"""From when a feed's contents are, by what its publisher states (threat T10).

- Stated by: an index file, the contents themselves, HTTP Last-Modified, a sidecar ``FILE.meta.json``, or a person.
  Never by the newest record and never by when we fetched it: a mirror that stopped would look fresh.
- A time in the future (more than the allowed clock difference), or before vulnerability data existed (year 1 is what
  an unset time reads as), is refused.
- Contents older than what was used last are refused: a rollback hides what was known since.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from scans.domain.reading import read_json

ALLOWED_CLOCK_DIFFERENCE = timedelta(minutes=5)
EARLIEST = datetime(1999, 1, 1, tzinfo=UTC)


class SnapshotTimeRefused(ValueError):
    """A time that cannot be when the contents were published, or goes back."""


class _Stated(msgspec.Struct):
    snapshot_at: datetime
    source: str = ""


def stated_in(body: bytes) -> tuple[datetime, str]:
    """The time and source that a sidecar or index file states. Raises SnapshotTimeRefused."""
    try:
        stated = read_json(body, _Stated)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotTimeRefused(f"the file that should state the snapshot time cannot be read: {error}") from error
    return stated.snapshot_at, stated.source[:500]


def stated_by_header(last_modified: str) -> datetime:
    """The time of an HTTP Last-Modified header (RFC 9110 §8.8.2). Raises SnapshotTimeRefused."""
    try:
        return parsedate_to_datetime(last_modified)
    except ValueError as error:
        raise SnapshotTimeRefused(f"Last-Modified {last_modified[:80]!r} is not an HTTP date") from error


def accepted_time(stated: datetime, *, now: datetime, last_used: datetime | None) -> datetime:
    """``stated`` in UTC, when it can be believed. Raises SnapshotTimeRefused, saying why."""
    if stated.tzinfo is None:
        raise SnapshotTimeRefused(f"the snapshot time {stated.isoformat()} has no time zone")
    if stated < EARLIEST:
        raise SnapshotTimeRefused(f"the snapshot time {stated.isoformat()} is before {EARLIEST.year}: it is not set")
    if stated > now + ALLOWED_CLOCK_DIFFERENCE:
        raise SnapshotTimeRefused(f"the snapshot time {stated.isoformat()} lies in the future")
    if last_used is not None and stated < last_used:
        raise SnapshotTimeRefused(
            f"the snapshot of {stated.isoformat()} is older than the one in use, of {last_used.isoformat()}"
        )
    return stated.astimezone(UTC)
