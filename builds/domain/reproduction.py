"""Whether a second build of the same recipe gave the same: layer by layer, by what they unpack to.

Compared are ``rootfs.diff_ids``: the same files packed by another gzip are the same layer. An equal manifest digest
says more, and is told beside it. Nothing on either side is no equality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_FILES = 50  # that differ and are named

Layers = Sequence[str]  # diff_ids, lowest first
Platforms = Mapping[str, Layers]  # "linux/amd64" to its layers


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The lowest layer that is not the same, and where."""

    platform: str
    layer: int  # 1 is the lowest
    first: str  # its diff_id in the first build; "" = it has no such layer
    second: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two builds of one recipe compare."""

    layers: int  # of the larger of both
    equal: int  # from the lowest on, until the first that is not
    is_same_manifest: bool
    is_reproduced: bool
    first_difference: FirstDifference | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is kept on the second build."""
        found: dict[str, Any] = {
            "layers": self.layers,
            "equal": self.equal,
            "is_same_manifest": self.is_same_manifest,
            "is_reproduced": self.is_reproduced,
        }
        if self.first_difference:
            one = self.first_difference
            found["first_difference"] = {
                "platform": one.platform,
                "layer": one.layer,
                "first": one.first,
                "second": one.second,
            }
        return found


def compare_layers(first: Platforms, second: Platforms, *, is_same_manifest: bool) -> Comparison:
    """Compare the images of two builds, platform by platform."""
    layers = equal = 0
    difference: FirstDifference | None = None
    for platform in sorted({*first, *second}):
        ours, theirs = first.get(platform, ()), second.get(platform, ())
        same = _common(ours, theirs)
        layers += max(len(ours), len(theirs), 1)
        equal += same
        if difference is None and (same < max(len(ours), len(theirs)) or not ours):
            difference = FirstDifference(platform, same + 1, _at(ours, same), _at(theirs, same))
    return Comparison(
        layers=layers,
        equal=equal,
        is_same_manifest=is_same_manifest,
        is_reproduced=layers > 0 and difference is None,
        first_difference=difference,
    )


def _common(ours: Layers, theirs: Layers) -> int:
    for position, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            return position
    return min(len(ours), len(theirs))


def _at(layers: Layers, position: int) -> str:
    return layers[position] if position < len(layers) else ""
