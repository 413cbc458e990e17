"""Answers that a client may keep and ask about again (RFC 9110 §8.8.3, §13.1.2)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from core.canonical import sha256_of


def tagged(request: Request, response: Response) -> Response:
    """``response`` with a strong ETag over its body; 304 without a body where the client has it."""
    etag = f'"{sha256_of(_plain(response.data))[:32]}"'
    given = [one.strip() for one in request.headers.get("If-None-Match", "").split(",")]
    if "*" in given or etag in (one.removeprefix("W/") for one in given):
        response = Response(status=304)
    response["ETag"] = etag
    # The same address answers people of other roles too.
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization, Cookie"
    return response


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return data if data is None or isinstance(data, bool | int | str) else str(data)
