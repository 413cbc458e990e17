"""Reads what syft reported about one image into the facts we keep: system, components, coverage.

Both reports come from one run; the bytes are stored as received, and this can be derived from them again.
The report must be about the digest that was asked for, and the two must name the same components: a report of
another image, or half a report, is refused, never counted as "nothing found".
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from scans.domain.ecosystems import Coordinates, PurlMalformed, coordinates_of, is_key_of_rpm
from scans.domain.reading import read_json

T = TypeVar("T")

_PACKAGE_DATABASES = {
    "deb": re.compile(r"\A/var/lib/dpkg/(status|status\.d/[^/]+)\Z"),
    "apk": re.compile(r"\A/(lib|usr/lib)/apk/db/installed\Z"),
    "rpm": re.compile(r"\A/(var|usr)/lib/(sysimage/)?rpm/(Packages|Packages\.db|rpmdb\.sqlite)\Z"),
}
# Which package database a distribution has, by os-release's ID.
DATABASE_OF_SYSTEM = {
    "almalinux": "rpm",
    "alpine": "apk",
    "chainguard": "apk",
    "debian": "deb",
    "rhel": "rpm",
    "ubuntu": "deb",
    "wolfi": "apk",
}
# What rpm has written and SQLite not yet put into the database; the scanner does not read it.
_UNWRITTEN = re.compile(r"\A/(var|usr)/lib/(sysimage/)?rpm/rpmdb\.sqlite-(wal|journal)\Z")


class ReportMalformed(ValueError):
    """A report that is not one, or not whole."""


class ReportOfOtherImage(ValueError):
    """A report about another digest than the one that was asked for."""


class _Distro(msgspec.Struct):
    id: str = ""
    versionID: str = ""  # noqa: N815


class _Package(msgspec.Struct):
    name: str
    version: str
    type: str
    purl: str = ""
    metadata: Any = None


class _Location(msgspec.Struct):
    path: str


class _FileMetadata(msgspec.Struct):
    mode: int = 0
    size: int = 0
    type: str = ""
    linkDestination: str = ""  # noqa: N815


class _File(msgspec.Struct):
    location: _Location
    metadata: _FileMetadata | None = None


class _SourceMetadata(msgspec.Struct):
    manifestDigest: str  # noqa: N815


class _Source(msgspec.Struct):
    type: str
    metadata: _SourceMetadata


class _Descriptor(msgspec.Struct):
    name: str
    version: str


class _SyftReport(msgspec.Struct):
    artifacts: list[_Package]
    source: _Source
    descriptor: _Descriptor
    distro: _Distro = msgspec.field(default_factory=_Distro)
    files: list[_File] | None = None


class _CycloneComponent(msgspec.Struct):
    purl: str = ""


class _CycloneReport(msgspec.Struct):
    bomFormat: str  # noqa: N815
    specVersion: str  # noqa: N815
    components: list[_CycloneComponent] | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a report covers, and what it does not. Counts are of the image as it runs (layers squashed)."""

    components_by_type: dict[str, int]
    files_total: int  # regular files seen
    files_explained: int  # of those, owned by a known package
    has_package_database: bool | None  # None: the system has none that we know
    without_purl: tuple[str, ...] = ()  # components that the scanner could not name, "name version"
    warnings: tuple[str, ...] = field(default=())
    package_databases: tuple[
        str, ...
    ] = ()  # "apk", "deb", "rpm": those whose files are there, whatever os-release says

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        return {
            "components_by_type": self.components_by_type,
            "files_total": self.files_total,
            "files_explained": self.files_explained,
            "has_package_database": self.has_package_database,
            "package_databases": list(self.package_databases),
            "without_purl": list(self.without_purl),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class InventoryFacts:
    """What one image consists of, as its report says."""

    tool: str
    tool_version: str
    os_id: str
    os_version: str
    components: tuple[Coordinates, ...]
    coverage: Coverage


def read_reports(*, syft: bytes, cyclonedx: bytes, digest: str, warnings: Iterable[str] = ()) -> InventoryFacts:
    """The facts of one run's two reports about ``digest``.

    Raises: ReportMalformed; ReportOfOtherImage.
    """
    report = _decode(syft, _SyftReport, "syft")
    if report.source.metadata.manifestDigest != digest:
        raise ReportOfOtherImage(
            f"the report is about {report.source.metadata.manifestDigest[:80]}, and {digest} was asked for"
        )
    _require_whole_database(report)
    report.artifacts = [one for one in report.artifacts if not is_key_of_rpm(one.purl)]
    components, without_purl = _components(report.artifacts)
    _require_same_components(_decode(cyclonedx, _CycloneReport, "CycloneDX"), components)
    return InventoryFacts(
        tool=report.descriptor.name,
        tool_version=report.descriptor.version,
        os_id=report.distro.id,
        os_version=report.distro.versionID,
        components=components,
        coverage=_coverage(report, without_purl, tuple(warnings)),
    )


def owned_paths(report: bytes) -> frozenset[str]:
    """Every path that a package of a stored report owns, with its leading slash. Raises ReportMalformed."""
    return frozenset(_owned_paths(_decode(report, _SyftReport, "syft")))


def _decode(body: bytes, kind: type[T], name: str) -> T:
    try:
        return read_json(body, kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportMalformed(f"the {name} report cannot be read: {error}") from error


def _components(packages: list[_Package]) -> tuple[tuple[Coordinates, ...], tuple[str, ...]]:
    found: dict[str, Coordinates] = {}
    unnamed: list[str] = []
    for package in packages:
        if not package.purl:
            unnamed.append(f"{package.name} {package.version}"[:200])
            continue
        try:
            found[package.purl] = coordinates_of(package.purl)
        except PurlMalformed as error:
            raise ReportMalformed(f"the package URL {error} cannot be read") from error
    return tuple(found[purl] for purl in sorted(found)), tuple(sorted(set(unnamed)))


def _require_whole_database(report: _SyftReport) -> None:
    for file in report.files or []:
        if file.metadata and file.metadata.size and _UNWRITTEN.match(file.location.path):
            path = file.location.path
            raise ReportMalformed(
                f"{path} holds changes that are not in rpm's database yet, and nobody reads them there: rpm puts them "
                "in when it ends by itself, so build the image again"
            )


def _require_same_components(bom: _CycloneReport, components: tuple[Coordinates, ...]) -> None:
    if bom.bomFormat != "CycloneDX":
        raise ReportMalformed(f"the bill of materials calls itself {bom.bomFormat[:40]!r}, not CycloneDX")
    named = {one.purl for one in bom.components or [] if one.purl and not is_key_of_rpm(one.purl)}
    ours = {component.purl for component in components}
    if named != ours:
        odd = sorted(named ^ ours)[0]
        raise ReportMalformed(f"the two reports of one run disagree about {odd[:200]!r}")


def _coverage(report: _SyftReport, without_purl: tuple[str, ...], warnings: tuple[str, ...]) -> Coverage:
    files = report.files or []
    regular = {file.location.path for file in files if file.metadata and file.metadata.type == "RegularFile"}
    explained = regular & set(_owned_paths(report))
    kind = DATABASE_OF_SYSTEM.get(report.distro.id)
    database = _PACKAGE_DATABASES.get(kind or "")
    return Coverage(
        components_by_type=dict(sorted(Counter(package.type for package in report.artifacts).items())),
        files_total=len(regular),
        files_explained=len(explained),
        has_package_database=any(database.match(path) for path in regular) if database else None,
        without_purl=without_purl,
        warnings=warnings,
        package_databases=tuple(
            name for name, path in sorted(_PACKAGE_DATABASES.items()) if any(path.match(one) for one in regular)
        ),
    )


def _owned_paths(report: _SyftReport) -> Iterable[str]:
    """Paths that packages own, also as they stand where /bin is a link to /usr/bin (merged /usr)."""
    links = {
        file.location.path: "/" + file.metadata.linkDestination.lstrip("/")
        for file in report.files or []
        if file.metadata and file.metadata.type == "SymbolicLink" and file.location.path.count("/") == 1
    }
    for package in report.artifacts:
        owned = package.metadata.get("files") if isinstance(package.metadata, dict) else None
        for entry in owned if isinstance(owned, list) else []:
            path = entry.get("path") if isinstance(entry, dict) else None
            if not isinstance(path, str):
                continue
            yield path
            top, slash, rest = path[1:].partition("/")
            if slash and f"/{top}" in links:
                yield f"{links[f'/{top}']}/{rest}"
