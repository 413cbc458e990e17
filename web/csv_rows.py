"""A list as a CSV file (RFC 4180): all rows that the filters leave, streamed, and a spreadsheet shows and does not run
them (OWASP: CSV injection).

For pages, and by ``portal.paging`` for the API.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

CSV_ROWS = 100_000  # of one file
# What begins with one of these is a formula to some spreadsheet; the names come from strangers.
_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """A file for the csv module that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def neutral(cell: object) -> str:
    """``cell`` as text, with a quote before what a spreadsheet would take for a formula, and without NUL."""
    clean = "" if cell is None else str(cell).replace("\0", "")
    return f"'{clean}" if clean.startswith(_RUN) else clean


def csv_lines(header: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """``header``, then ``rows``: each a line, each cell neutral."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield writer.writerow(header)  # type: ignore[misc]
    for row in rows:
        yield writer.writerow([neutral(cell) for cell in row])  # type: ignore[misc]


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """``rows`` under ``header`` as the download ``name``."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def csv_of(name: str, columns: Mapping[str, Callable[[Any], object]], rows: QuerySet[Any]) -> StreamingHttpResponse:
    """``rows`` as the download ``name``, one of ``columns`` a cell: the first 100,000, read as they are sent."""
    cells = ([_plain(read(row)) for read in columns.values()] for row in rows[:CSV_ROWS].iterator(2_000))
    return csv_response(name, tuple(columns), cells)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
