"""How much one image's layers may hold. Past a limit the inspection fails and says which one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerLimits:
    """Counted over all layers of an image, except where a field says otherwise."""

    layers: int = 256
    unpacked_bytes: int = 20 * 1024**3
    ratio: int = 200  # unpacked to packed, of each layer
    ratio_counts_from_bytes: int = 64 * 1024**2  # small layers of zeros are harmless
    entries: int = 500_000
    headers: int = 1_500_000  # with those that only extend the next one
    name_bytes: int = 4096  # of one path or link target: PATH_MAX
    depth: int = 255  # components of one path
    names_bytes: int = 128 * 1024**2  # of all paths and targets
    extension_bytes: int = 1024**2  # of one header that extends the next, as Go's archive/tar has it


LIMITS = LayerLimits()
