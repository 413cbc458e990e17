"""A checkpoint: a signed sentence about how long the record was, and what it hashed to, at a time.

Kept outside, it is what shows a cut tail or a record computed anew: whoever can write the database can
make a chain that fits itself, but not one that fits what was signed and taken away before.
"""

import hashlib
from datetime import datetime
from typing import Any

from audit.domain.body import time_text
from core.canonical import canonical_json

FORMAT = "goldgate-checkpoint/1"


def checkpoint_body(*, number: int, size: int, head: str, at: datetime, key_id: str) -> dict[str, Any]:
    """What is signed: the last seal's number and hash, and how many records are sealed up to it."""
    return {"format": FORMAT, "number": number, "size": size, "head": head, "at": time_text(at), "key_id": key_id}


def signed_bytes(body: dict[str, Any]) -> bytes:
    """The bytes that the signature is over: the canonical JSON. ``format`` keeps them apart from all else."""
    return canonical_json(body)


def key_id_of(public_key: bytes) -> str:
    """The name of an Ed25519 key: ``sha256:`` and the hex SHA-256 of its 32 raw bytes."""
    return f"sha256:{hashlib.sha256(public_key).hexdigest()}"


def checkpoint_document(*, body: dict[str, Any], signature: bytes, public_key: bytes) -> bytes:
    """The file that goes into the sink: one line of canonical JSON."""
    document = {"checkpoint": body, "signature": signature.hex(), "public_key": public_key.hex()}
    return canonical_json(document) + b"\n"
