"""How a layer is packed: gzip, zstd or not at all, told by its first bytes, as containerd does.

Output comes in bounded pieces. What stands behind the packed bytes and is none itself is an error, not an end.
"""

import zlib
from typing import Protocol

import zstandard

UNPACKING_ERRORS = (OSError, EOFError, zlib.error, zstandard.ZstdError)
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
# A zstd frame that is skipped (RFC 8878, 3.1.2). It may come first; who does not know it reads another archive.
_ZSTD_SKIPPED = tuple(bytes([number, 0x2A, 0x4D, 0x18]) for number in range(0x50, 0x60))
_MAX_WINDOW_BYTES = 128 * 1024**2
_PACKED_BYTES = 256 * 1024


class Readable(Protocol):
    """What can be read from, once, from the front."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


def open_packed(file: Readable) -> Readable:
    """The unpacked bytes of a layer. Reading them raises what ``UNPACKING_ERRORS`` lists."""
    start = file.read(_PACKED_BYTES)
    begun = _Begun(start, file)
    if start.startswith(_GZIP):
        return _Gzip(begun)
    if start.startswith((_ZSTD, *_ZSTD_SKIPPED)):
        reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
        return reader.stream_reader(begun, read_across_frames=True)  # type: ignore[arg-type]
    return begun


class _Begun:
    """A file whose beginning was read already."""

    def __init__(self, start: bytes, file: Readable) -> None:
        self._start = start
        self._file = file

    def read(self, size: int, /) -> bytes:
        if self._start:
            piece, self._start = self._start[:size], self._start[size:]
            return piece
        return self._file.read(size)


class _Gzip:
    """Gzip members one behind another (RFC 1952), their checksums held to. Python's own reads 8 KiB at a time."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._packed = b""
        self._member = zlib.decompressobj(wbits=31)
        self._is_filled = False  # zeros were seen behind a member

    def read(self, size: int, /) -> bytes:
        while True:
            if not self._packed:
                self._packed = self._file.read(_PACKED_BYTES)
            is_over = not self._packed
            if self._member.eof and not self._next_member():
                if is_over:
                    return b""
                continue
            piece = self._member.decompress(self._packed, size)
            self._packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if piece:
                return piece
            if is_over and not self._member.eof:
                raise EOFError("it ends in the middle of its packed bytes")

    def _next_member(self) -> bool:
        """Zeros may fill up what is behind the last member; anything else must be the next one."""
        bare = self._packed.lstrip(b"\0")
        self._is_filled |= len(bare) < len(self._packed)
        self._packed = bare
        if self._packed and self._is_filled:
            # Some programs end at the zeros, others go on behind them.
            raise zlib.error("it goes on behind zeros")
        if self._packed:
            self._member = zlib.decompressobj(wbits=31)
        return bool(self._packed)
