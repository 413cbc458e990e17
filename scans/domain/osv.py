"""Reads one OSV record (schema 1.7) into what matching needs; the bytes are kept beside it, unknown fields and all.

- A vulnerability is named by its CVE ids where the record has any (its own id, ``aliases``, ``upstream``), else by
  the record's own id. A Debian advisory that names three CVEs is about three vulnerabilities. A distribution's own
  record of one (``UBUNTU-CVE-…``, ``ALPINE-CVE-…``, ``DEBIAN-CVE-…``) is about that CVE, also where a notice names it.
- AlmaLinux names its CVEs under ``related`` alone. Its notices of bug fixes and enhancements that name none are about
  no vulnerability, and affect nothing.
- ``ranges`` of type ECOSYSTEM and SEMVER become intervals: a fixed end is exclusive, ``last_affected``
  inclusive, no end means unfixed. ``versions`` become one-version intervals (OSV "Evaluation": in the list
  **or** in a range); those that a range of the record holds already say nothing new and are left out.
- What cannot be put in order (an ecosystem without an order, a version that is none, GIT-only ranges) becomes an
  interval marked incomparable: a component of that package is then listed as "cannot compare".
- A withdrawn record affects nothing from its ``withdrawn`` time on.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from scans.domain.ecosystems import is_of_pro, normal_ecosystem, normal_name, packages_of
from scans.domain.reading import read_json
from scans.domain.versions import FIRST_KEY, CannotCompare, has_order, version_key

MAX_RECORD_BYTES = 8 * 1024 * 1024
_CVE = re.compile(r"\A(?:ALPINE-|DEBIAN-|UBUNTU-)?(CVE-\d{4}-\d{4,19})\Z")
_ALMALINUX = re.compile(r"\AAL[BES]A-")
_NO_VULNERABILITY = re.compile(r"\AAL[BE]A-")  # a bug fix, an enhancement
_ID = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:+@/-]{0,199}\Z")


class AdvisoryMalformed(ValueError):
    """A record that is not an OSV record; the text says where."""


class _Package(msgspec.Struct):
    ecosystem: str
    name: str


class _Range(msgspec.Struct):
    type: str
    events: list[dict[str, Any]]


class _Score(msgspec.Struct):
    type: str
    score: str


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Score] | None = None


class _Record(msgspec.Struct):
    id: str
    modified: datetime
    published: datetime | None = None
    withdrawn: datetime | None = None
    aliases: list[str] | None = None
    upstream: list[str] | None = None
    related: list[str] | None = None
    summary: str | None = None
    affected: list[_Affected] | None = None
    severity: list[_Score] | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions of one package that are affected: ``[introduced, end)``, or ``[introduced, end]``, or open."""

    ecosystem: str
    package: str
    introduced: str = "0"
    introduced_key: bytes = FIRST_KEY
    fixed: str = ""  # the first version that is not affected
    last_affected: str = ""
    end_key: bytes | None = None  # None: open, or incomparable
    is_end_inclusive: bool = False
    incomparable: str = ""  # why it cannot be put in order; "" when it can


@dataclass(frozen=True, slots=True)
class AdvisoryRecord:
    """One advisory, in our words."""

    id: str
    modified: datetime
    published: datetime | None
    withdrawn: datetime | None
    aliases: tuple[str, ...]
    vulnerability_ids: tuple[str, ...]
    summary: str
    intervals: tuple[Interval, ...]
    vectors: tuple[str, ...] = field(default=())


def parse_advisory(body: bytes) -> AdvisoryRecord:
    """Read one OSV record. Raises AdvisoryMalformed, saying which field and why."""
    if len(body) > MAX_RECORD_BYTES:
        raise AdvisoryMalformed(f"the record is larger than {MAX_RECORD_BYTES} bytes")
    try:
        record = read_json(body, _Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AdvisoryMalformed(str(error)) from error
    if not _ID.match(record.id):
        raise AdvisoryMalformed(f"the id {record.id[:80]!r} is not an advisory id")
    aliases = [name for name in record.aliases or [] if _ID.match(name)]
    named = [record.id, *aliases, *(record.upstream or [])]
    if _ALMALINUX.match(record.id):
        named += record.related or []
    cves = tuple(dict.fromkeys(found[1] for name in named if (found := _CVE.match(name))))
    is_about_none = not cves and _NO_VULNERABILITY.match(record.id)
    return AdvisoryRecord(
        id=record.id,
        modified=_aware(record.modified, "modified"),
        published=_aware(record.published, "published") if record.published else None,
        withdrawn=_aware(record.withdrawn, "withdrawn") if record.withdrawn else None,
        aliases=tuple(dict.fromkeys(aliases)),
        vulnerability_ids=cves or (record.id,),
        summary=(record.summary or "")[:500],
        intervals=() if is_about_none else tuple(dict.fromkeys(_intervals(record.affected or []))),
        vectors=tuple(dict.fromkeys(_vectors(record))),
    )


def _aware(time: datetime, name: str) -> datetime:
    if time.tzinfo is None:
        raise AdvisoryMalformed(f"{name} has no time zone (OSV wants RFC 3339 with Z)")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:  # the first and the last day, seen from elsewhere
        raise AdvisoryMalformed(f"{name} is out of range") from error


def _vectors(record: _Record) -> Iterable[str]:
    for scores in [record.severity, *(entry.severity for entry in record.affected or [])]:
        yield from (score.score for score in scores or [] if score.type.startswith("CVSS_"))


def _intervals(entries: list[_Affected]) -> Iterable[Interval]:
    """Every interval of a record. What Ubuntu's archive leaves open and Pro fixes is fixed where Pro fixes it."""
    named = [(entry.package, entry) for entry in entries if entry.package is not None]
    pairs = [(is_of_pro(package.ecosystem), list(_of_entry(package, entry))) for package, entry in named]
    fixed = {(one.ecosystem, one.package) for is_pro, found in pairs for one in found if is_pro and one.fixed}
    for is_pro, found in pairs:
        for one in found:
            is_open = not one.fixed and one.end_key is None and not one.incomparable
            if is_pro or not is_open or (one.ecosystem, one.package) not in fixed:
                yield one


def _of_entry(named: _Package, entry: _Affected) -> Iterable[Interval]:
    ecosystem = normal_ecosystem(named.ecosystem)
    package = normal_name(ecosystem, named.name)
    readable = [one for one in entry.ranges or [] if one.type in ("ECOSYSTEM", "SEMVER")]
    ranges = [
        interval
        for one in readable
        for apart in packages_of(ecosystem, package, _versions(one.events))
        for interval in _range_intervals(ecosystem, apart, one.events)
    ]
    yield from ranges
    has_list = bool(entry.versions) and has_order(ecosystem)
    if has_list:
        listed = (
            _listed(ecosystem, packages_of(ecosystem, package, [version])[0], version)
            for version in entry.versions or []
        )
        yield from (one for one in listed if one.incomparable or not any(_holds(other, one) for other in ranges))
    if not readable and not has_list:
        for apart in packages_of(ecosystem, package, []):
            yield Interval(ecosystem, apart, incomparable="the record names no version range of the package")


def _versions(events: list[dict[str, Any]]) -> list[str]:
    return [str(version) for event in events for kind, version in event.items() if kind in _RANK]


def _holds(interval: Interval, listed: Interval) -> bool:
    """Whether the one version of ``listed`` lies in ``interval``."""
    if interval.incomparable or interval.introduced_key > listed.introduced_key:
        return False
    if interval.end_key is None or listed.introduced_key < interval.end_key:
        return True
    return interval.is_end_inclusive and listed.introduced_key == interval.end_key


def _listed(ecosystem: str, package: str, version: str) -> Interval:
    try:
        key = version_key(ecosystem, version)
    except CannotCompare as error:
        return Interval(ecosystem, package, introduced=version, incomparable=str(error))
    return Interval(ecosystem, package, version, key, last_affected=version, end_key=key, is_end_inclusive=True)


# At one version, an introduction stands before the end of the same range.
_RANK = {"introduced": 0, "fixed": 1, "last_affected": 2}


def _range_intervals(ecosystem: str, package: str, events: list[dict[str, Any]]) -> Iterable[Interval]:
    """Intervals of one range's events (OSV "Evaluation" sorts them by version first)."""
    named = [(kind, str(version)) for event in events for kind, version in event.items() if kind in _RANK]
    if not any(kind == "introduced" for kind, _ in named):
        raise AdvisoryMalformed(f"a range of {package!r} has no introduced event")
    try:
        keyed = sorted(
            (FIRST_KEY if version == "0" else version_key(ecosystem, version), _RANK[kind], version)
            for kind, version in named
        )
        if not has_order(ecosystem):
            raise CannotCompare(f"the order of versions in {ecosystem} is not known")
    except CannotCompare as error:
        fixes = [version for kind, version in named if kind == "fixed"]
        yield Interval(ecosystem, package, fixed=fixes[-1] if fixes else "", incomparable=str(error))
        return
    yield from _sweep(ecosystem, package, keyed)


def _sweep(ecosystem: str, package: str, events: list[tuple[bytes, int, str]]) -> Iterable[Interval]:
    opened: tuple[bytes, str] | None = None
    reopened = False  # an introduction at the very version that ends the open interval
    for index, (key, rank, version) in enumerate(events):
        if rank == _RANK["introduced"]:
            following = events[index + 1] if index + 1 < len(events) else None
            reopened = opened is not None and following is not None and following[:2] == (key, _RANK["fixed"])
            opened = opened or (key, version)
        elif opened is not None:
            is_last = rank == _RANK["last_affected"]
            if opened[0] < key or is_last:
                yield Interval(
                    ecosystem,
                    package,
                    introduced=opened[1],
                    introduced_key=opened[0],
                    fixed="" if is_last else version,
                    last_affected=version if is_last else "",
                    end_key=key,
                    is_end_inclusive=is_last,
                )
            opened, reopened = ((key, version) if reopened else None), False
    if opened is not None:
        yield Interval(ecosystem, package, introduced=opened[1], introduced_key=opened[0])
