"""JSON that every program reads the same way, or not at all.

Go takes object keys without regard to case and keeps the last of two; Python does neither. A document that
differs between the two can show one image to us and another to the runtime (CVE-2021-41190 and after), so it
is refused: duplicate keys, keys that differ from a known one only in case, bytes after the value, NaN, numbers
too long to hold, nesting past ``MAX_DEPTH``, strings that no database holds.
"""

import json
from collections.abc import Collection
from typing import Any

from oci.errors import DocumentTooLarge, MalformedDocument

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024  # what distribution and containerd also stop at
MAX_DEPTH = 32  # levels of nesting; a real index has five


class _Refused(ValueError):
    """Carries a sentence out of the json module's hooks."""


def strict_json(body: bytes, *, what: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> dict[str, Any]:
    """The one JSON object in ``body``; ``what`` names the document in refusals.

    Raises DocumentTooLarge before anything is parsed; MalformedDocument, naming the key.
    """
    if len(body) > max_bytes:
        raise DocumentTooLarge(
            f"The {what} is larger than {max_bytes} bytes.", cure="Images of this size do not occur."
        )
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        _check(value, depth=1)
    except _Refused as error:
        raise MalformedDocument(f"The {what} {error}", cure=_CURE) from error
    except RecursionError as error:
        raise MalformedDocument(f"The {what} is nested deeper than {MAX_DEPTH} levels.", cure=_CURE) from error
    except ValueError as error:  # not UTF-8, not JSON, trailing bytes, an integer of thousands of digits
        raise MalformedDocument(f"The {what} is not one JSON value: {str(error)[:200]}.", cure=_CURE) from error
    if not isinstance(value, dict):
        raise MalformedDocument(f"The {what} is not a JSON object.", cure=_CURE)
    return value


def require_exact_case(found: dict[str, Any], known: Collection[str], *, where: str) -> None:
    """Refuse keys that equal a known one, or each other, except for case. Raises MalformedDocument, naming the key."""
    exact = {name.casefold(): name for name in known}
    for key in found:
        meant = exact.setdefault(key.casefold(), key)
        if meant != key:
            raise MalformedDocument(
                f"{where} has the key {key[:80]!r}, which some programs read as {meant!r}.", cure=_CURE
            )


_CURE = "Build and push the image again with a current tool."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Refused(f"has the key {key[:80]!r} twice in one object.")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise _Refused(f"has {name}, which is not JSON.")


def _check(value: Any, *, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
        return
    if not isinstance(value, dict | list):
        return
    if depth > MAX_DEPTH:
        raise _Refused(f"is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, dict):
        for key, below in value.items():
            _check_text(key)
            _check(below, depth=depth + 1)
    else:
        for below in value:
            _check(below, depth=depth + 1)


def _check_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text if char > "\ud7ff"):
        raise _Refused(f"has a string with a NUL or half a character: {text[:40]!r}.")
