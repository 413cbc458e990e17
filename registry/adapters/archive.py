"""OCI archives: a tar of an OCI layout, read in place. Nothing is ever extracted to a path from the archive.

Entries are indexed once, by name; only regular files count; links, devices and absolute or climbing names are
ignored unless they are names we look for, in which case the archive is refused.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from oci import media_types
from oci.descriptor import Descriptor
from oci.digest import Digest
from oci.errors import MalformedDocument
from oci.strict_json import MAX_DOCUMENT_BYTES, strict_json
from registry.blobs import CHUNK_BYTES
from registry.errors import (
    ArchiveNeedsChoice,
    BodyTooLarge,
    DigestMismatch,
    MalformedArchive,
    NotInRegistry,
)

MAX_ENTRIES = 10_000
MAX_ARCHIVE_BYTES = 20 * 1024**3
MAX_HEADER_BYTES = 16 * 1024  # of one long name or extended header: tarfile holds them in memory
REF_NAME = "org.opencontainers.image.ref.name"
_CURE = "Write it with skopeo copy … oci-archive:FILE or docker buildx build --output type=oci."


@dataclass(frozen=True, slots=True)
class _Entry:
    offset: int
    size: int


class Archive:
    """An OCI archive opened for reading; a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises MalformedArchive."""
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise MalformedArchive(
                f"The archive is larger than {MAX_ARCHIVE_BYTES} bytes.", cure="Push it to a registry."
            )
        self._file: IO[bytes] = path.open("rb")
        try:
            self._entries = _entries_of(self._file)
            self.manifests = self._top_manifests()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def choose(self, name: str = "") -> Descriptor:
        """The one manifest, or the one whose ref name or digest is ``name``.

        Raises ArchiveNeedsChoice, listing the names; MalformedArchive when none has it.
        """
        if not name and len(self.manifests) == 1:
            return self.manifests[0]
        found = [one for one in self.manifests if name and name in (one.annotations.get(REF_NAME), str(one.digest))]
        if len(found) == 1:
            return found[0]
        names = ", ".join((one.annotations.get(REF_NAME) or str(one.digest))[:80] for one in self.manifests[:20])
        if name:
            raise MalformedArchive(
                f"The archive has no single manifest named {name!r}; it has: {names}.", cure="Name one."
            )
        raise ArchiveNeedsChoice(f"The archive holds {len(self.manifests)} images: {names}.", cure="Name one of them.")

    def manifest(self, digest: Digest) -> bytes:
        """As ArtifactSource says."""
        body = b"".join(self.blob(digest, max_bytes=MAX_DOCUMENT_BYTES))
        if not digest.names(body):
            raise DigestMismatch(f"The archive's blob {digest} has other bytes.", cure="Write the archive again.")
        return body

    def blob(self, digest: Digest, *, max_bytes: int) -> Iterator[bytes]:
        """As ArtifactSource says; the digest is checked by whoever stores it."""
        entry = self._entries.get(f"blobs/{digest.algorithm}/{digest.encoded}")
        if entry is None:
            raise NotInRegistry(f"The archive has no blob {digest}.", cure=_CURE)
        if entry.size > max_bytes:
            raise BodyTooLarge(f"The archive's blob {digest} has {entry.size} bytes; at most {max_bytes} are taken.")
        return self._chunks(entry)

    def _chunks(self, entry: _Entry) -> Iterator[bytes]:
        done = 0
        while done < entry.size:
            self._file.seek(entry.offset + done)
            chunk = self._file.read(min(CHUNK_BYTES, entry.size - done))
            if not chunk:
                raise MalformedArchive("The archive ends in the middle of a blob.", cure=_CURE)
            done += len(chunk)
            yield chunk

    def _document(self, name: str) -> dict[str, Any]:
        entry = self._entries.get(name)
        if entry is None:
            raise MalformedArchive(f"The archive has no {name}: it is not an OCI layout.", cure=_CURE)
        if entry.size > MAX_DOCUMENT_BYTES:
            raise MalformedArchive(f"The archive's {name} is larger than {MAX_DOCUMENT_BYTES} bytes.", cure=_CURE)
        try:
            return strict_json(b"".join(self._chunks(entry)), what=name)
        except MalformedDocument as error:
            raise MalformedArchive(error.detail, cure=_CURE) from error

    def _top_manifests(self) -> tuple[Descriptor, ...]:
        if self._document("oci-layout").get("imageLayoutVersion") != "1.0.0":
            raise MalformedArchive("oci-layout.imageLayoutVersion must be 1.0.0.", cure=_CURE)
        listed = self._document("index.json").get("manifests")
        if not isinstance(listed, list) or not listed or len(listed) > MAX_ENTRIES:
            raise MalformedArchive("index.json must list at least one manifest.", cure=_CURE)
        try:
            found = [Descriptor.from_json(one, where=f"index.json manifests[{at}]") for at, one in enumerate(listed)]
        except MalformedDocument as error:
            raise MalformedArchive(error.detail, cure=_CURE) from error
        known = media_types.MANIFESTS | media_types.INDEXES
        usable = tuple(one for one in found if one.media_type in known)
        if not usable:
            raise MalformedArchive("index.json lists no image manifest or index.", cure=_CURE)
        return usable


class _Headers:
    """The archive as tarfile sees it: headers are read, contents skipped; nothing large is ever asked for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.tell, self.seek = file.tell, file.seek

    def read(self, size: int = -1) -> bytes:
        """As a file's. Raises ValueError for more than a header has."""
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise ValueError(f"a header of more than {MAX_HEADER_BYTES} bytes")
        return self._file.read(size)


def _entries_of(file: IO[bytes]) -> dict[str, _Entry]:
    """Every regular file by its plain name. Raises MalformedArchive for a name that stands twice."""
    found: dict[str, _Entry] = {}
    count = 0
    try:
        with tarfile.open(fileobj=cast(IO[bytes], _Headers(file)), mode="r:") as tar:
            while (member := tar.next()) is not None:
                count += 1
                if count > MAX_ENTRIES:
                    raise MalformedArchive(f"The archive has more than {MAX_ENTRIES} entries.", cure=_CURE)
                tar.members.clear()  # type: ignore[attr-defined]  # else every header stays in memory
                name = member.name.removeprefix("./")
                if not _is_ours(name) or member.isdir():
                    continue
                if not member.isreg() or member.issparse() or name in found:
                    raise MalformedArchive(f"The entry {name!r} is not one plain file.", cure=_CURE)
                found[name] = _Entry(member.offset_data, member.size)
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise MalformedArchive(f"This is not a plain tar: {error}.", cure=_CURE) from error
    return found


def _is_ours(name: str) -> bool:
    return name in ("oci-layout", "index.json") or name.startswith(("blobs/sha256/", "blobs/sha512/"))
