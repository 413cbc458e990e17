"""Reads JSON from outside into what we keep. PostgreSQL's text holds no NUL: a replacement character stands for it.

Refusing the document instead would let one odd record in a feed, or one odd file in an image, hide all the others.
"""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_ESCAPED_NUL = b"\\u0000"  # a NUL that is not escaped is no JSON


def read_json(body: bytes, kind: type[T]) -> T:
    """``body`` as ``kind``. Raises msgspec.DecodeError (ValidationError is one), UnicodeDecodeError, RecursionError."""
    if _ESCAPED_NUL not in body:
        return msgspec.json.decode(body, type=kind)
    return msgspec.convert(_without_nul(msgspec.json.decode(body)), kind)


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case list():
            return [_without_nul(item) for item in value]
        case dict():
            return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return value
