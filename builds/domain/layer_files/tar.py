"""A tar archive as Go's archive/tar reads it, since that is what unpacks layers: entry by entry, from a stream.

Python's tarfile is not used: it takes a broken header for the end of the archive, so that a layer could hold files that
are run and never seen. Here whatever a runtime would stumble over is refused (LayerRefused), and whatever it would skip
is skipped.

- Two blocks of zeros end the archive; what stands behind them is read, so that its length counts, and not looked at.
- PAX (``x``) and GNU (``L``, ``K``) headers extend the next entry; global ones (``g``) are ignored, as containerd does.
  One between an entry and what extends it is refused: Go forgets the extension there, other programs keep it.
- Sizes of headers that have no content (links, directories, devices) are ignored.
- Sparse files (GNU ``S``, PAX 0.0, 0.1, 1.0) have the size and the content that they have when they are read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from builds.domain.layer_files import sparse
from builds.domain.layer_files.limits import LayerLimits
from builds.domain.layer_files.numbers import decimal, number, octal
from builds.domain.layer_files.packing import Readable
from builds.domain.layer_files.refusals import LayerRefused
from builds.domain.layer_files.sparse import BLOCK, Part

_CHUNK_BYTES = 256 * 1024
_REGULAR = frozenset(b"07\0S")
_WITHOUT_CONTENT = frozenset(b"123456")
_ZEROS = memoryview(bytes(_CHUNK_BYTES))
_OWN_TIMES = (slice(345, 357), slice(357, 369))  # of GNU's format, where others have a prefix
_WITHOUT_NUL = frozenset({b"path", b"linkpath", b"uname", b"gname"})
_CAPABILITY = "SCHILY.xattr.security.capability"


@dataclass(slots=True)
class Counted:
    """What all layers of one image have held so far."""

    limits: LayerLimits
    entries: int = 0
    headers: int = 0
    names_bytes: int = 0
    unpacked_bytes: int = 0

    def header(self) -> None:
        """Count one header. Raises LayerRefused past the limit."""
        self.headers += 1
        if self.headers > self.limits.headers:
            raise LayerRefused(f"The layers have over {self.limits.headers} tar headers.")

    def entry(self, *names: str) -> None:
        """Count one entry with its names. Raises LayerRefused past a limit."""
        self.entries += 1
        if self.entries > self.limits.entries:
            raise LayerRefused(f"The layers have over {self.limits.entries} entries.")
        self.names_bytes += sum(map(len, names))
        if self.names_bytes > self.limits.names_bytes:
            raise LayerRefused(f"The names in the layers take over {self.limits.names_bytes} bytes.")

    def size(self, more: int) -> None:
        """Count unpacked bytes. Raises LayerRefused past the limit."""
        self.unpacked_bytes += more
        if self.unpacked_bytes > self.limits.unpacked_bytes:
            raise LayerRefused(f"The layers unpack to over {self.limits.unpacked_bytes} bytes.")


@dataclass(slots=True)
class Header:
    """One entry of an archive, everything that extends it applied."""

    name: str
    type: int  # the type flag's byte
    mode: int
    uid: int
    gid: int
    size: int  # of the file as it is read
    stored_bytes: int  # of the content that follows
    target: str = ""
    capabilities: bytes = b""

    @property
    def is_regular(self) -> bool:
        """Whether content follows."""
        return self.type in _REGULAR


@dataclass(slots=True)
class _Extension:
    """What headers before an entry say of it."""

    records: dict[str, bytes] = field(default_factory=dict)
    long_name: bytes = b""
    long_target: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said yet."""
        return not (self.records or self.long_name or self.long_target)


class TarStream:
    """Reads one archive from ``stream``. ``packed_bytes`` is the layer's size, for the ratio."""

    def __init__(self, stream: Readable, counted: Counted, *, packed_bytes: int) -> None:
        self._stream = stream
        self._counted = counted
        limits = counted.limits
        self._most = max(limits.ratio_counts_from_bytes, packed_bytes * limits.ratio)
        self._buffer = b""
        self._at = 0
        self._read = 0
        self._left = 0  # bytes of the current entry's content not read yet
        self._padding = 0
        self._size = 0  # of the current entry's file
        self._parts: Sequence[Part] = ()  # of it, that are stored

    def headers(self) -> Iterator[Header]:
        """Every entry in order; its content is read with ``content`` before the next is asked for, or skipped.

        Raises LayerRefused for what no runtime would unpack, and past a limit.
        """
        extension = _Extension()
        while (block := self._next_block()) is not None:
            self._counted.header()
            kind = block[156]
            if kind in b"xgLK":
                self._extend(extension, kind, block)
                continue
            header = self._header(block, extension)
            extension = _Extension()
            self._counted.entry(header.name, header.target)
            self._size = header.size
            yield header
        self._drain()

    def content(self) -> Iterator[memoryview]:
        """The current entry's content in pieces, once. Raises LayerRefused when it ends too early."""
        parts, self._parts, at = self._parts, (), 0
        for offset, length in parts:
            yield from _zeros(offset - at)
            yield from self._stored(length)
            at = offset + length
        if parts or not self._left:
            yield from _zeros(self._size - at)
            self._size = 0

    def _stored(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes of what is stored of the current entry."""
        end = self._left - size
        while self._left > end:
            if self._at == len(self._buffer):
                self._fill()
            piece = memoryview(self._buffer)[self._at : self._at + self._left - end]
            self._at += len(piece)
            self._left -= len(piece)
            yield piece

    def _next_block(self) -> bytes | None:
        """The next header; None at the end. An archive may also end without the two blocks of zeros."""
        for _ in self._stored(self._left):
            pass
        self._exactly(self._padding)
        self._padding = 0
        if self._is_over():
            return None
        block = self._exactly(BLOCK)
        if block.count(0) != BLOCK:
            _require_checksum(block)
            return block
        if self._is_over():
            return None
        if any(self._exactly(BLOCK)):
            raise LayerRefused("The archive goes on behind a block of zeros that does not end it.")
        return None

    def _extend(self, extension: _Extension, kind: int, block: bytes) -> None:
        if kind == ord("g") and not extension.is_empty:
            raise LayerRefused("A global header stands between an entry and what extends it.")
        size = number(block[124:136], "size")
        if size > self._counted.limits.extension_bytes:
            raise LayerRefused(f"A header that extends the next one has {size} bytes.")
        body = self._exactly(size)
        self._exactly(-size % BLOCK)
        if kind == ord("g"):
            _pax_records(body)
        elif kind == ord("x"):
            extension.records = _pax_records(body)
        elif kind == ord("L"):
            extension.long_name = body.partition(b"\0")[0]
        elif kind == ord("K"):
            extension.long_target = body.partition(b"\0")[0]

    def _header(self, block: bytes, extension: _Extension) -> Header:
        kind = block[156]
        if kind not in _REGULAR and kind not in _WITHOUT_CONTENT:
            raise LayerRefused(f"An entry has the type {chr(kind)!r}, which no layer has.")
        records = extension.records
        name = extension.long_name or records.get("path") or _plain_name(block)
        target = extension.long_target or records.get("linkpath") or block[157:257].partition(b"\0")[0]
        stored = decimal(records, "size", number(block[124:136], "size"))
        if kind == 0:
            kind = ord("5") if name.endswith(b"/") else ord("0")
        header = Header(
            name=self._text(name),
            type=kind,
            mode=number(block[100:108], "mode") & 0o7777,
            uid=decimal(records, "uid", number(block[108:116], "uid")),
            gid=decimal(records, "gid", number(block[116:124], "gid")),
            size=stored,
            stored_bytes=stored,
            target=self._text(target) if kind in b"12" else "",
            capabilities=records.get(_CAPABILITY, b""),
        )
        if kind in _WITHOUT_CONTENT:
            header.size = header.stored_bytes = 0
        self._lay_out(header, block, records)
        return header

    def _lay_out(self, header: Header, block: bytes, records: dict[str, bytes]) -> None:
        """Set what is read as the entry's content."""
        is_old = block[156] == ord("S")
        version = sparse.pax_version(records) if records and not is_old else ""
        if is_old and not _is_gnu(block):
            raise LayerRefused("A sparse file's header is not of GNU's form.")
        if version and not header.is_regular:
            raise LayerRefused("What is no file is said to be a sparse one.")
        if is_old:
            header.size, self._parts = sparse.old_parts(block, self._more_header)
        if version:
            if name := records.get("GNU.sparse.name"):
                header.name = self._text(name)
            own = decimal(records, "GNU.sparse.realsize", header.stored_bytes)
            header.size = decimal(records, "GNU.sparse.size", own)
        self._counted.size(header.size)
        self._left, self._padding = header.stored_bytes, -header.stored_bytes % BLOCK
        if version == "1":
            self._parts = sparse.parts_before_content(self._block_of_content)
            header.stored_bytes = self._left
        elif version:
            self._parts = sparse.parts_of_records(records)
        elif not is_old:
            self._parts = ((0, header.stored_bytes),)
            return
        sparse.require_fitting(self._parts, size=header.size, stored=self._left)

    def _more_header(self) -> bytes:
        self._counted.header()
        return self._exactly(BLOCK)

    def _block_of_content(self) -> bytes:
        if self._left < BLOCK:
            raise LayerRefused("A sparse file ends in the middle of its map.")
        self._left -= BLOCK
        return self._exactly(BLOCK)

    def _text(self, name: bytes) -> str:
        if len(name) > self._counted.limits.name_bytes:
            raise LayerRefused(f"A name has over {self._counted.limits.name_bytes} bytes.")
        if b"\0" in name:
            raise LayerRefused("A name has a NUL in it.")
        return name.decode("utf-8", "surrogateescape")

    def _exactly(self, size: int) -> bytes:
        """``size`` bytes, at most an extension's. Raises LayerRefused when there are fewer."""
        while len(self._buffer) - self._at < size:
            self._fill()
        start, self._at = self._at, self._at + size
        return self._buffer[start : self._at]

    def _is_over(self) -> bool:
        return self._at == len(self._buffer) and not self._more()

    def _fill(self) -> None:
        if not self._more():
            raise LayerRefused("The archive ends in the middle of an entry.")

    def _more(self) -> bool:
        piece = self._stream.read(_CHUNK_BYTES)
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        self._read += len(piece)
        if self._read > self._most:
            raise LayerRefused(f"A layer unpacks to over {self._counted.limits.ratio} times its size.")
        if self._read > self._counted.limits.unpacked_bytes:
            raise LayerRefused(f"A layer unpacks to over {self._counted.limits.unpacked_bytes} bytes.")
        return bool(piece)

    def _drain(self) -> None:
        self._at = len(self._buffer)
        while self._more():
            self._at = len(self._buffer)


def _require_checksum(block: bytes) -> None:
    said = octal(block[148:156], "checksum")
    fields = block[:148] + b" " * 8 + block[156:]
    found = sum(fields)
    # Some old writers summed signed bytes; Go takes either.
    if said != found and said != found - 256 * sum(one > 127 for one in fields):
        raise LayerRefused("A header's checksum is wrong.")


def _plain_name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0":
        prefix = block[345 : 476 if block[508:512] == b"tar\0" else 500].partition(b"\0")[0]
    else:
        prefix = _mangled_prefix(block)
    return prefix + b"/" + name if prefix else name


def _mangled_prefix(block: bytes) -> bytes:
    """A prefix where GNU's format has times: Go wrote such headers once, and still reads them so."""
    if not _is_gnu(block):
        return b""
    for place in _OWN_TIMES:
        try:
            if block[place.start] and not block[place.start] & 0x80:
                octal(block[place], "time")
        except LayerRefused:
            prefix = block[345:500].partition(b"\0")[0]
            return prefix if prefix.isascii() else b""
    return b""


def _zeros(size: int) -> Iterator[memoryview]:
    while size > 0:
        yield _ZEROS[:size]
        size -= len(_ZEROS)


def _is_gnu(block: bytes) -> bool:
    return block[257:265] == b"ustar  \0"


def _pax_records(body: bytes) -> dict[str, bytes]:
    """``length key=value\\n`` records; the last of a key counts. Raises LayerRefused."""
    records: dict[str, bytes] = {}
    sparse_map: list[bytes] = []
    at = 0
    while at < len(body):
        space = body.find(b" ", at, at + 20)
        length = body[at:space] if space > 0 else b""
        end = at + int(length) if length.isdigit() else 0
        if not space + 1 < end <= len(body) or body[end - 1] != 0x0A:
            raise LayerRefused("A PAX header is malformed.")
        key, equals, value = body[space + 1 : end - 1].partition(b"=")
        if not equals or not key or b"\0" in key:
            raise LayerRefused("A PAX header is malformed.")
        if key in _WITHOUT_NUL and b"\0" in value:
            raise LayerRefused("A name has a NUL in it.")
        if key in sparse.MAP_RECORDS:
            # Sparse format 0.0: the same two keys again and again, in turn.
            if key != sparse.MAP_RECORDS[len(sparse_map) % 2] or b"," in value:
                raise LayerRefused("A PAX header is malformed.")
            sparse_map.append(value)
        else:
            records[key.decode("utf-8", "surrogateescape")] = value
        at = end
    if sparse_map:
        records[sparse.MAP] = b",".join(sparse_map)
    return records
