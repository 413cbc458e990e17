"""The published snapshot as the portal itself reads it: the same files, verified like a gate does."""

import hashlib
import threading
from pathlib import Path

from django.conf import settings

from admission.errors import SnapshotUnavailable
from core.errors import GoldgateError
from gate.snapshot import Snapshot
from gate.tuf import Chain

_lock = threading.Lock()
_held: dict[Path, tuple[bytes, Snapshot]] = {}


def snapshots_home() -> Path:
    """Where the publisher writes: ``metadata/``, ``targets/``, ``status.json``."""
    return Path(settings.GOLDGATE_HOME) / "snapshots"


def published_snapshot() -> Snapshot:
    """The snapshot in force, verified from the first root on. Read again only when its timestamp changed.

    Expiry is the engine's to judge: an expired one denies, and says since when.
    Raises SnapshotUnavailable.
    """
    home = snapshots_home()
    try:
        timestamp = (home / "metadata" / "timestamp.json").read_bytes()
        with _lock:
            held = _held.get(home)
            if held is None or held[0] != timestamp:
                held = _held[home] = (timestamp, _opened(home, timestamp))
        return held[1]
    except FileNotFoundError as error:
        raise SnapshotUnavailable(
            "No snapshot is published yet, so nothing can be said about any image.",
            cure="See that the publisher runs; the first snapshot takes seconds.",
        ) from error
    except (GoldgateError, OSError) as error:
        if isinstance(error, SnapshotUnavailable):
            raise
        raise SnapshotUnavailable(f"The published snapshot cannot be trusted: {error}") from error


def _opened(home: Path, timestamp: bytes) -> Snapshot:
    metadata = home / "metadata"
    chain = Chain((metadata / "1.root.json").read_bytes())
    while (path := metadata / f"{chain.root.version + 1}.root.json").exists():
        chain.add_root(path.read_bytes())
    chain.set_timestamp(timestamp)
    version = chain.timestamp.snapshot_meta.version if chain.timestamp else 0
    snapshot = (metadata / f"{version}.snapshot.json").read_bytes()
    chain.set_snapshot(snapshot)
    chain.set_targets((metadata / f"{version}.targets.json").read_bytes())
    base, reasons, overlay = (home / "targets" / file.stored_name for file in chain.files)
    # The overlay is small and says what is revoked: it is hashed each time. The base is hashed by its name's maker.
    body = overlay.read_bytes()
    chain.files.overlay.require(len(body), hashlib.sha256(body).hexdigest())
    return Snapshot.open(base, reasons, overlay, expires_at=chain.expires_at)
