"""What a component is called in the advisories' world: ecosystem with its release, package, version.

- Advisories of distributions are about *source* packages (Debian security tracker); syft states the source and
  its version in the purl's ``upstream`` qualifier (``name@version``, or the name alone when versions agree).
- The release comes from the purl's ``distro`` qualifier (``debian-12``), so that one purl is one component.
- Red Hat and AlmaLinux write about installed packages by their own names, and count the epoch, which the purl states
  apart. What was built for a stream of a module (``scans.domain.versions``) is another package of the same name.
- Wolfi and Chainguard have no releases, and their advisories (``CGA-…``) list every package that is installed by its
  own name: there the source does not count.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packageurl import PackageURL

from scans.domain.versions import RPM_ECOSYSTEMS, is_of_module

_PYPI_RUN = re.compile(r"[-_.]+")
# purl type -> OSV ecosystem, for packages that no distribution's release qualifies.
_LANGUAGE = {
    "cargo": "crates.io",
    "composer": "Packagist",
    "gem": "RubyGems",
    "golang": "Go",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pypi": "PyPI",
}
_DISTRIBUTION = {"debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine"}
# Distributions whose advisories are about a major release; their images name the minor one too.
_BY_MAJOR = {"almalinux": "AlmaLinux", "rhel": "Red Hat"}
_MINOR_RELEASE = re.compile(r"\A([0-9]{1,3})\.[0-9]{1,3}\Z")
# Distributions that roll: one ecosystem, whatever day their os-release names.
_ROLLING = {"chainguard": "Chainguard", "wolfi": "Wolfi"}
_ALPINE_RELEASE = re.compile(r"\A([0-9]+\.[0-9]+)(?:\.[0-9]+)*\Z")
# Between two releases Alpine's edge calls itself 3.24.0_alpha20260127.
_ALPINE_PREVIEW = re.compile(r"\A[0-9.]+_[a-z]+[0-9]*\Z")
# Of Ubuntu's, what Pro adds to a release is about that release's packages; FIPS, Realtime and what is made for one
# machine have packages of their own.
_UBUNTU_RELEASE = re.compile(r"\AUbuntu(?::Pro)?:([0-9]{2}\.[0-9]{2})(?::LTS)?\Z")
# Of Red Hat's, the repositories of Enterprise Linux itself; and what goes on under extended life-cycle support, where
# alone is written after the end. EUS, AUS, E4S, TUS fix older minor releases apart; other products have other packages.
_REDHAT_RELEASE = re.compile(
    r"\ARed Hat:(?:enterprise_linux|rhel_els):([0-9]{1,3})(?:\.[0-9]{1,3})?(?:::[a-z0-9_-]*)?\Z"
)
# The keys that rpm trusts, as entries of its database: nothing is installed by them.
_RPM_KEY = re.compile(r"\Apkg:rpm/(?:[^/@?#]+/)?gpg-pubkey[@?#]")


class PurlMalformed(ValueError):
    """A package URL that cannot be read."""


@dataclass(frozen=True, slots=True)
class Coordinates:
    """How matching knows a component."""

    purl: str
    type: str
    name: str  # of the installed (binary) package
    version: str
    ecosystem: str  # "" when it is in none that we know
    source_name: str  # the package that advisories name
    source_version: str


def normal_ecosystem(name: str) -> str:
    """An OSV ecosystem without what does not separate releases.

    ``Ubuntu:22.04:LTS``, ``Ubuntu:Pro:22.04:LTS``; ``Red Hat:enterprise_linux:9::baseos``, ``Red Hat:rhel_els:7``.
    """
    if found := _UBUNTU_RELEASE.match(name):
        return f"Ubuntu:{found[1]}"
    found = _REDHAT_RELEASE.match(name)
    return f"Red Hat:{found[1]}" if found else name


def is_of_pro(name: str) -> bool:
    """Whether an OSV ecosystem is what Ubuntu Pro adds to a release."""
    return name.startswith("Ubuntu:Pro:") and normal_ecosystem(name) != name


def normal_name(ecosystem: str, name: str) -> str:
    """A package name as its ecosystem compares it (PEP 503 for PyPI)."""
    return _PYPI_RUN.sub("-", name).lower() if ecosystem == "PyPI" else name


def packages_of(ecosystem: str, name: str, versions: Iterable[str]) -> list[str]:
    """The packages that ``versions`` are of: two rpms of a name, one of them built for a module, are two.

    Where no version is named, both are meant.
    """
    if ecosystem.split(":", 1)[0] not in RPM_ECOSYSTEMS:
        return [name]
    of_module = f"{name} (module)"
    named = {of_module if is_of_module(version) else name for version in versions if version != "0"}
    return sorted(named) or [name, of_module]


def is_key_of_rpm(purl: str) -> bool:
    """Whether a purl names no package, but a key in rpm's database (``gpg-pubkey``)."""
    return bool(_RPM_KEY.match(purl))


def ecosystem_of_release(os_id: str, os_version: str) -> str:
    """The OSV ecosystem of a distribution's release; "" for one that we do not know."""
    if os_id in _ROLLING:
        return _ROLLING[os_id]
    if os_id in _BY_MAJOR:
        found = _MINOR_RELEASE.match(os_version)
        return f"{_BY_MAJOR[os_id]}:{found[1]}" if found else ""
    word = _DISTRIBUTION.get(os_id)
    if word is None or not os_version:
        return ""
    if word == "Alpine":
        found = _ALPINE_RELEASE.match(os_version)
        return f"Alpine:v{found[1]}" if found else ""
    return f"{word}:{os_version}"


def is_rolling(os_id: str) -> bool:
    """Whether a distribution has no releases, and so no day on which one ends."""
    return os_id in _ROLLING


def is_preview(os_id: str, os_version: str) -> bool:
    """Whether an os-release names what is not released yet (Alpine's edge): nobody writes advisories for it."""
    return os_id == "alpine" and bool(_ALPINE_PREVIEW.match(os_version))


def package_database_of(os_id: str) -> str:
    """Where a distribution keeps the list of what is installed, in words."""
    if os_id in ("debian", "ubuntu"):
        return "/var/lib/dpkg/status (or status.d)"
    if os_id in _BY_MAJOR:
        return "/var/lib/rpm/rpmdb.sqlite (or what stands in its place under /usr/lib/sysimage/rpm)"
    return "/lib/apk/db/installed (or /usr/lib/apk/db/installed)"


def release_cycle(os_id: str, os_version: str) -> str:
    """A release as end-of-life data names it: Alpine's ``3.19`` for ``3.19.1``, Red Hat's ``9`` for ``9.4``."""
    pattern = _ALPINE_RELEASE if os_id == "alpine" else _MINOR_RELEASE if os_id in _BY_MAJOR else None
    found = pattern.match(os_version) if pattern else None
    return found[1] if found else os_version


def coordinates_of(purl: str) -> Coordinates:
    """Where the component of ``purl`` stands. Raises PurlMalformed."""
    try:
        parsed = PackageURL.from_string(purl)
    except ValueError as error:
        raise PurlMalformed(f"{purl[:200]!r}: {error}") from error
    if "%00" in purl:
        raise PurlMalformed(f"{purl[:200]!r}: it spells a NUL")
    version = parsed.version or ""
    qualifiers = parsed.qualifiers if isinstance(parsed.qualifiers, dict) else {}
    if parsed.type in ("deb", "apk", "rpm"):
        os_id, _, os_version = qualifiers.get("distro", "").partition("-")
        ecosystem = ecosystem_of_release(os_id, os_version)
        if parsed.type == "rpm":
            return _of_rpm(purl, parsed, str(qualifiers.get("epoch", "")), ecosystem)
        upstream = "" if os_id in _ROLLING else qualifiers.get("upstream", "")
        source, _, source_version = upstream.partition("@")
        return Coordinates(
            purl, parsed.type, parsed.name, version, ecosystem, source or parsed.name, source_version or version
        )
    ecosystem = _LANGUAGE.get(parsed.type, "")
    full = _full_name(parsed, ecosystem)
    return Coordinates(purl, parsed.type, full, version, ecosystem, normal_name(ecosystem, full), version)


def _of_rpm(purl: str, parsed: PackageURL, epoch: str, ecosystem: str) -> Coordinates:
    version = parsed.version or ""
    full = f"{epoch}:{version}" if epoch and ":" not in version else version
    package = packages_of(ecosystem, parsed.name, [version])[0]
    return Coordinates(purl, parsed.type, parsed.name, version, ecosystem, package, full)


def _full_name(parsed: PackageURL, ecosystem: str) -> str:
    if not parsed.namespace:
        return parsed.name
    return f"{parsed.namespace}{':' if ecosystem == 'Maven' else '/'}{parsed.name}"
