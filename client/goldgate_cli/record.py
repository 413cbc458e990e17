"""Checks an export of the record with nothing but a public key and, better, the last checkpoint at hand.

Written from docs/reference/record.md, apart from the code that seals. One pass, one batch in memory:

1. every line is canonical JSON of a known type, in its order; the last one counts them all;
2. every position has its record, and each record has the leaf hash that its seal holds;
3. the leaves make the seal's root (RFC 6962, 2.1), the seal its hash, the hashes one chain;
4. every checkpoint is signed (Ed25519) by a key that was *given*, and names the head it signs;
5. the export reaches the checkpoint that came from outside, with the same head.

Each finding names the place; the rest is still checked, so that one damaged row hides no second one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_LINE_BYTES = 4 * 1024 * 1024
MAX_FINDINGS = 1_000
MAX_BATCH = 1_000  # records of one seal
# No deed is recorded later than this after its own time: a job has an hour at most.
LONG_BEFORE = timedelta(hours=2)
ZEROS = "0" * 64
MEMBERS = {
    "header": {"type", "format", "after", "through", "exported_at", "keys"},
    "record": {"type", "position", "seal", "record"},
    "seal": {"type", "hash", "leaves", "seal"},
    "checkpoint": {"type", "checkpoint", "signature"},
    "unsealed": {"type", "record", "is_pending"},
    "end": {"type", "checkpoints", "records", "seals", "unsealed"},
}
CHECKPOINT_FORMAT = "goldgate-checkpoint/1"
CHECKPOINT_MEMBERS = {"at": str, "format": str, "head": str, "key_id": str, "number": int, "size": int}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: ``where`` is a position, a seal, a checkpoint or a line."""

    where: str
    what: str


@dataclass(slots=True)
class Outcome:
    """What was found, and how far the record reaches."""

    records: int = 0
    seals: int = 0
    checkpoints: int = 0
    unsealed: int = 0
    head: str = ZEROS
    findings: list[Finding] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)  # what could not be checked, and why

    @property
    def is_whole(self) -> bool:
        return not self.findings


def leaf_hash(record: Json) -> str:
    return hashlib.sha256(b"\x00" + rfc8785.dumps(record)).hexdigest()


def seal_hash(seal: Json) -> str:
    return hashlib.sha256(b"\x02" + rfc8785.dumps(seal)).hexdigest()


def merkle_root(leaves: list[str]) -> str:
    """RFC 6962, 2.1: split at the largest power of two below the number of leaves."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = merkle_root(leaves[:k]), merkle_root(leaves[k:])
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def key_id(public_key: bytes) -> str:
    return "sha256:" + hashlib.sha256(public_key).hexdigest()


def _no_fraction(text: str) -> None:
    raise ValueError(f"{text}: there are no fractions in a record")


def is_checkpoint(value: Any) -> bool:
    """Whether ``value`` has the members of a checkpoint, each of its kind. Says nothing about who signed it."""
    if not isinstance(value, dict) or set(value) != set(CHECKPOINT_MEMBERS):
        return False
    if any(type(value[name]) is not kind for name, kind in CHECKPOINT_MEMBERS.items()):
        return False
    is_hash = len(value["head"]) == 64 and set(value["head"]) <= set("0123456789abcdef")
    return is_hash and value["format"] == CHECKPOINT_FORMAT and value["number"] > 0 and value["size"] > 0


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        yield number, line


class Verifier:
    """Reads one export. ``keys``: raw 32-byte public keys that the caller vouches for; ``outside``: the newest
    checkpoint from the sink, or None; ``earlier``: others from there, which whoever wrote the record anew could not
    take away even if they could add a newer one."""

    def __init__(self, *, keys: Iterable[bytes], outside: Json | None = None, earlier: Iterable[Json] = ()) -> None:
        self._keys = {key_id(key): key for key in keys}
        self._outside = outside
        self._by_number = {one["number"]: one for one in [*earlier, *([outside] if outside else [])]}
        self.outcome = Outcome()
        self._batch: dict[int, tuple[int, Json]] = {}  # position -> claimed seal and record, of the seal being read
        self._next_seal = self._next_position = 1
        self._previous: str | None = ZEROS  # None: unknown, after a damaged seal
        self._heads: dict[int, tuple[str, int]] = {}  # seal number -> hash as computed, size; only the last is kept
        self._signed = 0  # number of the last checkpoint
        self._sealed_at: datetime | None = None
        self._ended = False
        self._after = 0
        self._through: int | None = None

    def _found(self, where: str, what: str) -> None:
        if len(self.outcome.findings) < MAX_FINDINGS:
            self.outcome.findings.append(Finding(where, what))

    def verify(self, file: BinaryIO) -> Outcome:
        """Read to the end; every finding is in the outcome."""
        last = 0
        for number, line in _lines(file):
            last = number
            self._line(number, line)
        if not self._ended:
            self._found(f"line {last}", "the export ends without its last line: the file was cut here")
        if self._outside is not None:
            self._reaches(self._outside)
        else:
            self.outcome.cautions.append(
                "No checkpoint from outside was given: a cut tail, or a chain computed anew, cannot be seen."
            )
        if not self._keys:
            self.outcome.cautions.append("No public key was given: who signed the checkpoints was not checked.")
        return self.outcome

    def _line(self, number: int, line: bytes) -> None:
        where = f"line {number}"
        if self._ended:
            self._found(where, "stands behind the last line of the export")
            return
        value = self._parsed(where, line)
        if value is None:
            return
        kind = value["type"]
        if (kind == "header") != (number == 1):
            self._found(where, "the header must be the first line, and only that")
            return
        try:
            getattr(self, f"_{kind}")(where, value)
        except (KeyError, TypeError, ValueError, AttributeError):
            self._found(where, f"is no {kind} as this format has it: a member is missing or of another kind")

    def _parsed(self, where: str, line: bytes) -> Json | None:
        if not line.endswith(b"\n"):
            self._found(where, "is cut, or longer than any line of an export")
            return None
        try:
            value = json.loads(line, parse_float=_no_fraction, parse_constant=_no_fraction)
        except (ValueError, RecursionError):
            self._found(where, "is not JSON: the file was edited or damaged here")
            return None
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in MEMBERS or set(value) != MEMBERS[kind]:
            self._found(where, "is no line of an export: unknown type or members")
            return None
        try:
            if rfc8785.dumps(value) + b"\n" != line:
                self._found(where, "is not canonical JSON: the file was edited here")
        except (rfc8785.CanonicalizationError, RecursionError):
            self._found(where, "holds what canonical JSON cannot")
            return None
        return dict(value)

    def _header(self, where: str, value: Json) -> None:
        if value["format"] != "goldgate-record/1":
            self._found(where, f"is of the format {value['format']!r}; this command reads goldgate-record/1")
        self._through, self._after = int(value["through"]), int(value["after"])
        if value["after"]:
            self._next_seal = value["after"] + 1
            self._next_position = 0  # known with the first seal
            self._previous = None
            self.outcome.cautions.append(
                f"The export begins after seal {value['after']}: what came before was not checked."
            )

    def _record(self, where: str, value: Json) -> None:
        self.outcome.records += 1
        position = value["position"]
        if position in self._batch:
            self._found(f"position {position}", "stands twice")
        self._batch[position] = (value["seal"], value["record"])

    def _seal(self, where: str, value: Json) -> None:
        self.outcome.seals += 1
        seal, leaves, number = value["seal"], value["leaves"], value["seal"].get("number")
        name = f"seal {number}"
        if number < self._next_seal:
            self._found(name, "stands twice, or behind a later one")
            return
        if number > self._next_seal:
            self._found(f"seal {self._next_seal}", f"is missing: seal {number} follows")
            self._previous = None
            self._next_position = 0
        self._check_batch(seal, leaves)
        if seal["count"] != len(leaves) or not 1 <= len(leaves) <= MAX_BATCH:
            self._found(name, f"says {seal['count']} records and lists {len(leaves)}, of 1 to {MAX_BATCH}")
        if self._next_position and seal["first"] != self._next_position:
            self._found(name, f"begins at position {seal['first']}; {self._next_position} must follow")
        if leaves and merkle_root(leaves) != seal["root"]:
            self._found(name, "its leaves do not make its root: they, or the root, were changed")
        computed = seal_hash(seal)
        if computed != value["hash"]:
            self._found(name, "does not have the hash that it is listed with: it was changed")
        if self._previous is not None and seal["previous"] != self._previous:
            self._found(name, "does not chain to the seal before it")
        self._previous = value["hash"]
        self.outcome.head = computed
        size = seal["first"] + seal["count"] - 1
        self._heads = {number: (computed, size)}
        if number in self._by_number:
            self._compare(name, self._by_number[number], computed, size, "the checkpoint from outside")
        self._sealed_at = datetime.fromisoformat(seal["sealed_at"])
        self._next_seal, self._next_position = number + 1, size + 1
        self._batch.clear()

    def _check_batch(self, seal: Json, leaves: list[str]) -> None:
        for offset, leaf in enumerate(leaves):
            position = seal["first"] + offset
            claimed, record = self._batch.pop(position, (None, None))
            if record is None:
                self._found(f"position {position}", f"the record is missing; its seal still holds its hash {leaf}")
            elif leaf_hash(record) != leaf:
                self._found(f"position {position}", f"the record {record.get('id')} was changed after it was sealed")
            elif claimed != seal["number"]:
                self._found(f"position {position}", f"says that seal {claimed} covers it; seal {seal['number']} does")
        for position in self._batch:
            self._found(f"position {position}", f"is covered by no leaf of seal {seal['number']}: it was put in")

    def _checkpoint(self, where: str, value: Json) -> None:
        self.outcome.checkpoints += 1
        checkpoint = value["checkpoint"]
        if not is_checkpoint(checkpoint):
            self._found(f"checkpoint {checkpoint.get('number')}", "is no checkpoint as this format has it")
            return
        name = f"checkpoint {checkpoint['number']}"
        if checkpoint["number"] == self._signed:
            self._found(name, "stands twice")
        self._signed = checkpoint["number"]
        self._check_signature(name, checkpoint, value["signature"])
        if checkpoint["number"] in self._heads:
            self._compare(name, checkpoint, *self._heads[checkpoint["number"]], "it")
        else:
            self._found(name, "does not stand behind its seal")

    def _check_signature(self, name: str, checkpoint: Json, signature: str) -> None:
        if not self._keys:
            return
        public = self._keys.get(checkpoint["key_id"])
        if public is None:
            self._found(name, f"is signed by {checkpoint['key_id']}, a key that you did not name")
            return
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signature), rfc8785.dumps(checkpoint))
        except (InvalidSignature, ValueError):
            self._found(name, "its signature does not hold: it was forged or changed")

    def _compare(self, name: str, checkpoint: Json, head: str, size: int, words: str) -> None:
        if checkpoint["head"] != head or checkpoint["size"] != size:
            self._found(name, f"{words} names another head: the record was written anew at or before this seal")

    def _unsealed(self, where: str, value: Json) -> None:
        self.outcome.unsealed += 1
        name = f"record {value['record']['id']}"
        if value["is_pending"] is not True:
            self._found(name, "is not known to the sealer: it was put in past Goldgate")
        elif self._sealed_at and datetime.fromisoformat(value["record"]["at"]) < self._sealed_at - LONG_BEFORE:
            self._found(name, "is not sealed, and from long before the last seal: it was put in past Goldgate")

    def _end(self, where: str, value: Json) -> None:
        self._ended = True
        if self._batch:
            self._found(where, f"{len(self._batch)} records stand behind the last seal without one of their own")
        for name in ("records", "seals", "checkpoints", "unsealed"):
            if value[name] != getattr(self.outcome, name):
                self._found(where, f"counts {value[name]} {name}; the file has {getattr(self.outcome, name)}")
        if self._through is None:
            return
        if self._next_seal <= self._through:
            self._found(f"seal {self._next_seal}", f"is missing: the header promises seals up to {self._through}")
        elif self._next_seal > self._through + 1:
            self._found(where, f"the header promises seals up to {self._through}; there are more")

    def _reaches(self, outside: Json) -> None:
        reached = self._next_seal - 1
        if outside["number"] <= self._after:
            self.outcome.cautions.append(
                f"The checkpoint from outside stands at seal {outside['number']}, before this export begins:"
                " it was not compared."
            )
        if reached < outside["number"]:
            first = self._next_position or "?"
            self._found(
                f"position {first}",
                f"the tail was cut: the checkpoint from outside stands at seal {outside['number']} with"
                f" {outside['size']} records; positions {first} to {outside['size']} are missing",
            )


def read_checkpoint(data: bytes, *, keys: Iterable[bytes]) -> tuple[Json, bytes]:
    """A checkpoint file of a sink: the checkpoint, and the public key that it names.

    Raises ValueError when it is none, or when a key was given and its signature does not hold under it.
    """
    checkpoint, named, signature = _checkpoint_file(data)
    vouched = {key_id(key): key for key in keys}
    if vouched and checkpoint["key_id"] not in vouched:
        raise ValueError(f"it is signed by {checkpoint['key_id']}, a key that you did not name")
    public = vouched.get(checkpoint["key_id"], named)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, rfc8785.dumps(checkpoint))
    except InvalidSignature:
        raise ValueError("its signature does not hold") from None
    return checkpoint, named


def _checkpoint_file(data: bytes) -> tuple[Json, bytes, bytes]:
    try:
        value = json.loads(data)
        if set(value) != {"checkpoint", "public_key", "signature"} or not is_checkpoint(value["checkpoint"]):
            raise ValueError("other members")
        return value["checkpoint"], bytes.fromhex(value["public_key"]), bytes.fromhex(value["signature"])
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError("it is not a checkpoint file") from error
