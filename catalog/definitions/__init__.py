"""The starter set: minimal bases and host systems that teams expect, one TOML file each.

    definitions()                    # all of them, by name
    definition("debian-slim")        # one; raises DefinitionMissing
    parse_definition(text, file=…)   # one of a house's own; raises DefinitionMalformed

A definition names an upstream tag, never a digest: what a tag names is resolved, shown and reviewed when somebody
adopts it.
"""

from functools import cache
from importlib import resources

from catalog.definitions.loading import parse_definition
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
from catalog.errors import DefinitionMalformed, DefinitionMissing

__all__ = [
    "DefinedVersion",
    "Definition",
    "EndOfLifeKey",
    "InventoryMethod",
    "InventoryRule",
    "Kind",
    "Minimality",
    "Replacement",
    "definition",
    "definitions",
    "parse_definition",
]


@cache
def definitions() -> tuple[Definition, ...]:
    """The whole starter set, by name. Raises DefinitionMalformed."""
    found = {}
    for entry in sorted(resources.files(__name__).iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".toml"):
            one = parse_definition(entry.read_text(encoding="utf-8"), file=entry.name)
            if entry.name != f"{one.name}.toml":
                raise DefinitionMalformed(f"{entry.name}: name: it must be the file's.", cure="Rename one of the two.")
            found[one.name] = one
    for one in found.values():
        _require_replacements(one, found)
    return tuple(found.values())


def definition(name: str) -> Definition:
    """The definition called ``name``. Raises DefinitionMissing."""
    for one in definitions():
        if one.name == name:
            return one
    known = ", ".join(one.name for one in definitions())
    raise DefinitionMissing(f"The starter set has no {name[:100]!r}.", cure=f"There are {known}.")


def _require_replacements(one: Definition, known: dict[str, Definition]) -> None:
    for version in one.versions:
        instead = version.replacement
        if instead and (instead.definition not in known or known[instead.definition].version(instead.version) is None):
            raise DefinitionMalformed(
                f"{one.name}.toml: versions: the replacement {instead} does not exist.", cure="Name one that does."
            )
