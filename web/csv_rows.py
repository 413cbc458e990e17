"""A list as a CSV file: all rows that the filters leave, streamed, safe to open in a spreadsheet."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

CSV_ROWS = 100_000  # of one file

# A cell that begins with one of these is a formula to a spreadsheet; the names come from strangers.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    """Hands each written line straight back."""

    def write(self, value: str) -> str:
        return value


def neutral(value: object) -> str:
    """The cell as text that no spreadsheet runs."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """``rows`` under ``header`` as the download ``name``."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(header)
        for row in rows:
            yield writer.writerow([neutral(cell) for cell in row])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def csv_of(name: str, columns: Mapping[str, Callable[[Any], object]], rows: QuerySet[Any]) -> StreamingHttpResponse:
    """``rows`` as the download ``name``, one of ``columns`` a cell: the first 100,000, read as they are sent."""
    cells = ([_plain(read(row)) for read in columns.values()] for row in rows[:CSV_ROWS].iterator(2_000))
    return csv_response(name, tuple(columns), cells)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
