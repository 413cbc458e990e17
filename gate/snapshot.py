"""The snapshot a gate answers from: a base of fixed records, an overlay of everything since.

Format of the base (``base-<n>.bin``, little-endian), sorted by digest, at most 64 bytes a record so that
a million digests are a 64 MB file which every worker maps and none holds:

    header   64 bytes: magic "GGBASE01", version u64, issued_at u64, count u64, size of the side file u64
    record   64 bytes: digest 32s, kind u8, scan u8, lineage u8, flags u8, scanned_at u32, feed_at u32,
             certified_from u32, certified_until u32, known_exploited_due_at u32,
             offset of its side record u40, length of it u24

The side file (``base-<n>.reasons``): 64 bytes of the same header, then MessagePack maps of the fields that
have no column (lists, words, rare times); equal ones are written once.

The overlay (JSON, ``Overlay``) holds what changed since that base, revocations first, and what every
answer needs: policy, trusted repositories, the digests each cluster's namespaces ran lately.

Reading never trusts a length or an offset: a file that contradicts itself raises MalformedSnapshot.
"""

import itertools
import mmap
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

from core.errors import GoldgateError, Kind
from gate.facts import ArtifactKind, DigestFacts, Lineage, ScanState
from gate.policy import MalformedPolicy, PolicyDocument

FORMAT = 1
MAGIC = b"GGBASE01"
HEADER = struct.Struct("<8sQQQQ24x")
RECORD = struct.Struct("<32sBBBBIIIII5s3s")
MAX_OVERLAY_BYTES = 256 * 1024 * 1024
CACHED_DIGESTS = 10_000  # decoded records kept per worker; about 0.75 kB each

_KINDS = tuple(ArtifactKind)
_SCANS = tuple(ScanState)
_LINEAGES = tuple(Lineage)
_FROZEN_FEED = 1
_COLUMNS = (
    "kind",
    "scan",
    "lineage",
    "is_feed_frozen",
    "scanned_at",
    "feed_at",
    "certified_from",
    "certified_until",
    "known_exploited_due_at",
)
_DEFAULTS = {name: getattr(DigestFacts(digest=""), name) for name in _COLUMNS}


class MalformedSnapshot(GoldgateError):
    """The snapshot's files contradict themselves or each other; nothing can be answered from them."""

    code: ClassVar[str] = "malformed_snapshot"
    kind: ClassVar[Kind] = Kind.MALFORMED


class Revocation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A withdrawal that must hold even if the digest's other facts are old."""

    digest: str
    revoked_at: int
    reason: str = ""
    use_instead: str = ""
    use_instead_name: str = ""


class Ran(msgspec.Struct, frozen=True, array_like=True):
    """A digest that a namespace of a cluster ran, and when an answer last admitted it."""

    namespace: str
    digest: str
    last_at: int


class Overlay(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything since the base, and what every answer needs. Revocations stand first."""

    format: int
    version: int  # of the whole snapshot; only grows
    issued_at: int
    base_version: int
    revocations: tuple[Revocation, ...] = ()
    policy: dict[str, Any]  # PolicyDocument.to_json()
    policy_version: int
    policy_sha256: str = ""
    trusted_repositories: tuple[str, ...] = ()  # "host[:port]" or "host[:port]/path", matched on path boundaries
    portal_url: str = ""  # answers link to <portal_url>/d/<short id>
    facts: tuple[DigestFacts, ...] = ()  # each replaces the base's record of its digest
    removed: tuple[str, ...] = ()  # digests of the base that are known no longer
    ran: dict[str, tuple[Ran, ...]] = {}  # by cluster name; within the policy's restart window
    # "host/path:tag" and "host/path" -> the full reference by digest to use instead.
    instead: dict[str, str] = {}


def write_base(
    facts: Iterable[DigestFacts], *, version: int, issued_at: int, base_path: Path, reasons_path: Path
) -> int:
    """Write both files of a base from ``facts`` in any order; return how many digests it holds.

    Raises ValueError for a digest given twice or one that is not ``sha256:<64 lower-case hex>``.
    """
    records: list[bytes] = []
    offsets: dict[bytes, int] = {}
    encoder = msgspec.msgpack.Encoder()
    end = HEADER.size
    with reasons_path.open("wb") as side_file:
        side_file.write(bytes(HEADER.size))
        for item in facts:
            side = encoder.encode(_without_columns(item))
            if (offset := offsets.get(side)) is None:
                offset = offsets[side] = end
                end += side_file.write(side)
            records.append(_record(item, offset, len(side)))
        records.sort()
        header = HEADER.pack(MAGIC, version, issued_at, len(records), end)
        side_file.seek(0)
        side_file.write(header)
    for before, after in itertools.pairwise(records):
        if before[:32] == after[:32]:
            raise ValueError(f"sha256:{after[:32].hex()} is given twice")
    with base_path.open("wb") as base_file:
        base_file.write(header)
        base_file.writelines(records)
    return len(records)


def write_overlay(overlay: Overlay, path: Path) -> None:
    """Write ``overlay`` as JSON."""
    path.write_bytes(msgspec.json.encode(overlay))


class Snapshot:
    """One version to answer from. Immutable: a newer version is another object.

    ``expires_at`` is the earliest expiry of the metadata that vouches for the files (``gate.tuf``); the
    engine denies from that second on. Unix seconds.
    """

    def __init__(self, base: "BaseFile", overlay: Overlay, *, expires_at: int) -> None:
        if overlay.format != FORMAT:
            raise MalformedSnapshot(f"The overlay has format {overlay.format}; this gate reads {FORMAT}.")
        if overlay.base_version != base.version:
            raise MalformedSnapshot(f"The overlay is for base {overlay.base_version}, the base is {base.version}.")
        try:
            self.policy = PolicyDocument.from_json(overlay.policy)
        except MalformedPolicy as error:
            raise MalformedSnapshot(f"The snapshot's policy cannot be read: {error}") from error
        self.version = overlay.version
        self.issued_at = overlay.issued_at
        self.expires_at = expires_at
        self.policy_version = overlay.policy_version
        self.portal_url = overlay.portal_url.rstrip("/")
        self.trusted_repositories = overlay.trusted_repositories
        self.base_version = base.version
        self._base = base
        self._changed: dict[str, DigestFacts | None] = dict.fromkeys(overlay.removed)
        self._changed.update((item.digest, item) for item in overlay.facts)
        self._revoked = {item.digest: item for item in overlay.revocations}
        self._instead = overlay.instead
        self._ran = {
            (cluster, ran.namespace, ran.digest): ran.last_at for cluster, rows in overlay.ran.items() for ran in rows
        }
        self._cache: dict[str, DigestFacts | None] = {}

    @classmethod
    def open(cls, base_path: Path, reasons_path: Path, overlay_path: Path, *, expires_at: int) -> Self:
        """Map the base and read the overlay. Raises MalformedSnapshot, OSError."""
        return cls(BaseFile.open(base_path, reasons_path), read_overlay(overlay_path), expires_at=expires_at)

    def lookup(self, digest: str) -> DigestFacts | None:
        """What is known about ``digest``, or None when it is not known at all."""
        try:
            return self._cache[digest]
        except KeyError:
            pass
        found = self._changed[digest] if digest in self._changed else self._base.lookup(digest)
        if (revocation := self._revoked.get(digest)) is not None:
            found = _revoked(found, revocation)
        if len(self._cache) >= CACHED_DIGESTS:
            self._cache.clear()
        self._cache[digest] = found
        return found

    def ran_at(self, *, cluster: str, namespace: str, digest: str) -> int:
        """When ``namespace`` of ``cluster`` was last admitted with ``digest``; 0: not in the window."""
        return self._ran.get((cluster, namespace, digest), 0)

    def instead_of(self, name: str, tag: str = "") -> str:
        """The reference by digest to use for ``name`` ("host/path") and ``tag``; empty when none is known."""
        return (self._instead.get(f"{name}:{tag}") if tag else None) or self._instead.get(name, "")


class BaseFile:
    """A mapped base. Lookups touch only the pages they need."""

    def __init__(self, base: mmap.mmap, reasons: mmap.mmap) -> None:
        self.version, self.issued_at, self.count = _checked_header(base, reasons)
        self._base = base
        self._reasons = reasons
        self._decoder = msgspec.msgpack.Decoder(DigestFacts)

    @classmethod
    def open(cls, base_path: Path, reasons_path: Path) -> Self:
        """Map both files. Raises MalformedSnapshot when they are no base or not of one base; OSError."""
        return cls(_mapped(base_path), _mapped(reasons_path))

    def lookup(self, digest: str) -> DigestFacts | None:
        """The base's record of ``digest``, or None. Raises MalformedSnapshot for an offset outside the file."""
        algorithm, _, encoded = digest.partition(":")
        if algorithm != "sha256" or len(encoded) != 64:
            return None
        try:
            key = bytes.fromhex(encoded)
        except ValueError:
            return None
        base = self._base
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            start = HEADER.size + middle * RECORD.size
            found = base[start : start + 32]
            if found < key:
                low = middle + 1
            elif found > key:
                high = middle
            else:
                return self._read(digest, RECORD.unpack_from(base, start))
        return None

    def _read(self, digest: str, row: tuple[Any, ...]) -> DigestFacts:
        offset, length = int.from_bytes(row[10], "little"), int.from_bytes(row[11], "little")
        if not HEADER.size <= offset <= offset + length <= len(self._reasons):
            raise MalformedSnapshot(f"The base's record of {digest} points outside its side file.")
        try:
            facts = self._decoder.decode(self._reasons[offset : offset + length])
            facts.kind, facts.scan, facts.lineage = _KINDS[row[1]], _SCANS[row[2]], _LINEAGES[row[3]]
        except (msgspec.DecodeError, IndexError) as error:
            raise MalformedSnapshot(f"The base's record of {digest} cannot be read: {error}") from error
        facts.digest = digest
        facts.is_feed_frozen = bool(row[4] & _FROZEN_FEED)
        facts.scanned_at, facts.feed_at, facts.certified_from, facts.certified_until = row[5:9]
        facts.known_exploited_due_at = row[9]
        return facts


def read_overlay(path: Path) -> Overlay:
    """Read an overlay. Raises MalformedSnapshot for one that is too large or does not fit the format; OSError."""
    size = path.stat().st_size
    if size > MAX_OVERLAY_BYTES:
        raise MalformedSnapshot(f"The overlay has {size} bytes, more than {MAX_OVERLAY_BYTES}.")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Overlay)
    except msgspec.MsgspecError as error:
        raise MalformedSnapshot(f"The overlay cannot be read: {error}") from error


def _without_columns(facts: DigestFacts) -> DigestFacts:
    return msgspec.structs.replace(facts, digest="", **_DEFAULTS)


def _record(facts: DigestFacts, offset: int, length: int) -> bytes:
    algorithm, _, encoded = facts.digest.partition(":")
    if algorithm != "sha256" or len(encoded) != 64 or encoded != encoded.lower():
        raise ValueError(f"{facts.digest!r} is not sha256:<64 lower-case hex>")
    return RECORD.pack(
        bytes.fromhex(encoded),
        _KINDS.index(facts.kind),
        _SCANS.index(facts.scan),
        _LINEAGES.index(facts.lineage),
        _FROZEN_FEED if facts.is_feed_frozen else 0,
        facts.scanned_at,
        facts.feed_at,
        facts.certified_from,
        facts.certified_until,
        facts.known_exploited_due_at,
        offset.to_bytes(5, "little"),
        length.to_bytes(3, "little"),
    )


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        if path.stat().st_size < HEADER.size:
            raise MalformedSnapshot(f"{path.name} is shorter than its header.")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _checked_header(base: mmap.mmap, reasons: mmap.mmap) -> tuple[int, int, int]:
    magic, version, issued_at, count, reasons_size = HEADER.unpack_from(base, 0)
    if magic != MAGIC:
        raise MalformedSnapshot("The base does not begin like a base of this format.")
    if reasons[: HEADER.size] != base[: HEADER.size]:
        raise MalformedSnapshot("The side file is not of this base.")
    if len(base) != HEADER.size + count * RECORD.size or len(reasons) != reasons_size:
        raise MalformedSnapshot("The base is cut or padded: its length is not what its header says.")
    return version, issued_at, count


def _revoked(facts: DigestFacts | None, revocation: Revocation) -> DigestFacts:
    known = facts or DigestFacts(digest=revocation.digest)
    return msgspec.structs.replace(
        known,
        revoked_at=revocation.revoked_at,
        reason=revocation.reason or known.reason,
        use_instead=revocation.use_instead or known.use_instead,
        use_instead_name=revocation.use_instead_name or known.use_instead_name,
    )
