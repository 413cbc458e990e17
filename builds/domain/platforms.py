"""Platforms as sources name them and as images say them: two spellings of one machine are one platform.

Left out is what goes without saying (as containerd normalizes them, and OCI image-spec v1.1 names variants): arm64 is
``v8``, amd64 is ``v1``, and 32-bit arm without a variant is ``v7``.
"""

from collections.abc import Iterable

_UNSAID = {"arm64": ("v8", "8"), "amd64": ("v1",)}
_SAID = {"arm": "v7"}
_OTHER_NAMES = {"aarch64": "arm64", "x86_64": "amd64", "x86-64": "amd64", "i386": "386", "armhf": "arm"}


def normal(platform: str) -> str:
    """``os/architecture[/variant]`` in its one spelling; "" stays "", for an image that does not say."""
    os, _, rest = platform.lower().partition("/")
    architecture, _, variant = rest.partition("/")
    architecture = _OTHER_NAMES.get(architecture, architecture)
    variant = "" if variant in _UNSAID.get(architecture, ()) else variant or _SAID.get(architecture, "")
    return "/".join(part for part in (os, architecture, variant) if part)


def missing(wanted: Iterable[str], there: Iterable[str]) -> list[str]:
    """Those of ``wanted`` that are not ``there``, sorted."""
    known = {normal(one) for one in there}
    return sorted(one for one in wanted if normal(one) not in known)


def in_words(platforms: Iterable[str]) -> str:
    """A list for a sentence."""
    return ", ".join(sorted({one or "one that it does not name" for one in platforms})) or "none"
