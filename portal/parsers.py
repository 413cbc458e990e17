"""The API's only body: JSON, size-capped before reading, no duplicate keys, no NaN."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [key for key, _ in pairs]
        double = next(key for key in names if names.count(key) > 1)
        raise ParseError(f"The key {double!r} stands twice in one object.")
    return found


def _no_constant(name: str) -> None:
    raise ParseError(f"{name} is not JSON.")


def strict_json(body: bytes) -> Any:
    """The value of ``body``. Raises ParseError, naming what is wrong."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ParseError(f"The body is not JSON: {error}") from error


class StrictJSONParser(BaseParser):
    """``application/json`` up to ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bytes."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise ParseError(f"The body is larger than {limit} bytes.")
        return strict_json(body)
