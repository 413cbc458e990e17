"""Findings as pages and as CSV. They are a join, no rows of one table: a cursor is a finding's place in the order."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.paging import DEFAULT_LIMIT, MAX_CURSOR_LENGTH, MAX_LIMIT, OWN_PARAMETERS, refuse_unknown_parameters
from scans.api.serializers import SEVERITY_WORDS, FindingOutput
from scans.selectors import Finding

SALT = "scans.findings"
FILTERS = ("severity", "fixable", "known_exploited", "outcome", "package", "vulnerability")
_FLAGS = {"true": True, "false": False}
COLUMNS = (
    "vulnerability",
    "advisories",
    "package",
    "installed",
    "source",
    "fixed_version",
    "fix_since",
    "severity",
    "severities",
    "known_exploited",
    "inherited",
    "outcome",
)


def chosen(request: Request, rows: Iterable[Finding]) -> list[Finding]:
    """The rows that the request's filters keep. Raises ValidationError (400), naming the parameter."""
    refuse_unknown_parameters(request, OWN_PARAMETERS | {"format", *FILTERS})
    kept = list(rows)
    for name in FILTERS:
        if name in request.query_params:
            keeps = _filter(name, request.query_params[name])
            kept = [row for row in kept if keeps(row)]
    return kept


def page(request: Request, rows: Sequence[Finding]) -> Response:
    """One page of ``rows``, which are in order already."""
    bound_to = [
        request.path,
        sorted((name, request.query_params[name]) for name in FILTERS if name in request.query_params),
    ]
    limit = _limit(request)
    place = _place(request, bound_to)
    later = [row for row in rows if place is None or list(row.key) > place]
    shown = later[:limit]
    following = None
    if len(later) > limit:
        cursor = signing.dumps({"k": list(shown[-1].key), "b": bound_to}, salt=SALT)
        kept = [(name, value) for name, value in request.query_params.items() if name not in ("cursor", "count")]
        following = f"{request.path}?{urlencode([*kept, ('cursor', cursor)])}"
    body: dict[str, Any] = {"next": following, "results": FindingOutput(shown, many=True).data}
    if request.query_params.get("count") == "exact":
        body["count"] = len(rows)
    return Response(body, headers={"Link": f'<{following}>; rel="next"'} if following else None)


def cells_of(row: Finding) -> list[str]:
    """A row of the file, a cell for each of ``COLUMNS``."""
    return [
        row.vulnerability_id,
        " ".join(row.advisory_ids),
        row.package,
        row.installed,
        row.source,
        row.fixed_version,
        row.fix_since.strftime("%Y-%m-%dT%H:%M:%SZ") if row.fix_since else "",
        row.severity.word,
        " ".join(f"{one.source}={one.severity.word}" for one in row.severities),
        str(row.is_kev).lower(),
        str(row.is_inherited).lower(),
        row.outcome,
    ]


def _filter(name: str, text: str) -> Callable[[Finding], bool]:
    match name:
        case "severity" if text in SEVERITY_WORDS:
            return lambda row: row.severity.word == text
        case "fixable" if text in _FLAGS:
            return lambda row: row.has_fix is _FLAGS[text]
        case "known_exploited" if text in _FLAGS:
            return lambda row: row.is_kev is _FLAGS[text]
        case "outcome" if text in ("affected", "cannot_compare"):
            return lambda row: row.outcome == text
        case "package":
            return lambda row: text in (row.package, row.source)
        case "vulnerability":
            return lambda row: text == row.vulnerability_id or text in row.advisory_ids
    allowed = {"severity": ", ".join(SEVERITY_WORDS), "outcome": "affected, cannot_compare"}.get(name, "true, false")
    raise ValidationError({name: [f"It must be one of {allowed}."]}, code="invalid")


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MAX_LIMIT):
        raise ValidationError({"limit": [f"It must be a number from 1 to {MAX_LIMIT}."]}, code="invalid")
    if request.query_params.get("count", "exact") != "exact":
        raise ValidationError({"count": ["It must be exact."]}, code="invalid")
    return int(text)


def _place(request: Request, bound_to: list[Any]) -> list[Any] | None:
    text = request.query_params.get("cursor")
    if text is None:
        return None
    try:
        if len(text) > MAX_CURSOR_LENGTH:
            raise signing.BadSignature
        found = signing.loads(text, salt=SALT)
    except signing.BadSignature as error:
        raise ValidationError({"cursor": ["It is not a cursor of ours."]}, code="bad_cursor") from error
    if found["b"] != [bound_to[0], [list(pair) for pair in bound_to[1]]]:
        raise ValidationError({"cursor": ["It was made for another list, or with other filters."]}, code="bad_cursor")
    place: list[Any] = found["k"]
    return place
