"""Builds exports of the record by hand, from docs/reference/record.md and nothing else.

Hashes, trees and canonical JSON are written out here again: a mistake that the verifier shared with a helper of ours
would be seen by nobody.
"""

import copy
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Json = dict[str, Any]
ZEROS = "0" * 64


def canonical(value: Any) -> bytes:
    """RFC 8785 for what the format allows: ASCII keys, no floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf(record: Json) -> str:
    return sha256(b"\x00" + canonical(record)).hex()


def root(leaves: list[str]) -> str:
    """RFC 6962, 2.1, from the bottom: neighbours are paired, an odd last one moves up as it is."""
    level = [bytes.fromhex(one) for one in leaves]
    while len(level) > 1:
        pairs = [sha256(b"\x01" + level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex() if level else ZEROS


def seal_hash(seal: Json) -> str:
    return sha256(b"\x02" + canonical(seal)).hex()


@dataclass
class Key:
    """A checkpoint key, always the same for the same number."""

    number: int = 1
    private: Ed25519PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([self.number]) * 32)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        return f"sha256:{hashlib.sha256(self.public).hexdigest()}"

    def sign(self, checkpoint: Json) -> str:
        return self.private.sign(canonical(checkpoint)).hex()


KEY, FOREIGN = Key(1), Key(2)


def record(number: int, **changed: Any) -> Json:
    """A deed."""
    return {
        "actor": {"id": "0199-a", "kind": "person", "name": "Rita"},
        "at": f"2026-11-24T12:00:{number % 60:02d}.000000Z",
        "data": {"role": "reviewer", "text": "ä\u2028😀"},
        "id": number * 3,  # ids have gaps
        "request_id": "",
        "subject": {"id": "0199-b", "kind": "person", "label": "rita"},
        "uuid": f"0199-{number}",
        "verb": "role.granted",
    } | changed


class Export:
    """An export as rows, before they are lines. ``batches`` holds each seal's records."""

    def __init__(self, *batches: int, key: Key = KEY, checkpoints: tuple[int, ...] | None = None) -> None:
        numbers = iter(range(1, sum(batches) + 1))
        self.batches = [[record(next(numbers)) for _ in range(count)] for count in batches]
        self.key = key
        self.checkpoints = tuple(range(1, len(batches) + 1)) if checkpoints is None else checkpoints
        self.unsealed: list[tuple[Json, bool]] = []

    def rows(self, *, after: int = 0) -> list[Json]:
        """All lines in their order, whole and chained."""
        body: list[Json] = []
        previous, position = ZEROS, 1
        for number, batch in enumerate(self.batches, 1):
            leaves = [leaf(one) for one in batch]
            seal = {
                "count": len(batch), "first": position, "number": number, "previous": previous,
                "root": root(leaves), "sealed_at": f"2026-11-24T12:0{number}:00.000000Z",
            }  # fmt: skip
            lines = [
                {"type": "record", "position": position + at, "seal": number, "record": one}
                for at, one in enumerate(batch)
            ]
            lines.append({"type": "seal", "hash": seal_hash(seal), "leaves": leaves, "seal": seal})
            previous, position = seal_hash(seal), position + len(batch)
            if number in self.checkpoints:
                found = self.checkpoint(number, head=previous, size=position - 1)
                lines.append({"type": "checkpoint", "checkpoint": found, "signature": self.key.sign(found)})
            body += lines if number > after else []
        body += [{"type": "unsealed", "record": one, "is_pending": known} for one, known in self.unsealed]
        header = {
            "type": "header", "format": "goldgate-record/1", "after": after, "through": len(self.batches),
            "exported_at": "2026-11-24T13:00:00.000000Z",
            "keys": [{"key_id": self.key.key_id, "public_key": self.key.public.hex()}],
        }  # fmt: skip
        return copy.deepcopy([header, *body, end_of(body)])

    def checkpoint(self, number: int, *, head: str, size: int) -> Json:
        return {
            "at": f"2026-11-24T12:0{number}:30.000000Z", "format": "goldgate-checkpoint/1", "head": head,
            "key_id": self.key.key_id, "number": number, "size": size,
        }  # fmt: skip

    def from_the_sink(self) -> Json:
        """The file of the last checkpoint, as the sink has it."""
        last = next(row for row in reversed(self.rows()) if row["type"] == "checkpoint")
        return {
            "checkpoint": last["checkpoint"],
            "public_key": self.key.public.hex(),
            "signature": last["signature"],
        }


def end_of(body: list[Json]) -> Json:
    """The last line for ``body``."""
    count = {kind: sum(row["type"] == kind for row in body) for kind in ("checkpoint", "record", "seal", "unsealed")}
    return {
        "type": "end", "checkpoints": count["checkpoint"], "records": count["record"],
        "seals": count["seal"], "unsealed": count["unsealed"],
    }  # fmt: skip


def lines_of(rows: list[Json]) -> list[bytes]:
    return [canonical(row) + b"\n" for row in rows]


def index_of(rows: list[Json], kind: str, number: int) -> int:
    """Where a record (by position), a seal or a checkpoint (by number) stands."""
    for at, row in enumerate(rows):
        if row["type"] == kind == "record" and row["position"] == number:
            return at
        if row["type"] == kind and kind in ("seal", "checkpoint") and row[kind]["number"] == number:
            return at
    raise LookupError((kind, number))
