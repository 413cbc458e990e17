"""The hashes of the record (docs/reference/record.md).

- A leaf is SHA-256 over 0x00 and the canonical bytes of one record.
- The root of a batch is the Merkle tree hash of its leaves, RFC 6962 section 2.1: inner nodes are
  SHA-256 over 0x01, left, right; the left part is the largest power of two smaller than the whole.
- A seal's hash is SHA-256 over 0x02 and the canonical bytes of the seal, which names the seal before it.
The prefixes keep a leaf from ever being read as a node, or a node as a seal.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from core.canonical import canonical_json

LEAF, NODE, SEAL = b"\x00", b"\x01", b"\x02"
BEFORE_FIRST = "0" * 64  # what the first seal names as the one before it


def leaf_hash(record: dict[str, Any]) -> bytes:
    """The 32 bytes that stand for one record."""
    return hashlib.sha256(LEAF + canonical_json(record)).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The 32 bytes that stand for ``leaves`` in their order. Raises ValueError for none."""
    if not leaves:
        raise ValueError("an empty batch has no root here")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(NODE + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def seal_hash(seal: dict[str, Any]) -> str:
    """The hex hash that stands for a seal and, through ``previous``, for everything before it."""
    return hashlib.sha256(SEAL + canonical_json(seal)).hexdigest()
