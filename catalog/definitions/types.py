"""What a definition says: a minimal base or host system that teams expect, and how it is to be treated."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How it is identified."""

    IMAGE = "image"  # by the OCI digest that its upstream tag names when it is adopted
    HOST_SYSTEM = "host_system"  # by release and checksum: what machines boot
    NOTE = "note"  # nothing to adopt: said so that nobody looks for it


class InventoryMethod(StrEnum):
    """How what is in it is known."""

    PACKAGE_DATABASE = "package_database"  # read by the scan
    SBOM_ATTESTATION = "sbom_attestation"  # whoever made it says so, signed; else a waiver with an end


@dataclass(frozen=True, slots=True)
class InventoryRule:
    """How the inventory is proven, in words that a refusal repeats as its cure."""

    method: InventoryMethod
    rule: str
    waiver_days: int = 0  # the longest waiver that this definition has in mind; 0 = none is needed


@dataclass(frozen=True, slots=True)
class Minimality:
    """What a team finds in it, and does not."""

    has_shell: bool
    has_package_manager: bool
    notes: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """What to use instead."""

    definition: str
    version: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.definition}/{self.version}"


@dataclass(frozen=True, slots=True)
class EndOfLifeKey:
    """Where endoflife.date says until when it is supported. Facts, not dates: the feed has the dates."""

    product: str
    cycle: str


@dataclass(frozen=True, slots=True)
class DefinedVersion:
    """One version of it. A tag names what was pushed last: it is resolved when somebody adopts it."""

    name: str
    reference: str = ""  # "docker.io/library/debian:12-slim"; "" for host systems
    end_of_life: EndOfLifeKey | None = None  # None: nobody publishes dates; told as unknown
    replacement: Replacement | None = None
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry of the starter set."""

    name: str
    title: str
    kind: Kind
    purpose: str  # runtime | build, as catalog.Image has it; of a host system: what it is for
    summary: str
    licence: str
    links: tuple[str, ...]
    inventory: InventoryRule
    minimality: Minimality
    versions: tuple[DefinedVersion, ...]
    recommended: str = ""  # the version to begin with
    registry: str = ""  # a preset of the registry's page; "" = its host is named in the references

    def version(self, name: str) -> DefinedVersion | None:
        """The version called ``name``."""
        return next((one for one in self.versions if one.name == name), None)
