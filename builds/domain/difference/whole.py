"""The difference as a whole, and its form for machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from builds.domain.difference.configurations import ConfigurationChange
from builds.domain.difference.files import FileChange, FileMove, FilesPart
from builds.domain.difference.findings import FindingRow, FindingsPart
from builds.domain.difference.layers import LayerRow, LayersPart
from builds.domain.difference.packages import PackageMove, PackagesPart
from builds.domain.layer_files.entries import FileEntry, shown

SCHEMA = "goldgate.difference/v1"
MAX_LISTED = 1000  # packages, findings and configuration fields; counts are always whole


@dataclass(frozen=True, slots=True)
class Unknown:
    """A part that cannot be told, and why. Not the same as no difference."""

    reason: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its digest, what the catalog calls it, its platform ("" for an index)."""

    digest: str
    name: str = ""
    platform: str = ""

    def as_json(self) -> dict[str, str]:
        """Members by name."""
        return {"digest": self.digest, "name": self.name, "platform": self.platform}


@dataclass(frozen=True, slots=True)
class ImageDifference:
    """Between two images of one platform."""

    older: Side
    newer: Side
    packages: PackagesPart | Unknown
    findings: FindingsPart | Unknown
    files: FilesPart | Unknown
    configuration: tuple[ConfigurationChange, ...]
    layers: LayersPart | Unknown

    @property
    def unknown(self) -> dict[str, str]:
        """The parts that cannot be told, with their reasons."""
        parts = {name: getattr(self, name) for name in ("packages", "findings", "files", "layers")}
        return {name: part.reason for name, part in parts.items() if isinstance(part, Unknown)}

    @property
    def has_config_change(self) -> bool:
        """Whether it says that it runs in another way. Labels that every build writes anew do not count."""
        return any(not one.is_bookkeeping for one in self.configuration)

    @property
    def is_only_package_patches(self) -> bool | None:
        """Whether packages rose and nothing else happened that a person must look at; None where it cannot be told.

        That is: at least one rose, none came, went or fell; nothing changed in how it runs; no new set-uid program,
        no new capabilities, nothing that everybody may write now; no new finding.
        """
        parts = (self.packages, self.findings, self.files)
        packages, findings, files = parts
        refusals = (
            isinstance(packages, PackagesPart) and not packages.is_only_upgrades,
            isinstance(findings, FindingsPart) and bool(findings.new),
            isinstance(files, FilesPart)
            and bool(files.new_setuid or files.new_capabilities or files.new_world_writable),
            self.has_config_change,
        )
        if any(refusals):
            return False
        return None if any(isinstance(part, Unknown) for part in parts) else True

    def summary(self) -> dict[str, Any]:
        """Numbers that rules can judge; None wherever a part is unknown."""
        return {
            "is_only_package_patches": self.is_only_package_patches,
            "has_config_change": self.has_config_change,
            **_package_numbers(self.packages),
            **_finding_numbers(self.findings),
            **_file_numbers(self.files),
            **_layer_numbers(self.layers),
        }

    def as_json(self) -> dict[str, Any]:
        """Members by name."""
        return {
            "older": self.older.as_json(),
            "newer": self.newer.as_json(),
            "summary": self.summary(),
            "unknown": self.unknown,
            "packages": _packages(self.packages),
            "findings": _findings(self.findings),
            "files": _files(self.files),
            "configuration": [_configuration(one) for one in self.configuration[:MAX_LISTED]],
            "layers": _layers(self.layers),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Between two artifacts. Indexes are compared platform by platform; a platform on one side alone is named."""

    older: Side
    newer: Side
    images: tuple[ImageDifference, ...]
    only_older: tuple[str, ...] = ()  # platforms
    only_newer: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether it is one digest."""
        return self.older.digest == self.newer.digest

    def summary(self) -> dict[str, Any]:
        """The images' numbers together: sums, and the worst of what is judged; None where one of them is unknown.

        A platform that came or went is never only patches.
        """
        rows = [one.summary() for one in self.images]
        if not rows:
            return {}
        found = {name: _together(name, [row[name] for row in rows]) for name in rows[0]}
        if self.only_older or self.only_newer:
            found["is_only_package_patches"] = False
        return found

    def as_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {
            "schema": SCHEMA,
            "older": self.older.as_json(),
            "newer": self.newer.as_json(),
            "is_same": self.is_same,
            "summary": self.summary(),
            "only_older_platforms": list(self.only_older),
            "only_newer_platforms": list(self.only_newer),
            "images": [one.as_json() for one in self.images],
        }


_FILE_NUMBERS = (
    "new_setuid_count", "new_executable_count", "new_world_writable_count", "new_capabilities_count",
    "unpacked_bytes_change",
)  # fmt: skip
# From the best to the worst; what nobody rates stands with the worst.
_SEVERITIES = ("none", "low", "medium", "high", "critical", "unknown")


def _together(name: str, values: Sequence[Any]) -> Any:
    if name == "is_only_package_patches" and False in values:
        return False
    if None in values:
        return None
    if name == "worst_new_severity":
        return max(values, key=_SEVERITIES.index)
    if name == "has_config_change":
        return any(values)
    if name == "is_only_package_patches":
        return all(values)
    return sum(values)


def _package_numbers(part: PackagesPart | Unknown) -> dict[str, Any]:
    if isinstance(part, Unknown):
        return dict.fromkeys(f"packages_{move.value}" for move in PackageMove)
    return {f"packages_{move.value}": part.count(move) for move in PackageMove}


def _finding_numbers(part: FindingsPart | Unknown) -> dict[str, Any]:
    if isinstance(part, Unknown):
        names = ("findings_fixed", "findings_new", "findings_remaining", "worst_new_severity", "new_exploited_count")
        return dict.fromkeys(names)
    return {
        "findings_fixed": len(part.fixed),
        "findings_new": len(part.new),
        "findings_remaining": len(part.remaining),
        "worst_new_severity": part.worst_new_severity,
        "new_exploited_count": sum(one.is_exploited for one in part.new),
    }


def _file_numbers(part: FilesPart | Unknown) -> dict[str, Any]:
    if isinstance(part, Unknown):
        return dict.fromkeys((*(f"files_{move.value}" for move in FileMove), *_FILE_NUMBERS))
    return {
        **{f"files_{move.value}": part.counts[move] for move in FileMove},
        "new_setuid_count": part.new_setuid,
        "new_executable_count": part.new_executables,
        "new_world_writable_count": part.new_world_writable,
        "new_capabilities_count": part.new_capabilities,
        "unpacked_bytes_change": part.newer_bytes - part.older_bytes,
    }


def _layer_numbers(part: LayersPart | Unknown) -> dict[str, Any]:
    if isinstance(part, Unknown):
        return dict.fromkeys(("packed_bytes_change", "layers_shared"))
    return {"packed_bytes_change": part.newer_bytes - part.older_bytes, "layers_shared": len(part.shared)}


def _packages(part: PackagesPart | Unknown) -> dict[str, Any] | None:
    if isinstance(part, Unknown):
        return None
    rows = [
        {
            "change": one.move.value,
            "name": shown(one.name),
            "type": one.type,
            "source": shown(one.source),
            "older": shown(one.older) or None,
            "newer": shown(one.newer) or None,
        }
        for one in part.changes[:MAX_LISTED]
    ]
    total = len(part.changes)
    return {"older_count": part.older_count, "newer_count": part.newer_count, "total": total, "changes": rows}


def _findings(part: FindingsPart | Unknown) -> dict[str, Any] | None:
    if isinstance(part, Unknown):
        return None
    return {
        "fixed_total": len(part.fixed),
        "new_total": len(part.new),
        "remaining_total": len(part.remaining),
        "fixed": [_finding(one) for one in part.fixed[:MAX_LISTED]],
        "new": [_finding(one) for one in part.new[:MAX_LISTED]],
    }


def _finding(one: FindingRow) -> dict[str, Any]:
    return {
        "vulnerability_id": one.vulnerability_id,
        "package": shown(one.package),
        "severity": one.severity,
        "installed": shown(one.installed),
        "fixed_version": one.fixed_version,
        "is_exploited": one.is_exploited,
    }


def _files(part: FilesPart | Unknown) -> dict[str, Any] | None:
    if isinstance(part, Unknown):
        return None
    return {
        "older_count": part.older_count,
        "newer_count": part.newer_count,
        **{f"{move.value}_total": part.counts[move] for move in FileMove},
        "mode_changes_total": part.mode_changes,
        "lost_setuid_total": part.lost_setuid,
        "is_cut": part.is_cut,
        "changes": [_file_change(one) for one in part.listed],
    }


def _file_change(one: FileChange) -> dict[str, Any]:
    marks = ("is_new_setuid", "is_lost_setuid", "is_new_executable", "is_new_world_writable", "has_new_capabilities")
    return {
        "change": one.move.value,
        "path": "/" + shown(one.path, limit=4096),
        "what": list(one.what),
        "older": _file(one.older),
        "newer": _file(one.newer),
        "marks": [mark for mark in marks if getattr(one, mark)],
    }


def _file(entry: FileEntry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {
        "kind": entry.kind.value,
        "mode": entry.mode_text,
        "uid": entry.uid,
        "gid": entry.gid,
        "size": entry.size,
        "sha256": entry.sha256 or None,
        "target": shown(entry.target) or None,
    }


def _configuration(one: ConfigurationChange) -> dict[str, Any]:
    return {
        "field": one.field,
        "name": shown(one.name),
        "older": _value(one.older),
        "newer": _value(one.newer),
        "is_bookkeeping": one.is_bookkeeping,
    }


def _value(value: str | list[str] | None) -> str | list[str] | None:
    if isinstance(value, list):
        return [shown(one, limit=2000) for one in value]
    return None if value is None else shown(value, limit=2000)


def _layers(part: LayersPart | Unknown) -> dict[str, Any] | None:
    if isinstance(part, Unknown):
        return None
    return {
        "older_bytes": part.older_bytes,
        "newer_bytes": part.newer_bytes,
        "bytes_to_pull": part.bytes_to_pull,
        "shared_total": len(part.shared),
        "older": [_layer(one, part) for one in part.older],
        "newer": [_layer(one, part) for one in part.newer],
    }


def _layer(one: LayerRow, part: LayersPart) -> dict[str, Any]:
    return {
        "digest": one.digest,
        "diff_id": one.diff_id,
        "size_bytes": one.size_bytes,
        "is_shared": one.diff_id in part.shared,
        "created_by": shown(one.created_by),
    }
