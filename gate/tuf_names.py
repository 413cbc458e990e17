"""The names of a snapshot's files in its TUF repository, for who publishes and who reads.

``<metadata>/`` holds ``<n>.root.json``, ``timestamp.json``, ``<n>.snapshot.json``, ``<n>.targets.json``;
``<targets>/`` holds each target under its hash's name, ``<sha256>.<target>`` (consistent snapshots,
TUF 1.0.33 §6.2). The targets metadata lists exactly one base, one side file, one overlay.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple


class TargetNames(NamedTuple):
    """The three targets of one snapshot version."""

    base: str
    reasons: str
    overlay: str


def target_names(*, base_version: int, version: int) -> TargetNames:
    """What the publisher calls the targets of snapshot ``version`` on base ``base_version``."""
    return TargetNames(f"base-{base_version}.bin", f"base-{base_version}.reasons", f"overlay-{version}.json")


def read_target_names(names: Iterable[str]) -> TargetNames | None:
    """The three among ``names``; None unless they are exactly one base with its side file and one overlay."""
    found = {}
    for name in names:
        match = re.fullmatch(r"(?:base-([0-9]{1,18})\.(bin|reasons)|overlay-([0-9]{1,18})\.json)", name)
        if match is None or (match[2] or "overlay") in found:
            return None
        found[match[2] or "overlay"] = (name, match[1])
    if found.keys() != {"bin", "reasons", "overlay"} or found["bin"][1] != found["reasons"][1]:
        return None
    return TargetNames(found["bin"][0], found["reasons"][0], found["overlay"][0])


def stored_name(name: str, sha256: str) -> str:
    """The file name under which a target is served and kept."""
    return f"{sha256}.{name}"
