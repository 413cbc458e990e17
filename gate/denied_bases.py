"""Names that nobody may begin an image from: the policy's list, and what a name on it reaches.

- A name is written in full, ``host/path`` or ``host/path:tag``: a policy must see what it denies.
- It reaches the repository and everything below it, on the boundaries of the path: ``docker.io/bitnami`` reaches
  ``docker.io/bitnami/redis`` and not ``docker.io/bitnamilegacy``.
- With a tag it reaches that tag and what continues it behind a ``.`` or ``-``: ``…/debian:10`` reaches ``10-slim`` and
  ``10.13`` and not ``100``.
- Docker Hub's several names are one, and so is a host with the port that it has anyway.

No digest stands here: one digest is revoked or rejected in the catalog. The gate carries the list and does not judge by
it; what is built does (``builds/services/bases.py``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import FieldError
from oci.reference import is_host, is_repository_path, is_tag, is_within

MAX_NAME_LENGTH = 400  # characters: host, path and tag
MAX_WORDS_LENGTH = 500
MAX_ENTRIES = 1000
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


@dataclass(frozen=True, slots=True)
class DeniedBase:
    """One name that nobody begins from: why, and what to begin from instead ("" where nothing is named)."""

    name: str
    reason: str
    instead: str

    def reaches(self, repository: str, tags: Iterable[str] = ()) -> bool:
        """Whether it denies ``repository`` (``host/path``) under one of ``tags``; under any, if it names no tag."""
        own, tag = split_name(self.name)
        asked = canonical(repository)
        if not any(is_within(asked, one) for one in (_one_host(own), canonical(own))):
            return False
        return not tag or any(one == tag or one.startswith((f"{tag}.", f"{tag}-")) for one in tags)


def first_reaching(denied: Iterable[DeniedBase], repository: str, tags: Iterable[str] = ()) -> DeniedBase | None:
    """The first entry that denies ``repository`` under one of ``tags``; None when none does."""
    known = tuple(tags)
    return next((one for one in denied if one.reaches(repository, known)), None)


def fault_of(name: str) -> str:
    """Why ``name`` cannot stand on the list; "" when it can."""
    repository, tag = split_name(name)
    host, has_path, path = repository.partition("/")
    if len(name) > MAX_NAME_LENGTH:
        return f"must have at most {MAX_NAME_LENGTH} characters"
    if "@" in name:
        return "must name no digest: one digest is rejected or revoked in the catalog"
    if not is_host(host.lower()):
        return "must begin with a host, as in docker.io/library/debian"
    if not is_host(host) or (has_path and not is_repository_path(path)) or (name != repository and not is_tag(tag)):
        return "must be host/path or host/path:tag, in lower case and without patterns"
    return ""


def split_name(name: str) -> tuple[str, str]:
    """``host[:port]/path`` and the tag."""
    repository, _, tag = name.rpartition(":")
    return (repository, tag) if repository and "/" in repository and "/" not in tag else (name, "")


def canonical(repository: str) -> str:
    """One spelling of ``host/path``: two that mean the same repository must not differ."""
    host, has_path, path = _one_host(repository).partition("/")
    # Docker Hub's official images are in a namespace that nobody has to write.
    is_official = host == "docker.io" and path and "/" not in path
    return f"{host}{has_path}{'library/' if is_official else ''}{path}"


def _one_host(repository: str) -> str:
    host, has_path, path = repository.partition("/")
    host = host.lower().removesuffix(":443").removesuffix(":80")
    return f"{'docker.io' if host in _DOCKER_HUB else host}{has_path}{path}"


def read_denied(value: Any, pointer: str, wrong: list[FieldError]) -> tuple[DeniedBase, ...]:
    """The list as it stands in a policy; what is wrong with it is added to ``wrong``."""
    if not isinstance(value, list) or not value:
        wrong.append(FieldError(pointer, "wrong_type", "must be a list that is not empty, or be left out"))
        return ()
    if len(value) > MAX_ENTRIES:
        wrong.append(FieldError(pointer, "out_of_range", f"must have at most {MAX_ENTRIES} entries"))
        return ()
    found = [_read_entry(entry, f"{pointer}/{index}", wrong) for index, entry in enumerate(value)]
    if len({one.name for one in found}) != len(found):
        wrong.append(FieldError(pointer, "doubled", "must not name one twice"))
    return tuple(found)


def _read_entry(entry: Any, pointer: str, wrong: list[FieldError]) -> DeniedBase:
    keys = ("name", "reason", "instead")
    if not isinstance(entry, Mapping) or set(entry) != set(keys):
        wrong.append(FieldError(pointer, "wrong_type", "must be an object with name, reason and instead, no more"))
        return DeniedBase("", "", "")
    words = {key: entry[key] if isinstance(entry[key], str) else "\0" for key in keys}
    if fault := fault_of(words["name"]):
        wrong.append(FieldError(f"{pointer}/name", "not_allowed", fault))
    for key, least in (("reason", 1), ("instead", 0)):
        if not least <= len(words[key].strip()) <= MAX_WORDS_LENGTH or not words[key].isprintable():
            detail = f"must be a text of {least} to {MAX_WORDS_LENGTH} characters on one line"
            wrong.append(FieldError(f"{pointer}/{key}", "out_of_range", detail))
    return DeniedBase(**words)
