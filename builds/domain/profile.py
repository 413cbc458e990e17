"""How much there is in an image, and which certified ones have less.

Less is better: what is not there needs no patch and helps nobody who breaks in. An image is *smaller* than another when
it takes fewer bytes to pull, has no more packages, and has nothing of what the other does without: no shell where that
has none, no package manager, no interpreter. Where a number is unknown nothing is said to be smaller.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_SMALLER = 5


@dataclass(frozen=True, slots=True)
class Profile:
    """What one image is made of. ``packages`` is None where nobody has counted them."""

    platform: str
    packages: int | None
    packed_bytes: int  # to pull
    unpacked_bytes: int
    files: int
    shells: tuple[str, ...] = ()
    package_managers: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    build_tools: tuple[str, ...] = ()
    setuid_count: int = 0
    world_writable_count: int = 0
    user: str = ""

    @property
    def tools(self) -> int:
        """How many kinds of tools somebody who breaks in would find: shell, package manager, interpreter, compiler."""
        return sum(map(bool, (self.shells, self.package_managers, self.interpreters, self.build_tools)))

    def as_json(self) -> dict[str, Any]:
        """Members by name."""
        return {
            "platform": self.platform,
            "packages": self.packages,
            "packed_bytes": self.packed_bytes,
            "unpacked_bytes": self.unpacked_bytes,
            "files": self.files,
            "shells": list(self.shells),
            "package_managers": list(self.package_managers),
            "interpreters": list(self.interpreters),
            "build_tools": list(self.build_tools),
            "setuid_count": self.setuid_count,
            "world_writable_count": self.world_writable_count,
            "user": self.user,
        }


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another certified image for the same purpose. Its profile is None where nobody has looked into its files."""

    name: str  # "debian/12 12.15-20261124.1"
    subversion_id: str
    digest: str
    profile: Profile | None


def profile_from(stored: Mapping[str, Any], *, platform: str, packages: int | None, packed_bytes: int) -> Profile:
    """The profile that an inspection stored. ``packages`` is counted by the inventory, which may be newer."""
    return Profile(
        platform=platform,
        packages=packages,
        packed_bytes=packed_bytes,
        unpacked_bytes=stored.get("bytes", 0),
        files=stored.get("files", 0),
        shells=tuple(stored.get("shells", ())),
        package_managers=tuple(stored.get("package_managers", ())),
        interpreters=tuple(stored.get("interpreters", ())),
        build_tools=tuple(stored.get("build_tools", ())),
        setuid_count=len(stored.get("setuid", ())),
        world_writable_count=len(stored.get("world_writable", ())),
        user=stored.get("user", ""),
    )


def is_smaller(one: Profile, other: Profile) -> bool:
    """Whether ``one`` has less than ``other``, by the rule at the top of this module."""
    if one.packages is None or other.packages is None:
        return False
    brings = (
        bool(one.shells) > bool(other.shells),
        bool(one.package_managers) > bool(other.package_managers),
        bool(one.interpreters) > bool(other.interpreters),
        bool(one.build_tools) > bool(other.build_tools),
    )
    return one.packed_bytes < other.packed_bytes and one.packages <= other.packages and not any(brings)


def smaller_than(profile: Profile, neighbours: Iterable[Neighbour]) -> list[Neighbour]:
    """The smaller neighbours, the smallest first; at most ``MAX_SMALLER``."""
    found = [one for one in neighbours if one.profile is not None and is_smaller(one.profile, profile)]
    return sorted(found, key=_size)[:MAX_SMALLER]


def _size(one: Neighbour) -> tuple[int, int, int, str]:
    profile = one.profile
    if profile is None:
        raise ValueError("a neighbour without a profile has no size")
    return (profile.tools, profile.packages or 0, profile.packed_bytes, one.name)
