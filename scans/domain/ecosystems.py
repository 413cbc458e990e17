"""What a component is called in the advisories' world: ecosystem with its release, package, version.

- Advisories of distributions are about *source* packages (Debian security tracker); syft states the source and
  its version in the purl's ``upstream`` qualifier (``name@version``, or the name alone when versions agree).
- The release comes from the purl's ``distro`` qualifier (``debian-12``), so that one purl is one component.
"""

import re
from dataclasses import dataclass

from packageurl import PackageURL

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
    """An OSV ecosystem without what does not separate releases (``Ubuntu:22.04:LTS``)."""
    return name.removesuffix(":LTS")


def normal_name(ecosystem: str, name: str) -> str:
    """A package name as its ecosystem compares it (PEP 503 for PyPI)."""
    return _PYPI_RUN.sub("-", name).lower() if ecosystem == "PyPI" else name


def ecosystem_of_release(os_id: str, os_version: str) -> str:
    """The OSV ecosystem of a distribution's release; "" for one that we do not know."""
    word = _DISTRIBUTION.get(os_id)
    if word is None or not os_version:
        return ""
    if word == "Alpine":
        return f"Alpine:v{'.'.join(os_version.split('.')[:2])}"
    return f"{word}:{os_version}"


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
        source, _, source_version = qualifiers.get("upstream", "").partition("@")
        return Coordinates(
            purl, parsed.type, parsed.name, version, ecosystem, source or parsed.name, source_version or version
        )
    ecosystem = _LANGUAGE.get(parsed.type, "")
    full = _full_name(parsed, ecosystem)
    return Coordinates(purl, parsed.type, full, version, ecosystem, normal_name(ecosystem, full), version)


def _full_name(parsed: PackageURL, ecosystem: str) -> str:
    if not parsed.namespace:
        return parsed.name
    return f"{parsed.namespace}{':' if ecosystem == 'Maven' else '/'}{parsed.name}"
