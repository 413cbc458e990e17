"""Pages of a list by keyset: the next page starts after the last row seen, however the list grows meanwhile.

No page counts its rows: a COUNT over the record or the decisions costs more than everything else on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from core.errors import GoldgateError, Kind

PAGE_SIZE = 50  # rows
_SALT = "web.paging"

T = TypeVar("T")
M = TypeVar("M", bound=Model)


class BadCursor(GoldgateError):
    """The link to a page of a list was cut or altered."""

    code = "bad_cursor"
    kind = Kind.MALFORMED


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the next page ("" on the last)."""

    rows: Sequence[T]
    next_cursor: str


def page_of(
    rows: QuerySet[M], request: HttpRequest, *, order: Sequence[str] = ("-id",), size: int = PAGE_SIZE
) -> Page[M]:
    """One page of ``rows`` in ``order`` (fields, "-" for descending; the last one unique). One query.

    Raises BadCursor for a cursor that is not of this list.
    """
    cursor = request.GET.get("cursor", "")
    if cursor:
        rows = rows.filter(_after(order, _read(cursor, order)))
    found = list(rows.order_by(*order)[: size + 1])
    if len(found) <= size:
        return Page(found, "")
    return Page(found[:size], _write(found[size - 1], order))


def page_of_list(rows: Sequence[T], request: HttpRequest, *, size: int = PAGE_SIZE) -> Page[T]:
    """One page of rows that are in memory already, by position. Raises BadCursor."""
    start = int(_read(request.GET["cursor"], ("position",))[0]) if request.GET.get("cursor") else 0
    end = start + size
    following = signing.dumps({"o": ["position"], "v": [str(end)]}, salt=_SALT) if end < len(rows) else ""
    return Page(rows[start:end], following)


def _write(row: Model, order: Sequence[str]) -> str:
    values = []
    for name in order:
        value: Any = row
        for part in name.lstrip("-").split("__"):
            value = getattr(value, part)
        values.append(value.isoformat() if isinstance(value, datetime) else str(value))
    return signing.dumps({"o": list(order), "v": values}, salt=_SALT)


def _read(cursor: str, order: Sequence[str]) -> list[str]:
    try:
        held = signing.loads(cursor, salt=_SALT)
    except signing.BadSignature as error:
        raise BadCursor(
            "This link to a page of the list was cut or altered.", cure="Start at the first page."
        ) from error
    if held["o"] != list(order):
        raise BadCursor("This link belongs to another list.", cure="Start at the first page.")
    return list(held["v"])


def _after(order: Sequence[str], values: Sequence[str]) -> Q:
    """Rows that come after ``values`` in ``order``: a lexicographic comparison, spelled out."""
    after = Q()
    equal = Q()
    for name, value in zip(order, values, strict=True):
        bare = name.lstrip("-")
        comparison = "lt" if name.startswith("-") else "gt"
        after |= equal & Q(**{f"{bare}__{comparison}": value})
        equal &= Q(**{bare: value})
    return after
