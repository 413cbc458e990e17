"""Verifying a snapshot's metadata: who signed it, that it is the newest, that its parts belong together.

The chain of The Update Framework (specification 1.0.33 §5), on python-tuf's metadata API, without network
and without files, so that a gate can start from its disk with the portal gone:

- root → root+1 → …: each signed by a threshold of the one before and of itself (§5.3);
- timestamp: signed by root's timestamp key; its version and the snapshot's never fall (§5.4, rollback);
- snapshot: the length and hashes that the timestamp names, the version it names; no listed version falls (§5.5);
- targets: the length, hashes and version that the snapshot names (§5.6, mix and match);
- target files: the length and hash that targets names.

Expiry (freeze) is not judged while loading: ``Chain.expires_at`` is the earliest of the four, the fetcher
refuses a chain that is over, and the engine asks again at every decision. Times are Unix seconds, UTC.
"""

import copy
from typing import ClassVar, NamedTuple, TypeVar

import msgspec
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp

from core.errors import GoldgateError, Kind
from gate.tuf_names import read_target_names, stored_name

MAX_ROOT_BYTES = 512_000
MAX_TIMESTAMP_BYTES = 16_384
MAX_SNAPSHOT_BYTES = 2_000_000
MAX_TARGETS_BYTES = 5_000_000
MAX_TARGET_BYTES = 8 * 1024**3
MAX_ROOT_ROTATIONS = 256

_Role = TypeVar("_Role", Root, Timestamp, Snapshot, Targets)


class UntrustedSnapshot(GoldgateError):
    """The metadata or a file is not what the root vouches for; what was in force stays in force."""

    code: ClassVar[str] = "untrusted_snapshot"
    kind: ClassVar[Kind] = Kind.REFUSED


class TrustedFile(NamedTuple):
    """A target that the chain vouches for."""

    name: str
    stored_name: str
    length: int
    sha256: str

    def require(self, body_length: int, sha256: str) -> None:
        """Raises UntrustedSnapshot unless these are the bytes that were vouched for."""
        if body_length != self.length or sha256 != self.sha256:
            raise UntrustedSnapshot(f"{self.name} has other bytes than the metadata vouches for.")


class TrustedFiles(NamedTuple):
    """The files of one snapshot version."""

    base: TrustedFile
    reasons: TrustedFile
    overlay: TrustedFile


class Bundle(msgspec.Struct):
    """A whole chain as received, in one file: what is written at once cannot be half new."""

    roots: list[bytes]  # from the one after the trusted root upwards; may be empty
    timestamp: bytes
    snapshot: bytes
    targets: bytes


class Chain:
    """Metadata verified so far. Load in order: roots, timestamp, snapshot, targets."""

    def __init__(self, trusted_root: bytes) -> None:
        """Begin with the root this gate was enrolled with. Raises UntrustedSnapshot if it does not sign itself."""
        self.root = _signed_by_itself(trusted_root)
        self.roots: list[bytes] = []
        self.timestamp: Timestamp | None = None
        self.snapshot: Snapshot | None = None
        self.targets: Targets | None = None
        self._bytes: dict[str, bytes] = {}

    @classmethod
    def of(cls, trusted_root: bytes, bundle: Bundle) -> "Chain":
        """The chain that ``bundle`` holds. Raises UntrustedSnapshot."""
        chain = cls(trusted_root)
        for root in bundle.roots:
            chain.add_root(root)
        chain.set_timestamp(bundle.timestamp)
        chain.set_snapshot(bundle.snapshot)
        chain.set_targets(bundle.targets)
        return chain

    def copy(self) -> "Chain":
        """A chain to try something on: what fails half-way leaves this one as it was."""
        found = copy.copy(self)
        found.roots, found._bytes = [*self.roots], {**self._bytes}
        return found

    def add_root(self, data: bytes) -> None:
        """Take the next root (§5.3.4-5.3.6). Raises UntrustedSnapshot for a foreign or skipped one."""
        new = _verified(Root, data, self.root, MAX_ROOT_BYTES)
        if new.version != self.root.version + 1:
            raise UntrustedSnapshot(f"Root {new.version} does not follow root {self.root.version}.")
        self.root = _signed_by_itself(data)
        self.roots.append(data)

    def set_timestamp(self, data: bytes) -> bool:
        """Take a timestamp; False when it is the one already held. Raises UntrustedSnapshot for an older one."""
        new = _verified(Timestamp, data, self.root, MAX_TIMESTAMP_BYTES)
        held = self.timestamp
        if held is not None:
            if new.version < held.version:
                raise UntrustedSnapshot(f"Timestamp {new.version} is older than {held.version}, which was seen here.")
            if new.version == held.version:
                return False
            if new.snapshot_meta.version < held.snapshot_meta.version:
                raise UntrustedSnapshot("The timestamp names an older snapshot than the one seen here.")
        self.timestamp = new
        self._bytes["timestamp"] = data
        return True

    def set_snapshot(self, data: bytes) -> None:
        """Take the snapshot that the timestamp names. Raises UntrustedSnapshot."""
        if self.timestamp is None:
            raise RuntimeError("set_timestamp comes first")
        named = self.timestamp.snapshot_meta
        _require_bytes("snapshot", named, data)
        new = _verified(Snapshot, data, self.root, MAX_SNAPSHOT_BYTES)
        if new.version != named.version:
            raise UntrustedSnapshot(f"The timestamp names snapshot {named.version}, this is {new.version}.")
        for name, held in self.snapshot.meta.items() if self.snapshot else ():
            if name not in new.meta or new.meta[name].version < held.version:
                raise UntrustedSnapshot(f"The snapshot names an older {name} than the one seen here, or none.")
        self.snapshot = new
        self._bytes["snapshot"] = data

    def set_targets(self, data: bytes) -> None:
        """Take the targets that the snapshot names. Raises UntrustedSnapshot."""
        if self.snapshot is None:
            raise RuntimeError("set_snapshot comes first")
        named = self.snapshot.meta.get("targets.json")
        if named is None:
            raise UntrustedSnapshot("The snapshot names no targets.")
        _require_bytes("targets", named, data)
        new = _verified(Targets, data, self.root, MAX_TARGETS_BYTES)
        if new.version != named.version:
            raise UntrustedSnapshot(f"The snapshot names targets {named.version}, these are {new.version}.")
        self.targets = new
        self._bytes["targets"] = data

    @property
    def expires_at(self) -> int:
        """The earliest expiry of the four: from that second on the chain vouches for nothing."""
        roles: tuple[Signed | None, ...] = (self.root, self.timestamp, self.snapshot, self.targets)
        return min(int(role.expires.timestamp()) if role else 0 for role in roles)

    @property
    def files(self) -> TrustedFiles:
        """The files of this version. Raises UntrustedSnapshot unless targets lists exactly those three."""
        if self.targets is None:
            raise RuntimeError("set_targets comes first")
        names = read_target_names(self.targets.targets)
        if names is None:
            raise UntrustedSnapshot("The targets are not one base, its side file and one overlay.")
        return TrustedFiles(*(_trusted_file(self.targets.targets[name]) for name in names))

    def bundle(self) -> Bundle:
        """The chain as bytes; ``Chain.of`` makes it again."""
        return Bundle(self.roots, self._bytes["timestamp"], self._bytes["snapshot"], self._bytes["targets"])


def _signed_by_itself(data: bytes) -> Root:
    if len(data) > MAX_ROOT_BYTES:
        raise UntrustedSnapshot(f"The root has {len(data)} bytes, more than {MAX_ROOT_BYTES}.")
    try:
        found = Metadata[Root].from_bytes(data)
        if not isinstance(found.signed, Root):
            raise UntrustedSnapshot(f"The root is {found.signed.type!r}.")
        found.signed.verify_delegate(Root.type, found.signed_bytes, found.signatures)
    except RepositoryError as error:
        raise UntrustedSnapshot(f"The root does not hold: {error}") from error
    return found.signed


def _verified(role: type[_Role], data: bytes, root: Root, limit: int) -> _Role:
    """Parse ``data`` and check that ``root``'s keys for ``role`` signed it."""
    name = role.type
    if len(data) > limit:
        raise UntrustedSnapshot(f"The {name} has {len(data)} bytes, more than {limit}.")
    try:
        found = Metadata[_Role].from_bytes(data)
        if not isinstance(found.signed, role):
            raise UntrustedSnapshot(f"The {name} is {found.signed.type!r}.")
        root.verify_delegate(name, found.signed_bytes, found.signatures)
    except RepositoryError as error:
        raise UntrustedSnapshot(f"The {name} does not hold: {error}") from error
    return found.signed


def _require_bytes(name: str, named: MetaFile, data: bytes) -> None:
    if not named.hashes:
        # Optional in the specification; without them two signed halves of different versions would fit.
        raise UntrustedSnapshot(f"The {name} is named without its hash.")
    try:
        named.verify_length_and_hashes(data)
    except RepositoryError as error:
        raise UntrustedSnapshot(f"The {name} is not the one that was named: {error}") from error


def _trusted_file(target: TargetFile) -> TrustedFile:
    sha256 = target.hashes.get("sha256", "")
    if len(sha256) != 64 or not 0 < target.length <= MAX_TARGET_BYTES:
        raise UntrustedSnapshot(f"{target.path} is listed without a SHA-256 or with an impossible length.")
    return TrustedFile(target.path, stored_name(target.path, sha256), target.length, sha256)
