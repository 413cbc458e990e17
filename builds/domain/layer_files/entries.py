"""One file of an image, and its line in the stored list.

A path is relative to the image's root, without a leading slash. Bytes that are no UTF-8 stand in it as lone surrogates
(PEP 383), so that no two names become one; JSON writes them as escapes.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated

import msgspec

Natural = Annotated[int, msgspec.Meta(ge=0)]
SETUID, SETGID, STICKY = 0o4000, 0o2000, 0o1000
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Kind(StrEnum):
    """What a path is. A hard link is listed as the file that it names."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"  # symbolic
    CHARACTER = "character"
    BLOCK = "block"
    FIFO = "fifo"


class Magic(StrEnum):
    """What a regular file begins as."""

    NONE = ""
    ELF = "elf"
    SCRIPT = "script"


class FileEntry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One path of the merged image. A struct of msgspec's: an image has thousands, and each is made, written, read."""

    path: str
    kind: Kind
    mode: Natural  # permission bits with set-uid, set-gid and sticky
    uid: Natural = 0
    gid: Natural = 0
    size: Natural = 0  # bytes of a regular file as it is read, holes included
    sha256: str = ""  # hex, of a regular file; of a sparse one over what is stored of it
    target: str = ""  # of a symbolic link
    capabilities: str = ""  # hex of security.capability
    magic: Magic = Magic.NONE
    layer: Natural = 0  # the layer that it comes from, 0 is the lowest

    @property
    def is_setuid(self) -> bool:
        """Whether whoever starts it becomes its owner or its group."""
        return self.kind is Kind.FILE and bool(self.mode & (SETUID | SETGID)) and bool(self.mode & 0o111)

    @property
    def is_executable(self) -> bool:
        """Whether somebody may start it."""
        return self.kind is Kind.FILE and bool(self.mode & 0o111)

    @property
    def mode_text(self) -> str:
        """``0755``, ``4755``."""
        return f"{self.mode:04o}"


_decoder = msgspec.json.Decoder(FileEntry)
_encoder = msgspec.json.Encoder()


def to_line(entry: FileEntry) -> bytes:
    """The entry as a line of the stored list: JSON, members that are empty left out."""
    try:
        return _encoder.encode(entry) + b"\n"
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(entry), separators=(",", ":")).encode() + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[FileEntry]:
    """The entries of a list, each member checked. Raises ValueError."""
    for line in lines:
        try:
            yield _decoder.decode(line)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            # Python's own reads lone surrogates, which stand for bytes that are no text.
            yield msgspec.convert(json.loads(line), FileEntry)


def shown(text: str, limit: int = 300) -> str:
    """``text`` as it may be shown and stored: nothing that hides, moves or reverses what stands beside it.

    Control characters, those that change direction, and bytes that are no UTF-8 are written as ``\\xNN``/``\\uNNNN``.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    clean = "".join(_plain(one) for one in text[: limit + 1])
    return clean if len(text) <= limit else clean[: limit - 1] + "…"


def _plain(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp", "Cf"):
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character
