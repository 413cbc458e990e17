"""Reads an image's layers in a child process of its own: their bytes are hostile."""

from builds.adapters.layer_reader.parent import ImageFiles, LayerBlob, Sight, read_layers

__all__ = ["ImageFiles", "LayerBlob", "Sight", "read_layers"]
