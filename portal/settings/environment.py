"""Reads the environment: every variable once, typed, with a sentence when it is wrong."""

import math
import os
from pathlib import Path
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


class SettingMissing(RuntimeError):
    """A variable that must be set is not; the process must not start."""


def text(name: str, default: str | None = None) -> str:
    """The variable's text. Raises SettingMissing when it is unset and has no default."""
    value = os.environ.get(name, default)
    if value is None:
        raise SettingMissing(f"{name} is not set. docs/reference/settings.md says what it holds.")
    return value


def flag(name: str, *, default: bool) -> bool:
    """True for ``1``, False for ``0``. Raises SettingMissing for anything else."""
    value = os.environ.get(name, "1" if default else "0")
    if value not in ("0", "1"):
        raise SettingMissing(f"{name} is {value!r}; it must be 0 or 1.")
    return value == "1"


def seconds(name: str, default: float) -> float:
    """A duration in seconds, above zero."""
    value = os.environ.get(name, str(default))
    try:
        number = float(value)
    except ValueError:
        raise SettingMissing(f"{name} is {value!r}; it must be a number of seconds.") from None
    if not 0 < number < math.inf:
        raise SettingMissing(f"{name} is {value!r}; it must be a number of seconds more than 0.")
    return number


def whole(name: str, default: int) -> int:
    """A whole number above zero: bytes, processes."""
    value = os.environ.get(name, str(default))
    if not (value.isascii() and value.isdigit()) or int(value) == 0:
        raise SettingMissing(f"{name} is {value!r}; it must be a whole number more than 0.")
    return int(value)


def secret_file(name: str) -> str:
    """The stripped contents of the file that the variable names; "" when it is unset.

    Raises SettingMissing when the file cannot be read: a process that was given a key must have it.
    """
    path = os.environ.get(name, "")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingMissing(f"{name} names {path}, which cannot be read: {error.strerror}.") from error


def database(name: str) -> dict[str, Any]:
    """Django's database settings from a libpq URI (PostgreSQL 15 documentation, 34.1.1)."""
    try:
        parts = conninfo_to_dict(text(name))
    except ProgrammingError as error:
        raise SettingMissing(f"{name} is not a PostgreSQL URI: {error}") from error
    options = {key: value for key, value in parts.items() if key not in ("dbname", "user", "password", "host", "port")}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", "postgres"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "OPTIONS": options,
    }
