"""Reads feed files of any of the accepted forms, in a stream, with every size capped before it is read.

- Advisories: ``.jsonl``, ``.jsonl.gz``, one ``.json`` record, a directory of these, a zip archive of ``.json`` files
  (OSV's ``all.zip``). Everything else: one JSON document, perhaps ``.gz``.
- What a file is follows from its first bytes, not from its name; the name only says whether text is lines.
- Nothing is unpacked to disk and no name from an archive is ever used as a path.
"""

import gzip
import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scans.domain.osv import MAX_RECORD_BYTES
from scans.errors import FeedContentsRefused, FeedTooLarge

MAX_UNPACKED_BYTES = 8 * 1024**3
MAX_DOCUMENT_BYTES = 512 * 1024**2
MAX_RECORDS = 2_000_000
MAX_RATIO = 200  # unpacked : packed
FREE_BYTES = 16 * 1024**2  # unpacked bytes below which the ratio is not asked
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record's bytes, and where they stood."""

    where: str
    body: bytes


class _Meter:
    """Counts what was unpacked, and stops a bomb while it expands."""

    def __init__(self, packed_bytes: int) -> None:
        self.packed_bytes = max(packed_bytes, 1)
        self.unpacked_bytes = 0
        self.records = 0

    def add(self, size: int) -> None:
        self.unpacked_bytes += size
        if self.unpacked_bytes > MAX_UNPACKED_BYTES:
            raise FeedTooLarge(f"The feed unpacks to more than {MAX_UNPACKED_BYTES} bytes.")
        if self.unpacked_bytes > FREE_BYTES and self.unpacked_bytes > MAX_RATIO * self.packed_bytes:
            raise FeedTooLarge(f"The feed expands more than {MAX_RATIO}-fold: it is built to exhaust us.")

    def count(self) -> None:
        self.records += 1
        if self.records > MAX_RECORDS:
            raise FeedTooLarge(f"The feed has more than {MAX_RECORDS} records.")


def records_of(path: Path) -> Iterator[RawRecord]:
    """Every advisory record under ``path``. Raises FeedTooLarge; FeedContentsRefused for what cannot be read."""
    files = _files(path)
    meter = _Meter(sum(file.stat().st_size for file in files))
    for file in files:
        label = f"{file.name}: " if len(files) > 1 else ""
        try:
            for record in _file_records(file, meter):
                meter.count()
                yield RawRecord(label + record.where, record.body)
        except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise FeedContentsRefused(f"{file.name} is damaged: {error}") from error


def document_of(path: Path) -> bytes:
    """The one JSON document that ``path`` holds. Raises FeedTooLarge; FeedContentsRefused."""
    try:
        with _opened(path, _Meter(path.stat().st_size)) as stream:
            body = stream.read(MAX_DOCUMENT_BYTES + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise FeedContentsRefused(f"{path.name} is damaged: {error}") from error
    if len(body) > MAX_DOCUMENT_BYTES:
        raise FeedTooLarge(f"{path.name} is larger than {MAX_DOCUMENT_BYTES} bytes.")
    return body


def digest_of(path: Path) -> str:
    """Names the bytes of a file, or of everything in a directory, by SHA-256."""
    hasher = hashlib.sha256()
    for file in _files(path):
        with file.open("rb") as stream:
            hasher.update(hashlib.file_digest(stream, "sha256").digest())
    return f"sha256:{hasher.hexdigest()}"


def guess_kind(path: Path) -> str:
    """The kind of feed that a file holds, by its outermost keys. Raises FeedContentsRefused when it is none."""
    _files(path)
    if path.is_dir() or _magic(path).startswith(_ZIP) or ".jsonl" in path.name:
        return "osv"
    try:
        document = json.loads(document_of(path))
    except ValueError as error:
        raise FeedContentsRefused(f"{path.name} is not JSON: {error}") from error
    if isinstance(document, dict):
        if "catalogVersion" in document:
            return "kev"
        if "cves" in document:
            return "ratings"
        if "affected" in document and "id" in document:
            return "osv"
        if any(isinstance(value, dict) and "releases" in value for value in document.values()):
            return "endoflife"
    raise FeedContentsRefused(f"{path.name} is no feed that is known here.", cure="Say which with --kind.")


def _files(path: Path) -> list[Path]:
    if not path.exists() or not os.access(path, os.R_OK):
        raise FeedContentsRefused(f"{path} does not exist, or cannot be read.")
    if not path.is_dir():
        return [path]
    suffixes = (".json", ".jsonl", ".jsonl.gz", ".json.gz", ".zip")
    found = sorted(
        file
        for file in path.rglob("*")
        if file.name.endswith(suffixes) and not file.name.endswith(".meta.json") and file.is_file()
    )
    if not found:
        raise FeedContentsRefused(f"The directory {path} holds no advisories ({', '.join(suffixes)}).")
    return found


def _magic(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4)


def _opened(path: Path, meter: _Meter) -> io.BufferedIOBase:
    if _magic(path).startswith(_GZIP):
        return _Metered(path, meter)
    return path.open("rb")


class _Metered(gzip.GzipFile):
    """A gzip stream that counts what comes out of it."""

    def __init__(self, path: Path, meter: _Meter) -> None:
        super().__init__(path, "rb")
        self._meter = meter

    def read(self, size: int | None = -1) -> bytes:
        # In pieces: what is asked for is not allocated before it was counted.
        left = MAX_DOCUMENT_BYTES + 1 if size is None or size < 0 else size
        found = bytearray()
        while left > 0 and (piece := super().read(min(left, 1 << 20))):
            self._meter.add(len(piece))
            found += piece
            left -= len(piece)
        return bytes(found)

    def readline(self, size: int | None = -1) -> bytes:  # type: ignore[override]
        line = super().readline(-1 if size is None else size)
        self._meter.add(len(line))
        return line


def _file_records(path: Path, meter: _Meter) -> Iterator[RawRecord]:
    if _magic(path).startswith(_ZIP):
        yield from _zip_records(path, meter)
        return
    with _opened(path, meter) as stream:
        if path.name.removesuffix(".gz").endswith(".json"):
            body = stream.read(MAX_RECORD_BYTES + 1)
            yield RawRecord(path.name, _capped(body, path.name))
            return
        number = 0
        while line := stream.readline(MAX_RECORD_BYTES + 1):
            number += 1
            body = _capped(line, f"line {number}").strip()
            if body:
                yield RawRecord(f"line {number}", body)


def _zip_records(path: Path, meter: _Meter) -> Iterator[RawRecord]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.is_dir() or not entry.filename.endswith(".json"):
                continue
            where = entry.filename[-200:]
            # The header is a claim: the stream is capped as well.
            if entry.file_size > MAX_RECORD_BYTES:
                raise FeedTooLarge(f"{where} is larger than {MAX_RECORD_BYTES} bytes.")
            with archive.open(entry) as stream:
                body = _capped(stream.read(MAX_RECORD_BYTES + 1), where)
            meter.add(len(body))
            yield RawRecord(where, body)


def _capped(body: bytes, where: str) -> bytes:
    if len(body) > MAX_RECORD_BYTES:
        raise FeedTooLarge(f"{where} is larger than {MAX_RECORD_BYTES} bytes.")
    return body
