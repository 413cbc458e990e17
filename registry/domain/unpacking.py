"""Whether a layer is what its configuration claims: the digest of its uncompressed bytes.

How it is packed is told by its first bytes, as containerd does, since the media type is only a claim. Output is
read in bounded pieces; a small input cannot make a large one.
"""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from typing import IO

import zstandard

from oci.digest import Digest
from registry.errors import LayerNotAsClaimed

MAX_UNPACKED_BYTES = 20 * 1024**3
MAX_RATIO = 200  # unpacked to packed
RATIO_COUNTS_FROM_BYTES = 64 * 1024**2  # small layers of zeros are harmless
_PIECE_BYTES = 1024 * 1024
_MAX_WINDOW_BYTES = 128 * 1024**2
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_CURE = "Build and push the image again."


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a layer turned out to be."""

    diff_id: Digest
    size_bytes: int


def unpack(file: IO[bytes], *, packed_bytes: int, digest: Digest, algorithm: str = "sha256") -> Unpacked:
    """Read a layer to its end and name what is in it; nothing is written anywhere.

    Raises LayerNotAsClaimed when it cannot be unpacked or grows past ``MAX_UNPACKED_BYTES`` or ``MAX_RATIO``.
    """
    hasher = hashlib.new(algorithm)
    size = 0
    try:
        stream = _opened(file)
        while piece := stream.read(_PIECE_BYTES):
            size += len(piece)
            if size > MAX_UNPACKED_BYTES or (size > RATIO_COUNTS_FROM_BYTES and size > packed_bytes * MAX_RATIO):
                raise LayerNotAsClaimed(
                    f"The layer {digest} unpacks to over {MAX_UNPACKED_BYTES} bytes or {MAX_RATIO} times its size.",
                    cure="Split it, or leave out what is empty.",
                )
            hasher.update(piece)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise LayerNotAsClaimed(f"The layer {digest} cannot be unpacked: {error}.", cure=_CURE) from error
    return Unpacked(Digest(algorithm, hasher.hexdigest()), size)


def _opened(file: IO[bytes]) -> IO[bytes]:
    start = file.read(4)
    file.seek(0)
    if start.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[return-value]
    if start == _ZSTD:
        reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
        return reader.stream_reader(file, read_across_frames=True)  # type: ignore[return-value]
    return file
