"""Lists, page by page: stable while rows are added, and no slower on the last page than on the first.

    return page(request, Person.objects.all(), order=("username_folded", "id"), serializer=PersonOutput,
                filters={"active": boolean("is_active"), "role": choice("role_grants__role", Role)})

- ``order`` names columns that are never NULL, the last of them unique; ``-`` turns one round.
- ``?limit=`` is 1 to 200 (50), ``?cursor=`` continues, ``?count=exact`` adds ``count``. Every other parameter must be
  one of ``filters``; an unknown one, one given twice, or a bad value is a 400 that names it.
- The body is ``{"next": "/api/v1/…?cursor=…" | null, "results": […]}``; ``next`` also stands in a Link header
  (RFC 8288).
- A cursor is signed, and good only for the list, the order and the filters that it was made for.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache, reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core import signing
from django.db.models import Q, QuerySet
from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.canonical import sha256_of
from web.csv_rows import CSV_ROWS
from web.csv_rows import csv_response as csv_response

DEFAULT_LIMIT = 50  # rows
MAX_LIMIT = 200  # rows
MAX_CURSOR_LENGTH = 2000  # characters
SALT = "portal.paging"
OWN_PARAMETERS = frozenset({"cursor", "limit", "count"})

Filter = Callable[[str], Q]
"""Turns a parameter's text into a condition. Raises ValueError with the sentence to show."""


def page(
    request: Request,
    queryset: QuerySet[Any],
    *,
    order: Sequence[str],
    serializer: type[serializers.BaseSerializer[Any]],
    filters: Mapping[str, Filter] | None = None,
) -> Response:
    """One page of ``queryset``. Raises ValidationError (400), naming the parameter."""
    queryset = _chosen(request, queryset, filters or {}, OWN_PARAMETERS)
    total = _total(request, queryset)
    limit = _limit(request)
    bound_to = _binding(request, order)
    if text := request.query_params.get("cursor"):
        queryset = queryset.filter(_after(order, _read_cursor(text, bound_to, len(order))))
    rows = list(queryset.order_by(*order)[: limit + 1])
    is_more = len(rows) > limit
    rows = rows[:limit]
    following = _next_url(request, _cursor_at(rows[-1], order, bound_to)) if is_more else None
    body: dict[str, Any] = {
        "next": following,
        "results": serializer(rows, many=True, context={"request": request}).data,
    }
    if total is not None:
        body["count"] = total
    return Response(body, headers={"Link": f'<{following}>; rel="next"'} if following else None)


class AnyAccept(DefaultContentNegotiation):
    """For views that answer JSON, CSV or a document by what was asked for, and never 406."""

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type or ""


def page_or_csv(  # noqa: PLR0913 - page's, and the file's name
    request: Request,
    queryset: QuerySet[Any],
    *,
    order: Sequence[str],
    serializer: type[serializers.Serializer[Any]],
    name: str,
    filters: Mapping[str, Filter] | None = None,
) -> HttpResponseBase:
    """One page, or, where CSV is asked for, all rows (100,000 at most) as the file ``name``; a column for each member.

    For views with ``content_negotiation_class = AnyAccept`` and ``CSV_PARAMETER``. What is a list or an object in JSON
    is JSON in its cell. Raises ValidationError (400), naming the parameter.
    """
    known = {**(filters or {}), "format": _format}
    if not is_csv_asked(request):
        return page(request, queryset, order=order, serializer=serializer, filters=known)
    rows = _chosen(request, queryset, known, frozenset()).order_by(*order)[:CSV_ROWS].iterator(chunk_size=500)
    columns = tuple(serializer().fields)
    made = (serializer(row, context={"request": request}).data for row in rows)
    cells = ([_cell(row.get(column)) for column in columns] for row in made)
    return csv_response(name, columns, cells)


def is_csv_asked(request: Request) -> bool:
    """By ``?format=csv``, or by ``Accept: text/csv`` where no format is named."""
    asked = request.query_params.get("format", "")
    return asked == "csv" or (not asked and "text/csv" in request.headers.get("Accept", ""))


def refuse_unknown_parameters(request: Request, known: Iterable[str] = ()) -> None:
    """Raises ValidationError for a query parameter that is unknown or given twice.

    A misspelt filter that is ignored shows everything, and reads as "everything matches".
    """
    allowed = set(known)
    for name, values in request.query_params.lists():
        if name not in allowed:
            raise _bad(name, "unknown_parameter", f"There is no parameter {name!r} here.")
        if len(values) > 1:
            raise _bad(name, "repeated_parameter", f"The parameter {name!r} is given more than once.")
        if "\0" in values[0]:
            raise _bad(name, "invalid", "A NUL character is never part of a value.")


# Filters -------------------------------------------------------------------------------------------


def exact(lookup: str) -> Filter:
    """Equal to the text given."""
    return lambda text: Q(**{lookup: text})


def contains(lookup: str) -> Filter:
    """Holds the text given, whatever its case."""
    return lambda text: Q(**{f"{lookup}__icontains": text})


def choice(lookup: str, values: type[Enum]) -> Filter:
    """One of the values of an enumeration."""

    def make(text: str) -> Q:
        allowed = [str(value.value) for value in values]
        if text not in allowed:
            raise ValueError(f"It must be one of {', '.join(allowed)}.")
        return Q(**{lookup: text})

    return make


def boolean(lookup: str) -> Filter:
    """``true`` or ``false``."""

    def make(text: str) -> Q:
        if text not in ("true", "false"):
            raise ValueError("It must be true or false.")
        return Q(**{lookup: text == "true"})

    return make


def identifier(lookup: str) -> Filter:
    """A UUID."""
    return lambda text: Q(**{lookup: UUID(text)})


def since(lookup: str) -> Filter:
    """At or after a moment (RFC 3339 with an offset)."""
    return lambda text: Q(**{f"{lookup}__gte": moment(text)})


def before(lookup: str) -> Filter:
    """Before a moment (RFC 3339 with an offset)."""
    return lambda text: Q(**{f"{lookup}__lt": moment(text)})


def moment(text: str) -> datetime:
    """The moment that a query parameter names, in UTC. Raises ValueError with the sentence to show."""
    try:
        # "+" in a query string that was not encoded arrives as a space.
        found = parse_datetime(text.replace(" ", "+"))
        if found is not None and found.tzinfo is not None:
            # Python knows offsets up to 24 hours, PostgreSQL up to 16; and the first and last days may have no UTC.
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("It must be a moment such as 2026-11-24T12:00:00Z.")


def _chosen(
    request: Request, queryset: QuerySet[Any], filters: Mapping[str, Filter], own: frozenset[str]
) -> QuerySet[Any]:
    refuse_unknown_parameters(request, own | set(filters))
    for name, make in filters.items():
        if name in request.query_params:
            queryset = queryset.filter(_condition(name, make, request.query_params[name]))
    return queryset


def _format(text: str) -> Q:
    if text not in ("json", "csv"):
        raise ValueError("It must be json or csv.")
    return Q()


def _cell(value: Any) -> object:
    """As JSON says it, but text without quotes and nothing for null."""
    is_plain = value is None or not isinstance(value, bool | list | dict)
    return value if is_plain else json.dumps(value, ensure_ascii=False, default=str)


def _condition(name: str, make: Filter, text: str) -> Q:
    try:
        return make(text)
    except ValueError as error:
        raise _bad(name, "invalid", str(error)) from error


def _bad(name: str, code: str, detail: str) -> ValidationError:
    return ValidationError({name: [detail]}, code=code)


# Cursor --------------------------------------------------------------------------------------------


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MAX_LIMIT):
        raise _bad("limit", "invalid", f"It must be a number from 1 to {MAX_LIMIT}.")
    return int(text)


def _total(request: Request, queryset: QuerySet[Any]) -> int | None:
    match request.query_params.get("count"):
        case None:
            return None
        case "exact":
            return queryset.count()
    raise _bad("count", "invalid", "It must be exact.")


def _binding(request: Request, order: Sequence[str]) -> str:
    chosen = sorted([name, value] for name, value in request.query_params.items() if name not in OWN_PARAMETERS)
    return sha256_of([request.path, list(order), chosen])


def _cursor_at(row: Any, order: Sequence[str], bound_to: str) -> str:
    values = [_pack(_value(row, column.removeprefix("-"))) for column in order]
    return signing.dumps({"v": values, "b": bound_to}, salt=SALT)


def _read_cursor(text: str, bound_to: str, length: int) -> list[Any]:
    try:
        if len(text) > MAX_CURSOR_LENGTH:
            raise signing.BadSignature
        found = signing.loads(text, salt=SALT)
    except signing.BadSignature as error:
        raise _bad("cursor", "bad_cursor", "It is not a cursor of ours. Begin again without it.") from error
    if found["b"] != bound_to or len(found["v"]) != length:
        raise _bad("cursor", "bad_cursor", "It was made for another list, or with other filters.")
    return [_unpack(kind, value) for kind, value in found["v"]]


def _value(row: Any, path: str) -> Any:
    if isinstance(row, Mapping):
        return row[path]
    for step in path.split("__"):
        row = getattr(row, step)
    return row


def _pack(value: Any) -> list[Any]:
    match value:
        case datetime():
            return ["t", value.isoformat()]
        case UUID():
            return ["u", str(value)]
        case bool() | int() | str():
            return ["p", value]
    raise TypeError(f"a list cannot be ordered by {value!r}: order by columns that are never NULL")


def _unpack(kind: str, value: Any) -> Any:
    match kind:
        case "t":
            return datetime.fromisoformat(value)
        case "u":
            return UUID(value)
    return value


def _after(order: Sequence[str], values: Sequence[Any]) -> Q:
    """The rows after ``values``: ``(a, b) > (x, y)`` written out, as directions may differ.

    The first column's bound is repeated in front, so that PostgreSQL can begin in the index.
    """
    later: list[Q] = []
    equal = Q()
    for column, value in zip(order, values, strict=True):
        name = column.removeprefix("-")
        beyond = "lt" if column.startswith("-") else "gt"
        later.append(equal & Q(**{f"{name}__{beyond}": value}))
        equal &= Q(**{name: value})
    first = order[0].removeprefix("-")
    bound = "lte" if order[0].startswith("-") else "gte"
    return Q(**{f"{first}__{bound}": values[0]}) & reduce(or_, later)


def _next_url(request: Request, cursor: str) -> str:
    # Path-absolute: it resolves against whatever host, port and scheme the client came by.
    kept = [(name, value) for name, value in request.query_params.items() if name not in ("cursor", "count")]
    return f"{request.path}?{urlencode([*kept, ('cursor', cursor)])}"


# OpenAPI -------------------------------------------------------------------------------------------

PAGE_PARAMETERS = [
    OpenApiParameter("cursor", str, description="Where to go on: taken from `next` of the page before."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        description="Rows on a page.",
    ),
    OpenApiParameter("count", str, enum=["exact"], description="Adds `count`, the number of all rows."),
]


CSV_PARAMETER = OpenApiParameter(
    "format", str, enum=["json", "csv"], description="CSV also by `Accept: text/csv`: whole, without pages."
)


def paged_or_csv(serializer: type[serializers.BaseSerializer[Any]]) -> dict[tuple[int, str], Any]:
    """What ``page_or_csv`` answers, for ``@extend_schema(responses=…)``."""
    # mypy takes a class for one of its instances, which have no hash.
    return {(200, "application/json"): paged(serializer), (200, "text/csv"): OpenApiTypes.STR}  # type: ignore[arg-type]


@cache
def paged(serializer: type[serializers.BaseSerializer[Any]]) -> Any:
    """The page's body, for ``@extend_schema(responses=paged(RowOutput), parameters=PAGE_PARAMETERS)``."""
    return inline_serializer(
        name=f"{serializer.__name__}Page",
        fields={
            "next": serializers.CharField(allow_null=True),
            "results": serializer(many=True),
            "count": serializers.IntegerField(required=False),
        },
    )
