"""Layers byte by byte, so that a test can write what no tool would.

layer(entry("etc/passwd", b"root:x:0:0"), entry("etc/x", type=LINK, target="/tmp"))   # a tar, ended
gz(layer(…))                                                                        # packed
"""

import gzip
from pathlib import Path

from builds.adapters.layer_reader.parent import ImageFiles, LayerBlob, read_layers
from builds.domain.layer_files import LIMITS, FileEntry, LayerLimits
from oci.digest import Digest
from scans.adapters.child import Limits

FILE, HARD, LINK, CHARACTER, BLOCK, DIRECTORY, FIFO, SPARSE = b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"S"
END = bytes(1024)
# Tight, so that a test shows that they hold.
CHILD = Limits(wall_seconds=60, cpu_seconds=60, data_bytes=256 * 1024**2, file_bytes=64 * 1024**2)


def header(
    name: bytes | str,
    *,
    type: bytes = FILE,
    size: int | bytes = 0,
    mode: int = 0o644,
    target: bytes | str = b"",
    uid: int = 0,
    magic: bytes = b"ustar\x0000",
    checksum: int | None = None,
    behind: dict[int, bytes] | None = None,
) -> bytes:
    """One header of 512 bytes. ``size`` as bytes is written as it is; ``behind`` overwrites at offsets."""
    name, target = (one.encode() if isinstance(one, str) else one for one in (name, target))
    block = bytearray(512)
    block[0:100] = name[:100].ljust(100, b"\0")
    block[100:108] = b"%07o\0" % mode
    block[108:116] = b"%07o\0" % uid
    block[116:124] = b"%07o\0" % 0
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    block[136:148] = b"%011o\0" % 0
    block[156:157] = type
    block[157:257] = target[:100].ljust(100, b"\0")
    block[257:265] = magic
    for offset, value in (behind or {}).items():
        block[offset : offset + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % (sum(block) if checksum is None else checksum)
    return bytes(block)


def entry(name: bytes | str, body: bytes = b"", **fields) -> bytes:
    """A header and its content."""
    return header(name, **{"size": len(body), **fields}) + body + bytes(-len(body) % 512)


def directory(name: str, mode: int = 0o755) -> bytes:
    return entry(name, type=DIRECTORY, mode=mode)


def pax(records: dict[str, bytes | str], type: bytes = b"x") -> bytes:
    """A header that extends the next entry."""
    return raw_pax(b"".join(record(key, value) for key, value in records.items()), type)


def raw_pax(body: bytes, type: bytes = b"x") -> bytes:
    return entry("PaxHeaders/x", body, type=type)


def record(key: str, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    body = b" " + key.encode() + b"=" + value + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def layer(*parts: bytes) -> bytes:
    """The parts, ended."""
    return b"".join(parts) + END


def gz(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def blobs(where: Path, *layers: bytes) -> list[LayerBlob]:
    """The layers as stored blobs."""
    where.mkdir(exist_ok=True)
    found = []
    for number, body in enumerate(layers):
        path = where / f"layer-{number}"
        path.write_bytes(body)
        found.append(LayerBlob(path, str(Digest.of(body)), len(body)))
    return found


def read(
    tmp_path: Path, *layers: bytes, limits: LayerLimits = LIMITS, child_limits: Limits = CHILD
) -> dict[str, FileEntry]:
    """The merged files by path, as the child reads them; without the root. Raises LayersRefused."""
    job = tmp_path / "job"
    job.mkdir()
    with read_layers(blobs(tmp_path / "blobs", *layers), job, limits=limits, child_limits=child_limits) as found:
        return {one.path: one for one in found.files() if one.path}


def look(tmp_path: Path, *layers: bytes) -> ImageFiles:
    """What the child wrote, to be asked for secrets."""
    job = tmp_path / "job"
    job.mkdir()
    with read_layers(blobs(tmp_path / "blobs", *layers), job, child_limits=CHILD) as found:
        return found
