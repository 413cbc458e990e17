"""Which parts of a sparse file are stored: GNU tar says it in four ways, and each is read as Go's archive/tar reads it.

The old way stands in the header and in blocks behind it (type ``S``); the others in PAX records (0.0, 0.1), or before
the content (1.0). A runtime unpacks the whole file, holes included, so that is what is listed. What Go refuses is
refused: a map that does not fit its file could show one content here and give another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from builds.domain.layer_files.numbers import decimal, number
from builds.domain.layer_files.refusals import LayerRefused

BLOCK = 512
MAP = "GNU.sparse.map"
MAP_RECORDS = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")  # of 0.0: MAP in pieces
_MAX_MAP_BYTES = 1024**2
_OLD_PARTS, _OLD_EXTENDED, _OLD_SIZE = slice(386, 482), 482, slice(483, 495)
_MORE_PARTS, _MORE_EXTENDED = slice(0, 504), 504
_PART_BYTES = 24

Part = tuple[int, int]  # where it stands in the file, and its length


def pax_version(records: Mapping[str, bytes]) -> str:
    """``0`` (0.0 and 0.1) or ``1`` (1.0) where the records make their entry a sparse file; "" where they do not.

    A name or a size for sparse files says nothing by itself: Go ignores both then.
    """
    said = (records.get("GNU.sparse.major", b""), records.get("GNU.sparse.minor", b""))
    if said in ((b"0", b"0"), (b"0", b"1")):
        return "0"
    if said == (b"1", b"0"):
        return "1"
    return "0" if said == (b"", b"") and records.get(MAP) else ""


def old_parts(block: bytes, more: Callable[[], bytes]) -> tuple[int, list[Part]]:
    """Size and stored parts by a header of type ``S``; ``more`` gives the blocks behind it. Raises LayerRefused."""
    size, parts = number(block[_OLD_SIZE], "size of a sparse file"), list(_listed(block[_OLD_PARTS]))
    is_extended = block[_OLD_EXTENDED]
    while is_extended:
        block = more()
        parts += _listed(block[_MORE_PARTS])
        is_extended = block[_MORE_EXTENDED]
    return size, parts


def parts_of_records(records: Mapping[str, bytes]) -> list[Part]:
    """Stored parts by a map in the PAX records. Raises LayerRefused."""
    text = records.get(MAP, b"")
    found = [_natural(one) for one in text.split(b",")] if text else []
    if len(found) != 2 * decimal(records, "GNU.sparse.numblocks", 0):
        raise LayerRefused("The map of a sparse file has another length than it says.")
    return list(zip(found[::2], found[1::2], strict=True))


def parts_before_content(block: Callable[[], bytes]) -> list[Part]:
    """Stored parts by a map before the content, in blocks that ``block`` gives. Raises LayerRefused."""
    read = bytearray()

    def lines(count: int) -> list[bytes]:
        while read.count(b"\n") < count:
            read.extend(block())
            if len(read) > _MAX_MAP_BYTES:
                raise LayerRefused(f"The map of a sparse file has over {_MAX_MAP_BYTES} bytes.")
        return bytes(read).split(b"\n", count)[:count]

    found = [_natural(one) for one in lines(1 + 2 * min(_natural(lines(1)[0]), _MAX_MAP_BYTES))][1:]
    return list(zip(found[::2], found[1::2], strict=True))


def require_fitting(parts: Sequence[Part], *, size: int, stored: int) -> None:
    """Raises LayerRefused unless the parts are in order, inside the file, and all that is stored."""
    end = 0
    for offset, length in parts:
        if offset < end or offset + length > size:
            raise LayerRefused("The parts of a sparse file do not fit into it.")
        end = offset + length
    if sum(length for _, length in parts) != stored:
        raise LayerRefused("A sparse file has other bytes than its parts say.")


def _listed(area: bytes) -> Iterator[Part]:
    for at in range(0, len(area), _PART_BYTES):
        if not area[at]:
            return
        yield number(area[at : at + 12], "part"), number(area[at + 12 : at + _PART_BYTES], "part")


def _natural(text: bytes) -> int:
    if not text.isdigit() or len(text) > 18:
        raise LayerRefused("The map of a sparse file holds something else than numbers.")
    return int(text)
