"""What an inventory rests on, and how what somebody attested is put together with what was seen.

- A package database in the image always decides: an attestation beside it adds components, and nothing else.
- Where there is none, the attestation stands in for it, if it says of one release what the image consists of, and the
  image's own os-release, where there is one, does not say otherwise.
- What was seen stays on the list whatever is attested: it is a union, so an attestation can only add findings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Packages that only a distribution's database, or somebody's list of it, names.
DISTRIBUTION_TYPES = ("apk", "deb", "rpm")


class Basis(StrEnum):
    """What the list of components rests on."""

    PACKAGE_DATABASE = "package_database"
    ATTESTED = "attested"
    NONE = "none"


def basis_of_seen(coverage: Mapping[str, Any]) -> Basis:
    """What the scanner's own list rests on, by its stored coverage."""
    counts = coverage.get("components_by_type") or {}
    # A database without an os-release is one too: what is in it must not be talked over.
    has_own = coverage.get("has_package_database") or coverage.get("package_databases")
    is_own = bool(has_own) or any(counts.get(kind) for kind in DISTRIBUTION_TYPES)
    return Basis.PACKAGE_DATABASE if is_own else Basis.NONE


@dataclass(frozen=True, slots=True)
class Standing:
    """What an inventory with an attestation rests on, and whose release it is."""

    basis: Basis
    os_id: str
    os_version: str
    remark: str = ""  # why the attestation does not stand in for a package database; "" = it does, or need not


def standing_of(*, seen: Basis, os_id: str, os_version: str, releases: Sequence[tuple[str, str]]) -> Standing:
    """How an attestation that names ``releases`` stands beside what was seen (``os_id``: of the image's os-release)."""
    if seen is Basis.PACKAGE_DATABASE:
        return Standing(seen, os_id, os_version)
    named = [" ".join(one) for one in releases]
    if len(releases) != 1:
        remark = f"it names several releases ({', '.join(named[:3])})" if releases else "it names no distribution"
        return Standing(Basis.ATTESTED, os_id, os_version, remark)
    attested_id, attested_version = releases[0]
    if os_id and (os_id, os_version) != releases[0]:
        own = f"{os_id} {os_version}".strip()
        return Standing(Basis.ATTESTED, os_id, os_version, f"it names {named[0]}, and the image calls itself {own}")
    return Standing(Basis.ATTESTED, attested_id, attested_version)
