"""The files in an image's layers: read from hostile bytes, merged as runtimes merge them, never unpacked."""

from builds.domain.layer_files.entries import FileEntry, Kind, shown, to_line
from builds.domain.layer_files.limits import LIMITS, LayerLimits
from builds.domain.layer_files.refusals import LayerRefused

__all__ = ["LIMITS", "FileEntry", "Kind", "LayerLimits", "LayerRefused", "shown", "to_line"]
