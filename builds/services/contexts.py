"""A recipe's context: one deterministic tar in the blob store, and out of it again for a builder.

Sorted by path, owner 0, time 0, modes 0644 and 0755: the same tree is the same bytes. Nothing but files and links,
and of those only what the recipe's list names.
"""

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from builds.adapters.git_trees import Content, read_exactly
from builds.domain.recipe import (
    FILE_MODE,
    LINK_MODE,
    MAX_LINK_BYTES,
    MAX_TREE_BYTES,
    PROGRAM_MODE,
    FileRow,
    link_problem,
)
from builds.errors import ContextDamaged, SourceRefused
from builds.models import Recipe
from registry.blobs import kept_blobs

MAX_CONTEXT_BYTES = 2 * MAX_TREE_BYTES  # the tar: every file has a head of its own
CHUNK_BYTES = 1024 * 1024
_MODES = {FILE_MODE: 0o644, PROGRAM_MODE: 0o755, LINK_MODE: 0o777}


@dataclass(frozen=True, slots=True)
class Context:
    """A packed context: the tar's digest and size, and the list that a recipe's hash counts."""

    digest: str
    size: int
    files: list[FileRow]


def pack_context(
    blobs: Path, contents: Sequence[Content], *, work: Path, check: Callable[[], None] = lambda: None
) -> Context:
    """Write the tar of ``contents``, whose bytes are in the file ``blobs``, and keep it.

    Raises SourceRefused for a link that leaves the tree.
    """
    target = work / "context.tar"
    rows: list[FileRow] = []
    with blobs.open("rb") as source, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for content in sorted(contents, key=lambda one: one.entry.path.encode()):
            check()
            source.seek(content.offset)
            _add(tar, content, source)
            rows.append([content.entry.path, content.entry.mode, content.size, content.sha256])
    hasher = hashlib.sha256()
    for chunk in _chunks(target):
        hasher.update(chunk)
    digest = f"sha256:{hasher.hexdigest()}"
    size = target.stat().st_size
    kept_blobs().put_stream(digest, _chunks(target), max_bytes=size)
    target.unlink()
    return Context(digest, size, rows)


def unpack_context(recipe: Recipe, directory: Path) -> Path:
    """Write the recipe's context into ``directory``, which is made (its parent is there), and return it.

    Every file is held against the recipe's list; links come last, so that nothing is written through one. Times are 0,
    so that copying them into an image gives the same bytes each time.
    Raises: ContextDamaged; BlobMissing.
    """
    root = directory
    root.mkdir(mode=0o755)
    wanted = {row[0]: row for row in recipe.files}
    links: list[tuple[str, str]] = []
    seen: set[str] = set()
    with kept_blobs().open(recipe.context_digest) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            row = wanted.get(member.name)
            if row is None or member.name in seen or not (member.isfile() or member.issym()):
                raise _damaged(recipe, member.name)
            seen.add(member.name)
            if member.issym():
                _require(recipe, row, LINK_MODE, member.linkname.encode())
                links.append((member.name, member.linkname))
            else:
                _write(recipe, row, tar.extractfile(member), root)
    if seen != set(wanted):
        raise _damaged(recipe, min(set(wanted) - seen))
    for path, target in links:
        place = root / path
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        os.symlink(target, place)
        os.utime(place, (0, 0), follow_symlinks=False)
    _flatten_times(root)
    return root


def _add(tar: tarfile.TarFile, content: Content, source: IO[bytes]) -> None:
    entry = content.entry
    member = tarfile.TarInfo(entry.path)
    member.mode, member.mtime, member.size = _MODES[entry.mode], 0, content.size
    if entry.mode != LINK_MODE:
        tar.addfile(member, source)
        return
    target = source.read(content.size) if content.size <= MAX_LINK_BYTES else b""
    if problem := link_problem(entry.path, target):
        raise SourceRefused(f"{entry.path[:200]!r} {problem}", cure="Or leave it out in .dockerignore.")
    member.type, member.linkname, member.size = tarfile.SYMTYPE, target.decode(), 0
    tar.addfile(member)


def _write(recipe: Recipe, row: FileRow, body: IO[bytes] | None, root: Path) -> None:
    path, mode, size, sha256 = row
    if body is None or mode not in (FILE_MODE, PROGRAM_MODE):
        raise _damaged(recipe, path)
    place = root / path
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    hasher = hashlib.sha256()
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        try:
            for chunk in read_exactly(body, size):
                hasher.update(chunk)
                file.write(chunk)
        except SourceRefused:
            raise _damaged(recipe, path) from None
        os.fchmod(file.fileno(), _MODES[mode])
    if hasher.hexdigest() != sha256 or body.read(1):
        raise _damaged(recipe, path)


def _require(recipe: Recipe, row: FileRow, mode: str, body: bytes) -> None:
    if row[1] != mode or row[3] != hashlib.sha256(body).hexdigest() or link_problem(row[0], body):
        raise _damaged(recipe, row[0])


def _damaged(recipe: Recipe, path: str) -> ContextDamaged:
    return ContextDamaged(
        f"The kept context of {recipe} differs from its list at {path[:200]!r}.",
        cure="Fetch the source again; if it stays so, the store of blobs is damaged.",
    )


def _flatten_times(root: Path) -> None:
    for directory, _, names in os.walk(root, topdown=False):
        for name in names:
            os.utime(Path(directory) / name, (0, 0), follow_symlinks=False)
        os.chmod(directory, 0o755)  # noqa: S103 — as in every image
        os.utime(directory, (0, 0))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
