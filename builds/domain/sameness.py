"""Whether two images have the same content: the same layers, run the same way.

Left out: when it was built, by whom, labels and history. A label that names today's commit makes other bytes and
another digest, and nothing that anybody would have to review.
"""

from collections.abc import Mapping
from typing import Any

_TOLD_ALONE = ("created", "author", "history")
_TOLD_ALONE_OF_RUN = ("Labels",)

Contents = Mapping[str, Mapping[str, Any]]
"""Platform (``linux/amd64``; "" for an image that stands for itself) to the image configuration as parsed JSON."""


def same_content(left: Contents, right: Contents) -> bool:
    """Whether both hold the same for each platform. Nothing is never the same as nothing."""
    return bool(left) and left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)


def _same(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    return _essence(left) == _essence(right)


def _essence(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in config.items() if name not in _TOLD_ALONE}
    run = config.get("config")
    if isinstance(run, Mapping):
        # Builders write an empty list, null or nothing for the same thing.
        kept["config"] = {name: value for name, value in run.items() if value and name not in _TOLD_ALONE_OF_RUN}
    return kept
