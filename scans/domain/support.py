"""Until when a distribution's release is supported (the endoflife.date format).

- The end that counts is ``eoes`` (extended support) where there is one, else ``eol``; the day itself is supported.
- Between ``eol`` and ``eoes`` a release is in extended support: allowed, and warned about.
- A release that the data does not name has no known end: that is "cannot tell", never "supported".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from scans.domain.reading import read_json

# os-release ID -> product name in the data, where they differ.
_PRODUCT = {"alpine": "alpine-linux", "amzn": "amazon-linux", "rocky": "rocky-linux", "opensuse-leap": "opensuse"}


class SupportDataMalformed(ValueError):
    """A file that is not end-of-life data."""


class Support(StrEnum):
    """How a release stands on a day."""

    SUPPORTED = "supported"
    EXTENDED = "extended"  # past eol, before eoes
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SupportDates:
    """One release's dates. ``None``: not stated. ``has_ended`` is for data that states "ended" and no day."""

    product: str
    cycle: str
    eol: date | None = None
    eoes: date | None = None
    has_ended: bool = False

    @property
    def ends_on(self) -> date | None:
        """The last supported day."""
        return self.eoes or self.eol


class _Release(msgspec.Struct):
    releaseCycle: str  # noqa: N815
    eol: date | bool | None = None
    eoes: date | bool | None = None


class _Product(msgspec.Struct):
    releases: list[_Release]


def product_of(os_id: str) -> str:
    """The data's name of a distribution."""
    return _PRODUCT.get(os_id, os_id)


def support_on(dates: SupportDates | None, at: datetime) -> Support:
    """How a release stands at ``at`` (days are UTC days)."""
    if dates is None:
        return Support.UNKNOWN
    today = at.astimezone(UTC).date()
    if dates.has_ended or (dates.ends_on is not None and today > dates.ends_on):
        return Support.ENDED
    if dates.eol is not None and today > dates.eol:
        return Support.EXTENDED
    return Support.SUPPORTED


def parse_support_data(body: bytes) -> list[SupportDates]:
    """Every release of every product. Raises SupportDataMalformed."""
    try:
        products: dict[str, Any] = read_json(body, dict[str, _Product])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SupportDataMalformed(f"this is not end-of-life data: {error}") from error
    found = [dates for product, entry in products.items() for dates in _releases(product, entry.releases)]
    if not found:
        raise SupportDataMalformed("this end-of-life data names no release")
    return found


def _releases(product: str, releases: list[_Release]) -> Iterable[SupportDates]:
    for release in releases:
        eol = release.eol if isinstance(release.eol, date) else None
        eoes = release.eoes if isinstance(release.eoes, date) else None
        has_ended = release.eol is True and eoes is None and release.eoes is not False
        yield SupportDates(product, release.releaseCycle, eol, eoes, has_ended)
