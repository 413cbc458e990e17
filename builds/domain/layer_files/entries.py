"""One file of an image, and its line in the stored list.

A path is relative to the image's root, without a leading slash. Bytes that are no UTF-8 stand in it as lone surrogates
(PEP 383), so that no two names become one; JSON writes them as escapes.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One path of the merged image."""

    path: str
    kind: Kind
    mode: int  # permission bits with set-uid, set-gid and sticky
    uid: int = 0
    gid: int = 0
    size: int = 0  # bytes of a regular file as it is read, holes included
    sha256: str = ""  # hex, of a regular file; of a sparse one over what is stored of it
    target: str = ""  # of a symbolic link
    capabilities: str = ""  # hex of security.capability
    magic: Magic = Magic.NONE
    layer: int = 0  # the layer that it comes from, 0 is the lowest

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

    @property
    def content(self) -> tuple[str, str, str]:
        """What it holds: equal for files that hold the same."""
        return (self.kind, self.sha256, self.target)


def to_line(entry: FileEntry) -> str:
    """The entry as a line of the stored list: JSON, absent where empty."""
    return json.dumps(to_json(entry), separators=(",", ":")) + "\n"


def to_json(entry: FileEntry) -> dict[str, Any]:
    """The entry's members; those that are empty are left out."""
    found: dict[str, Any] = {"path": entry.path, "kind": entry.kind.value, "mode": entry.mode_text}
    for name in ("uid", "gid", "size", "sha256", "target", "capabilities", "magic", "layer"):
        if value := getattr(entry, name):
            found[name] = value
    return found


def from_json(members: Mapping[str, Any]) -> FileEntry:
    """The entry that ``to_json`` wrote, or that a child wrote whose words are checked here.

    Raises ValueError for anything else.
    """
    try:
        entry = FileEntry(
            path=members["path"],
            kind=Kind(members["kind"]),
            mode=int(members["mode"], 8),
            uid=members.get("uid", 0),
            gid=members.get("gid", 0),
            size=members.get("size", 0),
            sha256=members.get("sha256", ""),
            target=members.get("target", ""),
            capabilities=members.get("capabilities", ""),
            magic=Magic(members.get("magic", "")),
            layer=members.get("layer", 0),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"an entry of the file list is malformed: {error}") from error
    texts = (entry.path, entry.sha256, entry.target, entry.capabilities)
    numbers = (entry.mode, entry.uid, entry.gid, entry.size, entry.layer)
    if not all(type(one) is str for one in texts) or not all(type(one) is int and one >= 0 for one in numbers):
        raise ValueError("an entry of the file list has a member of the wrong type")
    return entry


def read_lines(lines: Iterable[bytes | str]) -> Iterator[FileEntry]:
    """The entries of a stored list. Raises ValueError."""
    for line in lines:
        members = json.loads(line)
        if not isinstance(members, dict):
            raise ValueError("a line of the file list is no object")
        yield from_json(members)


def shown(text: str, limit: int = 300) -> str:
    """``text`` as it may be shown and stored: nothing that hides, moves or reverses what stands beside it.

    Control characters, those that change direction, and bytes that are no UTF-8 are written as ``\\xNN``/``\\uNNNN``.
    """
    clean = "".join(_plain(one) for one in text[: limit + 1])
    return clean if len(text) <= limit else clean[: limit - 1] + "…"


def _plain(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp", "Cf"):
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character
