"""The keys that snapshots are signed with, in files: one a TUF role, ed25519, PKCS#8 PEM, mode 0600.

The root key signs only which keys the other roles have, once a year or when one is lost: it has a directory
of its own, which can be taken off the machine. The publisher never reads it. Its signed words,
``<n>.root.json``, lie beside the online keys.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from admission.errors import SnapshotKeysExist, SnapshotKeysUnavailable

ONLINE_ROLES = ("targets", "snapshot", "timestamp")
ROOT_DAYS = 365
ALARM_DAYS = 60  # before the root's end: gates that miss the next root stop for good


@dataclass(frozen=True, slots=True)
class OnlineKeys:
    """What the publisher signs with, and the root that vouches for it."""

    signers: dict[str, CryptoSigner]
    roots: tuple[bytes, ...]  # 1.root.json, 2.root.json, … as signed

    @property
    def root(self) -> Root:
        return Metadata[Root].from_bytes(self.roots[-1]).signed


def make(keys_dir: Path, root_dir: Path, *, now: datetime) -> str:
    """Make all four keys and the first root. The root's SHA-256. Raises SnapshotKeysExist; writes over nothing."""
    if list(keys_dir.glob("*.root.json")) or list(keys_dir.glob("*.pem")) or (root_dir / "root.pem").exists():
        raise SnapshotKeysExist(f"There are snapshot keys in {keys_dir} already.")
    for directory in (keys_dir, root_dir):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    signers = {role: _make_key(keys_dir / f"{role}.pem") for role in ONLINE_ROLES}
    root_signer = _make_key(root_dir / "root.pem")
    root = Root(version=1, expires=_whole(now + timedelta(days=ROOT_DAYS)), consistent_snapshot=True)
    root.add_key(root_signer.public_key, "root")
    for role, signer in signers.items():
        root.add_key(signer.public_key, role)
    return _write_root(keys_dir, root, [root_signer])


def renew_root(keys_dir: Path, root_dir: Path, *, now: datetime) -> str:
    """Sign the next root: the same keys, another year. Its SHA-256. Raises SnapshotKeysUnavailable."""
    root = _roots(keys_dir)[-1]
    signed = Metadata[Root].from_bytes(root).signed
    signed.version += 1
    signed.expires = _whole(now + timedelta(days=ROOT_DAYS))
    return _write_root(keys_dir, signed, [_read_key(root_dir / "root.pem")])


def rotate(keys_dir: Path, root_dir: Path, *, now: datetime) -> str:
    """New online keys under the same root key, which says so in the next root. Its SHA-256.

    The old keys are deleted: from the next root on nobody believes them. Raises SnapshotKeysUnavailable.
    """
    root_signer = _read_key(root_dir / "root.pem")
    signed = Metadata[Root].from_bytes(_roots(keys_dir)[-1]).signed
    signers = {role: _make_key(keys_dir / f"{role}.pem.new") for role in ONLINE_ROLES}
    for role, signer in signers.items():
        for old in list(signed.roles[role].keyids):
            signed.revoke_key(old, role)
        signed.add_key(signer.public_key, role)
    signed.version += 1
    signed.expires = _whole(now + timedelta(days=ROOT_DAYS))
    fingerprint = _write_root(keys_dir, signed, [root_signer])
    for role in ONLINE_ROLES:
        (keys_dir / f"{role}.pem.new").replace(keys_dir / f"{role}.pem")
    return fingerprint


def load(keys_dir: str) -> OnlineKeys:
    """The publisher's keys. Raises SnapshotKeysUnavailable when one is missing, open to others, or not the root's."""
    if not keys_dir:
        raise SnapshotKeysUnavailable(
            "This process has no snapshot keys.", cure="Set GOLDGATE_SNAPSHOT_KEYS_DIR in the publisher's environment."
        )
    directory = Path(keys_dir)
    roots = _roots(directory)
    signers = {role: _read_key(directory / f"{role}.pem") for role in ONLINE_ROLES}
    root = Metadata[Root].from_bytes(roots[-1]).signed
    for role, signer in signers.items():
        if signer.public_key.keyid not in root.roles[role].keyids:
            raise SnapshotKeysUnavailable(f"The {role} key in {directory} is not the one that the root names.")
    return OnlineKeys(signers=signers, roots=tuple(roots))


def fingerprint_of(root: bytes) -> str:
    """Hex SHA-256 over a root file: what a person compares when a gate is enrolled."""
    return hashlib.sha256(root).hexdigest()


def _roots(directory: Path) -> list[bytes]:
    """Every root, first to last. Raises SnapshotKeysUnavailable for none, or a gap."""
    try:
        paths = sorted(directory.glob("*.root.json"), key=lambda path: int(path.name.split(".")[0]))
        roots = [path.read_bytes() for path in paths]
        versions = [Metadata[Root].from_bytes(root).signed.version for root in roots]
    except (OSError, ValueError, RepositoryError) as error:
        raise SnapshotKeysUnavailable(f"The root in {directory} cannot be read: {error}") from error
    if not versions or versions != list(range(1, len(versions) + 1)):
        raise SnapshotKeysUnavailable(
            f"{directory} holds no unbroken line of roots.", cure="Make keys first: manage.py snapshot_keys make."
        )
    return roots


def _write_root(directory: Path, root: Root, signers: list[CryptoSigner]) -> str:
    metadata = Metadata(root)
    for signer in signers:
        metadata.sign(signer, append=True)
    body = metadata.to_bytes()
    _write_new(directory / f"{root.version}.root.json", body, mode=0o644)
    return fingerprint_of(body)


def _make_key(path: Path) -> CryptoSigner:
    key = Ed25519PrivateKey.generate()
    body = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_new(path, body, mode=0o600)
    return CryptoSigner(key, SSlibKey.from_crypto(key.public_key()))


def _read_key(path: Path) -> CryptoSigner:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SnapshotKeysUnavailable(f"{path} can be read by others (mode {mode:04o}).", cure=f"chmod 600 {path}")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SnapshotKeysUnavailable(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SnapshotKeysUnavailable(f"{path} is not a private key that we read.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SnapshotKeysUnavailable(f"{path} is not an ed25519 key.")
    return CryptoSigner(key, SSlibKey.from_crypto(key.public_key()))


def _write_new(path: Path, body: bytes, *, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise SnapshotKeysExist(f"{path} exists already; keys and roots are never written over.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _whole(moment: datetime) -> datetime:
    # TUF writes times to the second; a fraction would make the parsed file unequal to the one that was signed.
    return moment.replace(microsecond=0)
