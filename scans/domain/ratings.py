"""Reads a ratings file: CVSS ratings by vulnerability and source (the NVD's fields, one object a CVE).

``{"source": …, "cves": {"CVE-…": {"ratings": [{"version", "vector", "score", "severity", "source"}]}}}``. Every
source's rating is kept; one that contradicts its own vector is refused, since nobody can tell which is meant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from scans.domain.reading import read_json
from scans.domain.severity import RatedVector, VectorMalformed, rate_vector


class RatingsMalformed(ValueError):
    """A file that is not a ratings file; the text says where."""


@dataclass(frozen=True, slots=True)
class SourcedRating:
    """What one source says about one vulnerability."""

    vulnerability_id: str
    source: str
    rated: RatedVector


class _Rating(msgspec.Struct):
    vector: str
    score: Decimal
    source: str


class _Entry(msgspec.Struct):
    ratings: list[_Rating]


class _File(msgspec.Struct):
    cves: dict[str, _Entry]


def parse_ratings(body: bytes) -> list[SourcedRating]:
    """Every rating of the file. Raises RatingsMalformed."""
    try:
        parsed = read_json(body, _File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RatingsMalformed(f"this is not a ratings file: {error}") from error
    if not parsed.cves:
        raise RatingsMalformed("this ratings file names no vulnerability")
    return list(_ratings(parsed))


def _ratings(parsed: _File) -> Iterable[SourcedRating]:
    for vulnerability_id, entry in parsed.cves.items():
        for rating in entry.ratings:
            try:
                rated = rate_vector(rating.vector)
            except VectorMalformed as error:
                raise RatingsMalformed(f"{vulnerability_id}: {error}") from error
            if rated.score != rating.score:
                raise RatingsMalformed(
                    f"{vulnerability_id}: {rating.source} states {rating.score}, and its vector gives {rated.score}"
                )
            yield SourcedRating(vulnerability_id, rating.source, rated)
