"""The API's only body: JSON, size-capped before reading.

Refused, as readers disagree on them or the database cannot hold them: a key twice in one object, NaN and infinities
(also by overflow), half a surrogate pair, NUL, more than 100 levels, another encoding than UTF-8 (RFC 8259, 8.1), a
byte order mark, anything after the value.
"""

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 100  # levels of arrays and objects
SHOWN = 60  # characters of a caller's own text in a sentence of ours


class TooLarge(APIException):
    """The body is larger than the API reads."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The body is too large."


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ParseError(f"The key {double[:SHOWN]!r} stands twice in one object.")
    return found


def _no_constant(name: str) -> None:
    raise ParseError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ParseError(f"The number {text[:SHOWN]} is not JSON that can be read exactly.")
    return number


def strict_json(body: bytes) -> Any:
    """The value of ``body``. Raises ParseError, naming what is wrong."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ParseError(f"The body is not JSON: {str(error)[:200]}") from error
    _require_storable(value)
    return value


def _require_storable(value: Any) -> None:
    """Raises ParseError for depth and characters. Level by level: recursion is what a deep body would exhaust."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _require_text(item)
        if not below:
            return
        level = below
    raise ParseError(f"The body is deeper than {MAX_DEPTH} levels.")


def _require_text(text: str) -> None:
    if "\0" in text:
        raise ParseError("A text holds a NUL character.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("A text holds half a surrogate pair.")


class StrictJSONParser(BaseParser):
    """``application/json`` up to ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bytes."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Raises TooLarge before reading where the length is stated, else as soon as it shows; ParseError."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        request = (parser_context or {}).get("request")
        stated = str(request.META.get("CONTENT_LENGTH") or "") if request is not None else ""
        if stated.isdigit() and int(stated[:20]) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        return strict_json(body)
