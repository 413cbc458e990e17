"""Which layers both images have, and the bytes of those that they do not share."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer. ``size_bytes`` is what is pulled. ``created_by`` is what its builder says; a claim."""

    digest: str
    diff_id: str
    size_bytes: int
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class LayersPart:
    """Both images' layers, lowest first. A layer is shared when its uncompressed bytes are the same."""

    older: tuple[LayerRow, ...]
    newer: tuple[LayerRow, ...]

    @property
    def shared(self) -> frozenset[str]:
        """The ``diff_id`` of the layers in both."""
        return frozenset(one.diff_id for one in self.older) & frozenset(one.diff_id for one in self.newer)

    @property
    def older_bytes(self) -> int:
        """What the older image takes to pull."""
        return sum(one.size_bytes for one in self.older)

    @property
    def newer_bytes(self) -> int:
        """What the newer image takes to pull."""
        return sum(one.size_bytes for one in self.newer)

    @property
    def bytes_to_pull(self) -> int:
        """What a node that has the older image pulls for the newer one."""
        shared = {one.digest for one in self.older}
        return sum({one.digest: one.size_bytes for one in self.newer if one.digest not in shared}.values())


def compare_layers(older: Sequence[LayerRow], newer: Sequence[LayerRow]) -> LayersPart:
    """Both, side by side."""
    return LayersPart(tuple(older), tuple(newer))
