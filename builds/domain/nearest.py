"""Which certified image comes nearest to one that is refused."""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A certified image that could be used instead. ``key`` is the caller's own."""

    image: str
    version: str
    is_runtime: bool
    size_bytes: int
    is_retiring: bool
    key: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest one. ``is_same``: the same image and the same version, so that it can be written in its place."""

    candidate: Candidate
    is_same: bool


def nearest(path: str, tag: str, candidates: Iterable[Candidate], *, is_runtime_only: bool) -> Nearest | None:
    """The nearest to ``path:tag``: same image and version, same image, same family, else the smallest one.

    ``path`` is a repository's path or a name: its last part is taken for the image's name.
    """
    name = path.rpartition("/")[2].lower()
    usable = [one for one in candidates if one.is_runtime or not is_runtime_only]
    ranked = sorted(usable, key=lambda one: (_distance(name, tag, one), one.is_retiring, one.size_bytes, one.key))
    if not ranked:
        return None
    best = ranked[0]
    return Nearest(best, is_same=_distance(name, tag, best)[0] == 0)


def _distance(name: str, tag: str, one: Candidate) -> tuple[int, int]:
    if one.image == name and one.version == tag:
        return 0, 0
    if one.image == f"{name}-{_variant(tag)}" and one.version == _plain(tag):
        return 0, 0  # debian:12-slim is debian-slim/12 here: a variant is an image of its own
    if one.image == name:
        return 1, _version_distance(tag, one.version)
    if _family(one.image) == _family(name):
        return 2, _version_distance(tag, one.version)
    return 3, 0


def _family(name: str) -> str:
    return re.split(r"[-_.]", name, maxsplit=1)[0]


def _variant(tag: str) -> str:
    return tag.partition("-")[2]


def _plain(tag: str) -> str:
    return tag.partition("-")[0]


def _version_distance(tag: str, version: str) -> int:
    asked, has = _numbers(tag), _numbers(version)
    if not asked or not has:
        return 10**6
    pairs = zip([*asked, 0, 0, 0][:3], [*has, 0, 0, 0][:3], strict=True)
    return sum(
        min(abs(left - right), 999) * weight for (left, right), weight in zip(pairs, (10**6, 10**3, 1), strict=True)
    )


def _numbers(text: str) -> list[int]:
    return [int(number[:6]) for number in re.findall(r"[0-9]+", text)[:3]]
