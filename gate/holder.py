"""The snapshot a serving process answers from: swapped when the fetcher put a newer chain in force.

The process looks at one file's identity several times a second; only when that changed it verifies the
chain again and maps what it names. A chain that does not hold changes nothing: what was in force stays.
"""

import gc
import logging
from pathlib import Path

import msgspec

from core.errors import GoldgateError
from gate.clock import Clock
from gate.home import Home
from gate.snapshot import Snapshot
from gate.store import open_snapshot
from gate.tuf import Bundle, Chain, TrustedFiles

LOG = logging.getLogger("goldgate.gate.snapshot")


class Holder:
    """One process's view of the home's snapshot. ``snapshot`` is None until one could be opened."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self._home = home
        self._clock = clock
        self._trusted_root = home.trusted_root()
        self._seen: tuple[int, int] | None = None
        self._files: TrustedFiles | None = None
        self.snapshot: Snapshot | None = None
        self.error = "no snapshot was fetched yet"

    def refresh(self) -> bool:
        """Take over what is in force; True when that is another version than before. Never raises."""
        identity = _identity(self._home.bundle_path)
        if identity is None or identity == self._seen:
            return False
        try:
            return self._take(identity)
        except (GoldgateError, OSError, ValueError, msgspec.MsgspecError) as error:
            if str(error) != self.error:
                LOG.warning("the snapshot on disk cannot be used: %s", error)
            self.error = str(error)
            return False

    def _take(self, identity: tuple[int, int]) -> bool:
        bundle = msgspec.msgpack.decode(self._home.bundle_path.read_bytes(), type=Bundle)
        chain = Chain.of(self._trusted_root, bundle)
        held = self.snapshot
        if held is not None and chain.files == self._files:
            held.expires_at = chain.expires_at
            self._seen = identity
            return False
        new = open_snapshot(self._home, chain)
        if held is not None and new.version < held.version:
            self.error = f"snapshot {new.version} on disk is older than {held.version}, which is in force"
            self._seen = identity
            return False
        self.snapshot, self._files, self._seen, self.error = new, chain.files, identity, ""
        self._clock.reload()
        # What was just loaded lives until the next version: no collection needs to look at it.
        gc.collect()
        gc.freeze()
        LOG.info("answering from snapshot %s", new.version)
        return True


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
