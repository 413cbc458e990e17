"""Reads a bill of materials that somebody attested: CycloneDX 1.4 to 1.6, SPDX 2.3, both as JSON.

- Components are those with a package URL; those without are counted. Parts of parts are components too, and so is
  what the document calls optional or excluded: nothing is left out.
- The release of a distribution comes from the package URLs' ``distro`` qualifier. A document that names one operating
  system lends its release to package URLs of that distribution that have no such qualifier.
- The author is trusted, the bytes are not: counts and lengths are capped, and a refusal names the member.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from packageurl import PackageURL

from scans.domain.basis import DISTRIBUTION_TYPES
from scans.domain.ecosystems import Coordinates, PurlMalformed, coordinates_of, is_key_of_rpm
from scans.domain.reading import read_json
from scans.domain.statements import CYCLONEDX_TYPE, AttestationRefused, Statement

T = TypeVar("T")

MAX_COMPONENTS = 20_000
MAX_DEPTH = 16  # of components in components
MAX_PURL, MAX_NAME, MAX_TYPE = 1000, 300, 32  # characters
CYCLONEDX_VERSIONS = ("1.4", "1.5", "1.6")
SPDX_VERSION = "SPDX-2.3"
# Package URLs of the image itself, not of anything in it.
_IMAGES = ("oci", "docker")

Release = tuple[str, str]
"""os-release's ID and VERSION_ID."""


@dataclass(frozen=True, slots=True)
class Sbom:
    """What a bill of materials says."""

    format: str  # "CycloneDX 1.6"
    components: tuple[Coordinates, ...]  # by purl, each once
    releases: tuple[Release, ...]  # that it names, sorted
    without_purl: int


@dataclass(frozen=True, slots=True)
class _Item:
    where: str  # the member that names it
    purl: str


@dataclass(frozen=True, slots=True)
class _Listing:
    format: str
    items: list[_Item]
    systems: set[Release]
    without_purl: int


class _Component(msgspec.Struct):
    type: str = ""
    name: str = ""
    version: str = ""
    purl: str = ""
    components: list["_Component"] | None = None


class _Metadata(msgspec.Struct):
    component: _Component | None = None


class _CycloneDx(msgspec.Struct):
    bomFormat: str  # noqa: N815
    specVersion: str  # noqa: N815
    components: list[_Component] | None = None
    metadata: _Metadata | None = None


class _Reference(msgspec.Struct):
    referenceType: str = ""  # noqa: N815
    referenceLocator: str = ""  # noqa: N815


class _Package(msgspec.Struct):
    name: str = ""
    versionInfo: str = ""  # noqa: N815
    primaryPackagePurpose: str = ""  # noqa: N815
    externalRefs: list[_Reference] | None = None  # noqa: N815


class _Spdx(msgspec.Struct):
    spdxVersion: str  # noqa: N815
    packages: list[_Package] | None = None


def read_sbom(statement: Statement) -> Sbom:
    """What the statement's document says. Raises AttestationRefused, with the member that is wrong."""
    is_cyclonedx = statement.predicate_type == CYCLONEDX_TYPE
    found = _cyclonedx(statement.predicate) if is_cyclonedx else _spdx(statement.predicate)
    if len(found.items) > MAX_COMPONENTS:
        raise AttestationRefused("too_many_components", f"It lists more than {MAX_COMPONENTS} components.")
    lent = next(iter(found.systems)) if len(found.systems) == 1 else None
    components: dict[str, Coordinates] = {}
    taken: set[Release] = set()
    for item in found.items:
        component, release = _placed(item, lent)
        if component is None:
            continue
        components[component.purl] = component
        if release is not None:
            taken.add(release)
    ordered = tuple(components[purl] for purl in sorted(components))
    if not ordered:
        raise AttestationRefused("no_components", "It lists no component that has a package URL.")
    # A system of which the document lists no package is a name, and nothing that could be compared.
    named = taken | found.systems if taken else taken
    return Sbom(found.format, ordered, tuple(sorted(named)), found.without_purl)


def _decode(body: bytes, kind: type[T], name: str) -> T:
    try:
        return read_json(body, kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AttestationRefused("sbom_malformed", f"The predicate is no {name} document: {error}.") from error


def _cyclonedx(body: bytes) -> _Listing:
    bom = _decode(body, _CycloneDx, "CycloneDX")
    if bom.bomFormat != "CycloneDX":
        raise AttestationRefused("sbom_malformed", f"It calls itself {bom.bomFormat[:40]!r}.", "bomFormat")
    if bom.specVersion not in CYCLONEDX_VERSIONS:
        detail = f"It is CycloneDX {bom.specVersion[:20]!r}; {', '.join(CYCLONEDX_VERSIONS)} are read."
        raise AttestationRefused("sbom_version", detail, "specVersion")
    items: list[_Item] = []
    systems: set[Release] = set()
    without = 0
    for where, component in _walk(bom.components or [], "components", MAX_DEPTH):
        if component.type == "operating-system":
            systems.update(_release(component.name, component.version))
        elif component.purl:
            items.append(_Item(f"{where}.purl", component.purl))
        else:
            without += component.type != "file"
        if len(items) + without > MAX_COMPONENTS:
            break
    if bom.metadata and bom.metadata.component and bom.metadata.component.type == "operating-system":
        systems.update(_release(bom.metadata.component.name, bom.metadata.component.version))
    return _Listing(f"CycloneDX {bom.specVersion}", items, systems, without)


def _walk(components: list[_Component], where: str, depth: int) -> Iterator[tuple[str, _Component]]:
    if depth == 0:
        raise AttestationRefused("sbom_malformed", f"Components lie more than {MAX_DEPTH} deep.", where[:200])
    for position, component in enumerate(components):
        here = f"{where}[{position}]"
        yield here, component
        if component.components:
            yield from _walk(component.components, f"{here}.components", depth - 1)


def _spdx(body: bytes) -> _Listing:
    document = _decode(body, _Spdx, "SPDX")
    if document.spdxVersion != SPDX_VERSION:
        detail = f"It is {document.spdxVersion[:20]!r}; {SPDX_VERSION} is read."
        raise AttestationRefused("sbom_version", detail, "spdxVersion")
    items: list[_Item] = []
    systems: set[Release] = set()
    without = 0
    for position, package in enumerate(document.packages or []):
        named = [
            _Item(f"packages[{position}].externalRefs[{at}].referenceLocator", one.referenceLocator)
            for at, one in enumerate(package.externalRefs or [])
            if one.referenceType == "purl"
        ]
        items += named
        if package.primaryPackagePurpose == "OPERATING-SYSTEM":
            systems.update(_release(package.name, package.versionInfo))
        elif not named and package.primaryPackagePurpose != "CONTAINER":
            without += 1
        if len(items) + without > MAX_COMPONENTS:
            break
    return _Listing(SPDX_VERSION.replace("-", " "), items, systems, without)


def _placed(item: _Item, lent: Release | None) -> tuple[Coordinates | None, Release | None]:
    """The component, and the release that it names; None for the image itself, and for what is no package."""
    if len(item.purl) > MAX_PURL:
        raise AttestationRefused("purl_malformed", f"It is longer than {MAX_PURL} characters.", item.where)
    try:
        parsed = PackageURL.from_string(item.purl)
        if parsed.type in _IMAGES or is_key_of_rpm(item.purl):
            return None, None
        purl, release = _with_release(item.purl, parsed, lent)
        found = coordinates_of(purl)
    except (PurlMalformed, ValueError) as error:
        raise AttestationRefused("purl_malformed", f"{item.purl[:200]!r} is no package URL.", item.where) from error
    texts = (found.name, found.version, found.source_name, found.source_version)
    is_short = len(purl) <= MAX_PURL and len(found.type) <= MAX_TYPE and all(len(text) <= MAX_NAME for text in texts)
    if not is_short or not all(text.isprintable() for text in (purl, *texts)):
        detail = f"{item.purl[:200]!r} has a part that is too long, or that cannot be printed."
        raise AttestationRefused("purl_malformed", detail, item.where)
    return found, release


def _with_release(purl: str, parsed: PackageURL, lent: Release | None) -> tuple[str, Release | None]:
    """The package URL with its release in the spelling that scanners use, and that release."""
    if parsed.type not in DISTRIBUTION_TYPES:
        return purl, None
    qualifiers: dict[str, Any] = dict(parsed.qualifiers) if isinstance(parsed.qualifiers, dict) else {}
    stated = str(qualifiers.get("distro", ""))
    name, _, version = stated.partition("-")
    named = next(iter(_release(name, version)), None)
    if not stated and lent is not None and parsed.namespace == lent[0]:
        named = lent
    if named is None:
        return purl, None
    wanted = "-".join(named)
    if stated == wanted:
        return purl, named
    moved = PackageURL(
        parsed.type, parsed.namespace, parsed.name, parsed.version, {**qualifiers, "distro": wanted}, parsed.subpath
    )
    return str(moved.to_string()), named


def _release(name: str, version: str) -> Iterable[Release]:
    """The release as os-release would have it; none where a part is missing."""
    name, version = name.strip().lower(), version.strip()
    if name == "debian":
        version = version.partition(".")[0]  # 12.5 is a state of 12
    if name and version and len(name) <= 100 and len(version) <= 100 and (name + version).isprintable():
        yield name, version
