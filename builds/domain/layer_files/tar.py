"""A tar archive as Go's archive/tar reads it, since that is what unpacks layers: entry by entry, from a stream.

Python's tarfile is not used: it takes a broken header for the end of the archive, so that a layer could hold files that
are run and never seen. Here whatever a runtime would stumble over is refused (LayerRefused), and whatever it would skip
is skipped.

- Two blocks of zeros end the archive; what stands behind them is read, so that its length counts, and not looked at.
- PAX (``x``) and GNU (``L``, ``K``) headers extend the next entry; global ones (``g``) are ignored, as containerd does.
- Sizes of headers that have no content (links, directories, devices) are ignored.
- Sparse files (GNU ``S``, PAX 0.0, 0.1, 1.0) count with the size that they have when they are read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from builds.domain.layer_files.limits import LayerLimits
from builds.domain.layer_files.packing import Readable
from builds.domain.layer_files.refusals import LayerRefused

BLOCK = 512
_CHUNK_BYTES = 256 * 1024
_REGULAR = frozenset(b"07\0S")
_WITHOUT_CONTENT = frozenset(b"123456")
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
            self._left, self._padding = header.stored_bytes, -header.stored_bytes % BLOCK
            yield header
        self._drain()

    def content(self) -> Iterator[memoryview]:
        """The current entry's content in pieces. Raises LayerRefused when it ends too early."""
        while self._left:
            if self._at == len(self._buffer):
                self._fill()
            piece = memoryview(self._buffer)[self._at : self._at + self._left]
            self._at += len(piece)
            self._left -= len(piece)
            yield piece

    def _next_block(self) -> bytes | None:
        """The next header; None at the end. An archive may also end without the two blocks of zeros."""
        for _ in self.content():
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
        size = _number(block[124:136], "size")
        if size > self._counted.limits.extension_bytes:
            raise LayerRefused(f"A header that extends the next one has {size} bytes.")
        body = self._exactly(size)
        self._exactly(-size % BLOCK)
        if kind == ord("x"):
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
        stored = _decimal(records, "size", _number(block[124:136], "size"))
        if kind == 0:
            kind = ord("5") if name.endswith(b"/") else ord("0")
        header = Header(
            name=self._text(name),
            type=kind,
            mode=_number(block[100:108], "mode") & 0o7777,
            uid=_decimal(records, "uid", _number(block[108:116], "uid")),
            gid=_decimal(records, "gid", _number(block[116:124], "gid")),
            size=stored,
            stored_bytes=stored,
            target=self._text(target) if kind in b"12" else "",
            capabilities=records.get(_CAPABILITY, b""),
        )
        if kind in _WITHOUT_CONTENT:
            header.size = header.stored_bytes = 0
        self._note_sparse(header, block, records)
        self._counted.size(header.size)
        return header

    def _note_sparse(self, header: Header, block: bytes, records: dict[str, bytes]) -> None:
        if block[156] == ord("S"):
            header.size = _number(block[483:495], "size of a sparse file")
            is_extended = block[482]
            while is_extended:
                self._counted.header()
                is_extended = self._exactly(BLOCK)[504]
        elif header.is_regular and any(name.startswith("GNU.sparse.") for name in records):
            if name := records.get("GNU.sparse.name"):
                header.name = self._text(name)
            own = _decimal(records, "GNU.sparse.size", header.stored_bytes)
            header.size = _decimal(records, "GNU.sparse.realsize", own)

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
    said = _number(block[148:156], "checksum")
    fields = block[:148] + b" " * 8 + block[156:]
    found = sum(fields)
    # Some old writers summed signed bytes; Go takes either.
    if said != found and said != found - 256 * sum(one > 127 for one in fields):
        raise LayerRefused("A header's checksum is wrong.")


def _plain_name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    if block[257:263] != b"ustar\0":
        return name
    prefix = block[345 : 476 if block[508:512] == b"tar\0" else 500].partition(b"\0")[0]
    return prefix + b"/" + name if prefix else name


def _number(field_: bytes, what: str) -> int:
    """Octal text, or base 256 where the first bit is set. Raises LayerRefused for anything else, and below 0."""
    text = field_.strip(b" \0")
    if text.isdigit():
        try:
            return int(text, 8)
        except ValueError as error:
            raise LayerRefused(f"A header's {what} is no number.") from error
    if field_[0] & 0x80:
        if field_[0] & 0x40:
            raise LayerRefused(f"A header's {what} is below 0.")
        value = int.from_bytes(bytes([field_[0] & 0x7F]) + field_[1:], "big")
        if value >= 1 << 63:
            raise LayerRefused(f"A header's {what} is no number that fits.")
        return value
    if not text:
        return 0
    # Go reads as far as the first NUL.
    first = text.partition(b"\0")[0].strip(b" ")
    if not first or not all(0x30 <= one <= 0x37 for one in first):
        raise LayerRefused(f"A header's {what} is no number.")
    return int(first, 8)


def _decimal(records: dict[str, bytes], name: str, otherwise: int) -> int:
    text = records.get(name)
    if not text:
        return otherwise
    if not text.isdigit() or len(text) > 18:
        raise LayerRefused(f"The PAX record {name} is no number from 0.")
    return int(text)


def _pax_records(body: bytes) -> dict[str, bytes]:
    """``length key=value\\n`` records; the last of a key counts. Raises LayerRefused."""
    records: dict[str, bytes] = {}
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
        records[key.decode("utf-8", "surrogateescape")] = value
        at = end
    return records
