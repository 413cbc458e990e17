"""The blob store: bytes by digest, hashed by us before they count.

Two of them: ``kept`` holds manifests, configurations, inventories and reports, for good; ``cache`` holds
layers, which can be fetched again and are pruned (``registry/services/layers.py``). They are apart so that no
pruning, whatever a manifest claims, can reach what must stay.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from django.conf import settings

from oci.digest import Digest
from registry.errors import BlobMissing, BodyTooLarge, DigestMismatch

CHUNK_BYTES = 1024 * 1024


class BlobStore:
    """A directory of blobs: ``<root>/<algorithm>/<first two digits>/<hex>``. Any number of processes may write."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: Digest | str) -> Path:
        """Where the blob is, or would be."""
        found = digest if isinstance(digest, Digest) else Digest.parse(digest)
        return self.root / found.algorithm / found.encoded[:2] / found.encoded

    def has(self, digest: Digest | str) -> bool:
        """Whether the bytes are here, whole: nothing gets its name before it was hashed."""
        return self.path(digest).is_file()

    def size(self, digest: Digest | str) -> int:
        """Bytes. Raises BlobMissing."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            raise _missing(digest) from None

    def open(self, digest: Digest | str) -> IO[bytes]:
        """The blob, opened for reading. Raises BlobMissing."""
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise _missing(digest) from None

    def read(self, digest: Digest | str, max_bytes: int) -> bytes:
        """The whole blob. Raises BlobMissing; BodyTooLarge over ``max_bytes``."""
        with self.open(digest) as file:
            body = file.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise BodyTooLarge(f"The blob {digest} is larger than {max_bytes} bytes.")
        return body

    def chunks(self, digest: Digest | str) -> Iterator[bytes]:
        """The blob in pieces. Raises BlobMissing."""
        with self.open(digest) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def put(self, body: bytes) -> Digest:
        """Store ``body`` under its SHA-256."""
        digest = Digest.of(body)
        self.put_stream(digest, [body], max_bytes=len(body))
        return digest

    def put_stream(self, expected_digest: Digest | str, chunks: Iterable[bytes], max_bytes: int) -> int:
        """Store what ``chunks`` yields, if it is what ``expected_digest`` names; the size in bytes.

        Hashed while it is written, and named only when it is right and on disk: a killed process leaves at
        most a temporary file. What is here already is not read again.
        Raises DigestMismatch; BodyTooLarge as soon as ``max_bytes`` is passed.
        """
        expected = expected_digest if isinstance(expected_digest, Digest) else Digest.parse(expected_digest)
        return write_blob(self.path(expected), expected, chunks, max_bytes=max_bytes)

    def drop_half_written(self, *, before: datetime) -> int:
        """Remove what killed processes were writing, last touched before ``before``; how many files."""
        found = [path for path in self.root.glob("*/*/.writing-*") if _touched_before(path, before)]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def discard(self, digest: Digest | str) -> int:
        """Forget the bytes; how many were freed. Readers that have them open keep them."""
        path = self.path(digest)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size


def kept_blobs() -> BlobStore:
    """Manifests, configurations, inventories, reports: never pruned."""
    return BlobStore(Path(settings.GOLDGATE_HOME) / "blobs")


def layer_cache() -> BlobStore:
    """Layers: a cache with a limit."""
    return BlobStore(Path(settings.GOLDGATE_HOME) / "layers")


def write_blob(target: Path, expected: Digest, chunks: Iterable[bytes], *, max_bytes: int) -> int:
    """Write a blob to ``target`` as BlobStore.put_stream says. Raises DigestMismatch; BodyTooLarge."""
    if target.is_file():
        return target.stat().st_size
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".writing-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = _write(file, chunks, expected, max_bytes)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)
    return size


def _write(file: IO[bytes], chunks: Iterable[bytes], expected: Digest, max_bytes: int) -> int:
    hasher = hashlib.new(expected.algorithm)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise BodyTooLarge(f"The blob {expected} does not end after {max_bytes} bytes.")
        hasher.update(chunk)
        file.write(chunk)
    if hasher.hexdigest() != expected.encoded:
        raise DigestMismatch(
            f"{size} bytes came for {expected}, but their digest is {expected.algorithm}:{hasher.hexdigest()}.",
            cure="Nothing was kept. If it happens again the registry, or something before it, alters content.",
        )
    file.flush()
    os.fsync(file.fileno())
    return size


def _touched_before(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _missing(digest: Digest | str) -> BlobMissing:
    return BlobMissing(f"The bytes of {digest} are not in the store.", cure="Import the image again.")
