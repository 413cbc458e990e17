"""``RUN --mount=…``: comma-separated fields, CSV quotes, keys in any case (BuildKit, ``commands_runmount.go``)."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a RUN, as written."""

    type: str = "bind"
    origin: str = ""  # "from"
    source: str = ""
    target: str = ""
    id: str = ""
    is_writable: bool = False
    text: str = ""


def mounts_of(texts: Iterable[str]) -> tuple[Mount, ...]:
    """Each mount. A field that nobody knows is left to the builder, which refuses it."""
    return tuple(_mount(text) for text in texts)


_KEYS = {
    "type": "type", "from": "origin", "source": "source", "src": "source",
    "target": "target", "dst": "target", "destination": "target", "id": "id",
}  # fmt: skip


def _mount(text: str) -> Mount:
    found: dict[str, str | bool] = {}
    for item in _fields(text):
        key, has_value, value = item.partition("=")
        key = key.strip().lower()
        if key in ("rw", "readwrite"):
            found["is_writable"] = not has_value or value.lower() in ("1", "t", "true")
        elif key in ("ro", "readonly") and has_value:
            found["is_writable"] = value.lower() not in ("1", "t", "true")
        elif key in _KEYS:
            found[_KEYS[key]] = value
    kind = str(found.pop("type", "bind")).lower()
    return Mount(type=kind, text=text, **found)  # type: ignore[arg-type]


def _fields(text: str) -> list[str]:
    try:
        rows = list(csv.reader([text]))
    except csv.Error:
        rows = []
    return rows[0] if rows else text.split(",")
