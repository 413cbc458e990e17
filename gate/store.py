"""What a gate holds on disk and may answer from: the verified chain and its files.

One process writes (the fetcher), any number read. A reader takes the chain from one file, verifies it
again, and opens the files by the hashes it names: it can be late, never half new.
"""

import hashlib
from pathlib import Path

import msgspec

from gate.clock import read_floor, write_durably
from gate.home import Home
from gate.snapshot import Snapshot, read_overlay
from gate.tuf import Bundle, Chain, TrustedFile, TrustedFiles, UntrustedSnapshot

_ENCODER = msgspec.msgpack.Encoder()
CHUNK = 1024 * 1024


def held_chain(home: Home) -> Chain:
    """The chain on disk, or one that knows only the trusted root.

    A held chain that its root no longer vouches for (keys were rotated) counts as none: its versions were
    signed by somebody who is trusted no longer. Raises UntrustedSnapshot when not even the root holds.
    """
    trusted_root = home.trusted_root()
    try:
        return Chain.of(trusted_root, msgspec.msgpack.decode(home.bundle_path.read_bytes(), type=Bundle))
    except (FileNotFoundError, msgspec.MsgspecError, UntrustedSnapshot):
        return Chain(trusted_root)


def keep_chain(home: Home, chain: Chain) -> None:
    """Put ``chain`` in force for every reader: one durable replace. Raises OSError."""
    write_durably(home.bundle_path, _ENCODER.encode(chain.bundle()))


def keep_version(home: Home, version: int) -> None:
    """Remember that snapshot ``version`` was in force: an older one is refused from now on. Raises OSError."""
    if version > read_floor(home.snapshot_floor_path):
        write_durably(home.snapshot_floor_path, str(version).encode())


def open_snapshot(home: Home, chain: Chain) -> Snapshot:
    """The snapshot that ``chain`` vouches for. Raises UntrustedSnapshot, MalformedSnapshot, OSError.

    The overlay is hashed here; base and side file were hashed when they got their names.
    """
    files = chain.files
    overlay_path = home.targets_path / files.overlay.stored_name
    body = overlay_path.read_bytes()
    files.overlay.require(len(body), hashlib.sha256(body).hexdigest())
    snapshot = Snapshot.open(
        home.targets_path / files.base.stored_name,
        home.targets_path / files.reasons.stored_name,
        overlay_path,
        expires_at=chain.expires_at,
    )
    floor = read_floor(home.snapshot_floor_path)
    if snapshot.version < floor:
        raise UntrustedSnapshot(f"Snapshot {snapshot.version} is older than {floor}, which was in force here.")
    return snapshot


def require_files(home: Home, files: TrustedFiles) -> None:
    """Hash every file of ``files``. Raises UntrustedSnapshot, OSError. For the start from disk."""
    for file in files:
        path = home.targets_path / file.stored_name
        file.require(path.stat().st_size, sha256_of_file(path))


def has_file(home: Home, file: TrustedFile) -> bool:
    """Whether ``file`` is here in full length; its name was given only after its hash was checked."""
    path = home.targets_path / file.stored_name
    return path.is_file() and path.stat().st_size == file.length


def remove_others(home: Home, files: TrustedFiles) -> None:
    """Delete target files of former versions; readers that map them keep them."""
    kept = {file.stored_name for file in files}
    for path in home.targets_path.iterdir():
        if path.name not in kept:
            path.unlink(missing_ok=True)


def require_readable(home: Home, files: TrustedFiles) -> int:
    """The version of a snapshot that is about to be put in force, after reading what can be wrong in it.

    Raises UntrustedSnapshot for one older than was in force here, MalformedSnapshot.
    """
    overlay = read_overlay(home.targets_path / files.overlay.stored_name)
    floor = read_floor(home.snapshot_floor_path)
    if overlay.version < floor:
        raise UntrustedSnapshot(f"Snapshot {overlay.version} is older than {floor}, which was in force here.")
    Snapshot.open(
        home.targets_path / files.base.stored_name,
        home.targets_path / files.reasons.stored_name,
        home.targets_path / files.overlay.stored_name,
        expires_at=0,
    )
    return overlay.version


def sha256_of_file(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
