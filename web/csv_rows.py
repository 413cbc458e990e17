"""A list as a CSV file: all rows that the filters leave, streamed, safe to open in a spreadsheet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from core.csv_lines import csv_lines

CSV_ROWS = 100_000  # of one file


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
