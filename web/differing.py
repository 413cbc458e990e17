"""The difference between two images as pages show it: computed once from what never changes, then remembered.

Two digests name the same bytes for ever, an inspection and an inventory are of one digest; only findings move, with the
scan that says so. So what was computed is kept, for a while, under the names of what it was made from. Where a part is
unknown it is kept a minute: somebody may be looking into it at this moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from builds.domain.difference import (
    ConfigurationChange,
    Difference,
    FileChange,
    FindingsPart,
    ImageDifference,
    LayersPart,
    PackageChange,
    Unknown,
)
from builds.errors import NothingToCompare
from builds.selectors import differences
from core.canonical import sha256_of
from registry.models import Artifact
from web.templatetags.components import size

KEPT_SECONDS = 600
KEPT_SECONDS_UNKNOWN = 60
ROWS = 300  # of one part that a page shows


def remembered(older: Artifact, newer: Artifact, *, made_from: Sequence[str]) -> Difference:
    """The difference, from memory where nothing that it was made from has moved.

    ``made_from`` names what may move beside the digests: scans and inspections. Raises NothingToCompare.
    """
    key = "difference:" + sha256_of([older.digest, newer.digest, sorted(made_from)])
    found = cache.get(key)
    if isinstance(found, Difference):
        return found
    found = differences.difference(older, newer)
    is_unknown = any(image.unknown for image in found.images)
    cache.set(key, found, KEPT_SECONDS_UNKNOWN if is_unknown else KEPT_SECONDS)
    return found


def remembered_or_none(older: Artifact | None, newer: Artifact, *, made_from: Sequence[str]) -> Difference | None:
    """The same; None where there is nothing to compare with."""
    if older is None:
        return None
    try:
        return remembered(older, newer, made_from=made_from)
    except NothingToCompare:
        return None


@dataclass(frozen=True, slots=True)
class Point:
    """One sentence of a summary, and how much it should alarm: ok, warn, no, dim."""

    tone: str
    icon: str
    text: str


def points(difference: Difference) -> list[Point]:
    """The difference in a few sentences, what a reviewer must not miss first."""
    if difference.is_same:
        return [Point("dim", "info-circle", "It is the same digest: nothing differs.")]
    told = difference.summary()
    found = [*_alarms(told, difference), *_packages(told), *_findings(told), *_size(told)]
    for platform in difference.only_newer:
        found.insert(0, Point("warn", "plus", f"The platform {platform} is new."))
    for platform in difference.only_older:
        found.insert(0, Point("warn", "minus", f"The platform {platform} is gone."))
    for image in difference.images:
        for part, reason in image.unknown.items():
            found.append(Point("warn", "help-octagon-filled", f"Unknown, {part}: {reason}"))
    if told.get("is_only_package_patches"):
        text = "Only packages rose: same configuration, no new set-uid file, no new finding."
        found.insert(0, Point("ok", "circle-check-filled", text))
    return found


def _alarms(told: dict[str, Any], difference: Difference) -> list[Point]:
    rows = (
        ("new_setuid_count", "new set-uid or set-gid file"),
        ("new_capabilities_count", "file with new capabilities"),
        ("new_world_writable_count", "file that everybody may write now"),
        ("new_executable_count", "new program"),
    )
    found = []
    for name, noun in rows:
        if number := told.get(name):
            tone = "warn" if name == "new_executable_count" else "no"
            found.append(Point(tone, "alert-triangle-filled", f"{number} {noun}{'' if number == 1 else 's'}."))
    if told.get("has_config_change"):
        fields = sorted(
            {one.field for image in difference.images for one in image.configuration if not one.is_bookkeeping}
        )
        found.append(Point("warn", "alert-triangle-filled", f"It runs in another way: {', '.join(fields)} changed."))
    return found


def _packages(told: dict[str, Any]) -> list[Point]:
    moves = ("upgraded", "downgraded", "added", "removed", "changed")
    if told.get("packages_added") is None:
        return []
    words = ", ".join(f"{told[f'packages_{move}']} {move}" for move in moves if told.get(f"packages_{move}"))
    if not words:
        return [Point("dim", "info-circle", "Its packages are the same.")]
    return [Point("warn" if told["packages_downgraded"] else "dim", "package", f"Packages: {words}.")]


def _findings(told: dict[str, Any]) -> list[Point]:
    fixed, new = told.get("findings_fixed"), told.get("findings_new")
    if fixed is None or new is None:
        return []
    found = []
    if new:
        worst = told.get("worst_new_severity") or ""
        # What nobody rated stands with the worst, and is not called the worst.
        worst = ", some of them not rated" if worst == "unknown" else f", the worst {worst}" if worst else ""
        found.append(Point("no", "alert-triangle-filled", f"{new} new finding{'' if new == 1 else 's'}{worst}."))
    if fixed:
        found.append(Point("ok", "circle-check-filled", f"{fixed} finding{'' if fixed == 1 else 's'} fixed."))
    return found or [Point("dim", "info-circle", "No finding came or went.")]


def _size(told: dict[str, Any]) -> list[Point]:
    change = told.get("unpacked_bytes_change")
    if not change:
        return []
    words = "larger" if change > 0 else "smaller"
    return [Point("dim", "stack-2", f"{size(abs(change))} {words}, unpacked.")]


@dataclass(frozen=True, slots=True)
class ImageTold:
    """One image's difference, cut to what a page shows; None where a part is unknown."""

    image: ImageDifference
    packages: Sequence[PackageChange] | None
    findings: FindingsPart | None
    files: Sequence[FileChange] | None
    layers: LayersPart | None
    configuration: Sequence[ConfigurationChange]
    bookkeeping: Sequence[ConfigurationChange]
    more_packages: int
    more_files: int


def image_told(image: ImageDifference) -> ImageTold:
    """``image`` with its unknown parts set apart and its lists cut."""
    packages = () if isinstance(image.packages, Unknown) else image.packages.changes
    listed = () if isinstance(image.files, Unknown) else image.files.listed[:ROWS]
    changed = 0 if isinstance(image.files, Unknown) else sum(image.files.counts.values())
    return ImageTold(
        image=image,
        packages=None if isinstance(image.packages, Unknown) else packages[:ROWS],
        findings=None if isinstance(image.findings, Unknown) else image.findings,
        files=None if isinstance(image.files, Unknown) else listed,
        layers=None if isinstance(image.layers, Unknown) else image.layers,
        configuration=[one for one in image.configuration if not one.is_bookkeeping],
        bookkeeping=[one for one in image.configuration if one.is_bookkeeping],
        more_packages=max(len(packages) - ROWS, 0),
        more_files=max(changed - len(listed), 0),
    )
