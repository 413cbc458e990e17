"""A recipe's hash, and the tree that is part of it. Pure: bytes and lists in, bytes and lists out."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.canonical import sha256_of

FORMAT = "goldgate.recipe/v1"
MAX_FILES = 20_000
MAX_PATH_BYTES = 1000
MAX_PART_BYTES = 255
MAX_DEPTH = 64
MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_TREE_BYTES = 512 * 1024 * 1024
MAX_DOCKERFILE_BYTES = 512 * 1024
MAX_LINK_BYTES = 1000

FILE_MODE, PROGRAM_MODE, LINK_MODE, MODULE_MODE = "100644", "100755", "120000", "160000"
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]")

# [path, mode, size, sha256]: as git wrote the mode, the hash over the file's bytes or over a link's target.
FileRow = list[Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or link of a git tree, before its bytes are read."""

    path: str
    mode: str
    object_id: str
    size: int


def tree_problem(entries: Sequence[Entry]) -> str:
    """What keeps a tree from being built from, in one sentence; "" when nothing does.

    Counted before any content is read. git's own checks found most of this already; here nothing is taken on trust.
    """
    if len(entries) > MAX_FILES:
        return f"There are more than {MAX_FILES} files."
    if sum(entry.size for entry in entries) > MAX_TREE_BYTES:
        return f"The files have more than {MAX_TREE_BYTES} bytes together."
    seen: set[str] = set()
    parents: set[str] = set()
    for entry in entries:
        if problem := _entry_problem(entry):
            return f"{entry.path[:200]!r} {problem}"
        if entry.path in seen or entry.path in parents:
            return f"{entry.path[:200]!r} is there twice."
        seen.add(entry.path)
        parts = entry.path.split("/")
        parents.update("/".join(parts[:length]) for length in range(1, len(parts)))
    both = sorted(seen & parents)
    return f"{both[0][:200]!r} is a file and a directory." if both else ""


def link_problem(path: str, target: bytes) -> str:
    """Why a symbolic link is refused; "" when it stays inside the tree, whatever other links it passes.

    ``..`` only at the front: from there on every step leads down, and a link that it leads over stays inside by the
    same rule. A link out of the tree would show the builder's own files to the image.
    """
    try:
        text = target.decode()
    except UnicodeDecodeError:
        return "is a link to a name that is not UTF-8."
    if not text or len(target) > MAX_LINK_BYTES or _UNSEEN.search(text):
        return "is a link to a name that cannot be."
    parts = text.split("/")
    ups = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    if text.startswith("/") or ".." in parts[ups:] or ups > path.count("/"):
        return f"is a link out of the tree, to {text[:100]!r}: make such links with RUN ln -s in the Dockerfile."
    return ""


def recipe_sha256(  # noqa: PLR0913 — one keyword for each thing that decides the result
    *,
    dockerfile: bytes,
    files: Iterable[FileRow],
    arguments: Mapping[str, str],
    target: str,
    platforms: Sequence[str],
    bases: Iterable[Mapping[str, Any]],
    allowed_hosts: Sequence[str] = (),
) -> str:
    """The hash of everything that decides a build's result, over canonical JSON (RFC 8785).

    ``bases`` are entries of ``Recipe.bases``; of each count what was asked for and the digest that it stands for. A
    refused one stands for nothing, whatever digest it names: once it is good it is another recipe, and the reverse.
    ``allowed_hosts`` stand there only where there are some: what a host gives is in nobody's bytes.
    """
    return sha256_of(
        {
            "format": FORMAT,
            "dockerfile": hashlib.sha256(dockerfile).hexdigest(),
            "files": sorted(list(row) for row in files),
            "arguments": dict(arguments),
            "target": target,
            "platforms": sorted(platforms),
            "bases": [[str(base.get("asked", "")), _stands_for(base)] for base in bases],
            **({"network": sorted(allowed_hosts)} if allowed_hosts else {}),
        }
    )


def _stands_for(base: Mapping[str, Any]) -> str:
    return "" if base.get("kind") == "refused" else str(base.get("digest") or "")


def _entry_problem(entry: Entry) -> str:
    parts = entry.path.split("/")
    if len(entry.path.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        return "is too long a path."
    if len(parts) > MAX_DEPTH:
        return "lies too deep."
    if _UNSEEN.search(entry.path) or "\\" in entry.path:
        return "has signs in its path that cannot be shown."
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        return "is not a path inside the tree."
    if entry.mode == MODULE_MODE:
        return "is a submodule, and submodules are not fetched: copy its files in, or leave it out in .dockerignore."
    if entry.mode not in (FILE_MODE, PROGRAM_MODE, LINK_MODE):
        return f"has the mode {entry.mode[:10]}, which no file has."
    if entry.size > MAX_FILE_BYTES:
        return f"has more than {MAX_FILE_BYTES} bytes."
    return ""
