"""Reading definitions: TOML, one file each, and nothing in it that is not known.

A misspelt key would be an unsaid promise; so an unknown one is refused, with the file and the field.
"""

import re
import tomllib
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar

from catalog.definitions.types import (
    DefinedVersion,
    Definition,
    EndOfLifeKey,
    InventoryMethod,
    InventoryRule,
    Kind,
    Minimality,
    Replacement,
)
from catalog.errors import DefinitionMalformed
from catalog.models import IMAGE_NAME, VERSION_NAME, Image
from oci.errors import MalformedDocument, MalformedReference
from oci.platform import Platform
from oci.reference import Reference
from registry.domain.presets import PRESETS

MAX_BYTES = 64 * 1024
MAX_TEXT = 2000
MAX_VERSIONS = 50
_Word = TypeVar("_Word", bound=StrEnum)
_PRESET_HOSTS = {preset.key: preset.host for preset in PRESETS}


class _Table:
    """One TOML table: each key is taken once, what is left over is refused."""

    def __init__(self, value: Any, *, file: str, path: str = "") -> None:
        self.file, self.path = file, path
        if not isinstance(value, dict):
            raise self.wrong("", "it must be a table")
        self._left = dict(value)

    def wrong(self, key: str, what: str) -> DefinitionMalformed:
        """The refusal, naming file and field."""
        where = ".".join(part for part in (self.path, key) if part) or "the file"
        return DefinitionMalformed(f"{self.file}: {where}: {what}.", cure="Correct that field.")

    def text(self, key: str, *, is_optional: bool = False) -> str:
        """A text of one to 2000 characters; "" where it may be left out."""
        value = self._left.pop(key, "" if is_optional else None)
        if not isinstance(value, str) or (not value.strip() and not is_optional):
            raise self.wrong(key, "a text is missing")
        if len(value) > MAX_TEXT or any(ord(letter) < 32 and letter != "\n" for letter in value):
            raise self.wrong(key, f"it must be a plain text of at most {MAX_TEXT} characters")
        return value.strip()

    def flag(self, key: str) -> bool:
        """true or false."""
        value = self._left.pop(key, None)
        if not isinstance(value, bool):
            raise self.wrong(key, "it must be true or false")
        return value

    def number(self, key: str, *, at_most: int) -> int:
        """A whole number from 0, 0 where it is left out."""
        value = self._left.pop(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= at_most:
            raise self.wrong(key, f"it must be a number from 0 to {at_most}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty where it is left out."""
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            raise self.wrong(key, "it must be a list of texts")
        return tuple(value)

    def table(self, key: str) -> "_Table":
        """A table that must be there."""
        if key not in self._left:
            raise self.wrong(key, "the table is missing")
        return _Table(self._left.pop(key), file=self.file, path=".".join(part for part in (self.path, key) if part))

    def has(self, key: str) -> bool:
        """Whether the key is there and was not taken yet."""
        return key in self._left

    def tables(self, key: str) -> Iterable["_Table"]:
        """A list of tables, empty where it is left out."""
        value = self._left.pop(key, [])
        if not isinstance(value, list) or len(value) > MAX_VERSIONS:
            raise self.wrong(key, f"it must be a list of at most {MAX_VERSIONS} tables")
        return [_Table(one, file=self.file, path=f"{key}[{at}]") for at, one in enumerate(value)]

    def end(self) -> None:
        """Raises DefinitionMalformed for a key that nobody asked for."""
        if self._left:
            raise self.wrong(sorted(self._left)[0], "there is no such field here")


def parse_definition(text: str, *, file: str) -> Definition:
    """One definition from its TOML. ``file`` is how the refusals call it.

    Raises DefinitionMalformed, naming the file and the field.
    """
    if len(text.encode()) > MAX_BYTES:
        raise DefinitionMalformed(f"{file}: the file has more than {MAX_BYTES} bytes.", cure="Shorten it.")
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DefinitionMalformed(f"{file}: no TOML: {error}.", cure="Correct that line.") from error
    top = _Table(raw, file=file)
    found = Definition(
        name=_matching(top, "name", IMAGE_NAME),
        title=top.text("title"),
        kind=_one_of(top, "kind", Kind),
        purpose=top.text("purpose"),
        summary=top.text("summary"),
        licence=top.text("licence"),
        links=_links(top),
        inventory=_inventory(top.table("inventory")),
        minimality=_minimality(top.table("minimality")),
        versions=tuple(_version(one) for one in top.tables("versions")),
        recommended=top.text("recommended", is_optional=True),
        registry=top.text("registry", is_optional=True),
    )
    top.end()
    _require_whole(found, top)
    return found


def _require_whole(found: Definition, top: _Table) -> None:
    """What one field cannot say by itself."""
    names = [one.name for one in found.versions]
    if len(set(names)) != len(names):
        raise top.wrong("versions", "a version is there twice")
    if found.kind is Kind.NOTE:
        if names or found.recommended:
            raise top.wrong("versions", "a note has none")
        return
    if found.recommended not in names:
        raise top.wrong("recommended", "it must be one of the versions")
    if found.kind is Kind.IMAGE and found.purpose not in Image.Purpose.values:
        raise top.wrong("purpose", "it must be runtime or build")
    if found.registry and found.registry not in _PRESET_HOSTS:
        raise top.wrong("registry", f"it must be one of {', '.join(_PRESET_HOSTS)}")
    for at, one in enumerate(found.versions):
        _require_version(found, one, top, f"versions[{at}]")


def _require_version(found: Definition, one: DefinedVersion, top: _Table, path: str) -> None:
    if found.kind is Kind.HOST_SYSTEM:
        if one.reference or one.platforms:
            raise top.wrong(f"{path}.reference", "a host system has none: it is named by release and checksum")
        return
    try:
        reference = Reference.parse(one.reference)
        for platform in one.platforms:
            Platform.parse(platform)
    except (MalformedReference, MalformedDocument) as error:
        raise top.wrong(f"{path}.reference", str(error).rstrip(".")) from error
    if not reference.tag or reference.digest:
        # A digest written into a file is one that nobody looked at when it was adopted.
        raise top.wrong(f"{path}.reference", "it must name a tag, and no digest")
    if found.registry and reference.registry != _PRESET_HOSTS[found.registry]:
        raise top.wrong(f"{path}.reference", f"it is not on {found.registry}")


def _version(table: _Table) -> DefinedVersion:
    name = _matching(table, "name", VERSION_NAME)
    reference, platforms = table.text("reference", is_optional=True), table.texts("platforms")
    end = _end_of_life(table.table("end_of_life")) if table.has("end_of_life") else None
    replacement = _replacement(table.table("replacement")) if table.has("replacement") else None
    table.end()
    return DefinedVersion(name, reference, end, replacement, platforms)


def _end_of_life(table: _Table) -> EndOfLifeKey:
    found = EndOfLifeKey(product=_matching(table, "product", r"^[a-z0-9][a-z0-9-]*$"), cycle=table.text("cycle"))
    table.end()
    return found


def _replacement(table: _Table) -> Replacement:
    found = Replacement(
        definition=_matching(table, "definition", IMAGE_NAME),
        version=_matching(table, "version", VERSION_NAME),
        why=table.text("why", is_optional=True),
    )
    table.end()
    return found


def _inventory(table: _Table) -> InventoryRule:
    method = _one_of(table, "method", InventoryMethod)
    found = InventoryRule(method, table.text("rule"), table.number("waiver_days", at_most=180))
    table.end()
    if (method is InventoryMethod.PACKAGE_DATABASE) != (found.waiver_days == 0):
        raise table.wrong("waiver_days", "it is for what has no package database, and must be there for that")
    return found


def _minimality(table: _Table) -> Minimality:
    found = Minimality(table.flag("has_shell"), table.flag("has_package_manager"), table.text("notes"))
    table.end()
    return found


def _links(table: _Table) -> tuple[str, ...]:
    found = table.texts("links")
    if not found or not all(re.fullmatch(r"https://[^\s\"'<>]{4,300}", one) for one in found):
        raise table.wrong("links", "there must be at least one https:// address")
    return found


def _matching(table: _Table, key: str, pattern: str) -> str:
    value = table.text(key)
    if len(value) > 100 or not re.fullmatch(pattern.removeprefix("^").removesuffix("$"), value):
        raise table.wrong(key, f"{value[:80]!r} cannot stand here")
    return value


def _one_of(table: _Table, key: str, kinds: type[_Word]) -> _Word:
    value = table.text(key)
    known = {one.value: one for one in kinds}
    if value not in known:
        raise table.wrong(key, f"it must be one of {', '.join(known)}")
    return known[value]
