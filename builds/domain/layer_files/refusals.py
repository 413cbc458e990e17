"""Why a layer's files are not read to the end. An image with such a layer is never called clean."""


class LayerRefused(Exception):
    """The bytes are no layer that a runtime would unpack, or pass a limit. The text is a sentence for people."""
