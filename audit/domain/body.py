"""The canonical form of a record: what is hashed, sealed and exported (docs/reference/record.md).

Rules: strings hold no NUL and no lone surrogate (PostgreSQL and UTF-8 cannot keep them); numbers are
integers that a double holds exactly (RFC 8785 would round the rest); times are UTC with six digits.
"""

import re
from datetime import UTC, datetime
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MAX_INTEGER = 2**53 - 1
MAX_DATA_BYTES = 1024 * 1024  # of canonical JSON


def storable_text(text: str) -> str:
    """``text`` with NUL and lone surrogates as U+FFFD: hostile labels must not stop a deed's record."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def storable(value: Any) -> Any:
    """``value`` as JSON that is stored and read back unchanged.

    Raises ValueError for floats, larger integers and everything else that JSON does not have:
    a programmer's mistake, seen at once and not when the chain is verified.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable_text(str(value))
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"{value} is too large for the record; write it as text")
        return int(value)
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {_key(name): storable(item) for name, item in value.items()}
    raise ValueError(f"a {type(value).__name__} cannot be recorded; write it as text")


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise ValueError(f"{name!r} cannot be a key in the record")
    return storable_text(str(name))


def time_text(at: datetime) -> str:
    """``at`` as ``2026-11-24T12:00:00.000000Z``. Raises ValueError when it is naive."""
    if at.tzinfo is None:
        raise ValueError("a naive time cannot be recorded")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
