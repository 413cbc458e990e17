"""The TUF repository that gates fetch from: a directory of metadata and one of targets, any web server can serve it.

Rules (TUF specification 1.0.33):

- Targets first, then ``<n>.targets.json``, ``<n>.snapshot.json``, and ``timestamp.json`` last: whoever reads in
  between sees the version before, whole (§3.1, §6.2, consistent snapshots).
- Versions only grow, also across a restart and across hosts: rollback is refused here before a gate must (§5.4.3).
- The timestamp lives for minutes and is signed again well before its end: it is what a cut-off gate stops by (freeze).
- Each file is written beside its place, synced, then renamed.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from admission.errors import SnapshotUnavailable
from admission.snapshot_keys import OnlineKeys
from gate.tuf_names import stored_name

SNAPSHOT_DAYS = 7  # snapshot and targets metadata
RESIGN_SHARE = 3  # the timestamp is signed again at a third of its life …
RESIGN_AT_MOST_SECONDS = 60.0  # … and at least each minute
KEPT_SECONDS = 900  # files of older versions stay this long, for gates in the middle of a fetch


class TufRepository:
    """One directory under ``home``; ``keys`` sign. Only one process at a time writes (``exclusively``)."""

    def __init__(self, home: Path, keys: OnlineKeys, *, timestamp_seconds: float) -> None:
        self.home = home
        self.metadata_dir = home / "metadata"
        self.targets_dir = home / "targets"
        self.scratch_dir = home / "scratch"  # files in the making: same file system, seen by no gate
        self._keys = keys
        self._timestamp_seconds = timestamp_seconds
        for directory in (self.metadata_dir, self.targets_dir, self.scratch_dir):
            directory.mkdir(parents=True, exist_ok=True)
        for number, root in enumerate(keys.roots, start=1):
            path = self.metadata_dir / f"{number}.root.json"
            if not path.exists():
                write_file(path, root)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Holds the directory against another publisher on this host. Raises SnapshotUnavailable."""
        with (self.home / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise SnapshotUnavailable("Another publisher is writing these snapshots.") from error
            yield

    @property
    def resign_seconds(self) -> float:
        """How long after a timestamp the next one is signed."""
        return min(self._timestamp_seconds / RESIGN_SHARE, RESIGN_AT_MOST_SECONDS)

    def timestamp(self) -> Timestamp | None:
        """The timestamp in force; None before the first. Raises SnapshotUnavailable when it cannot be read."""
        path = self.metadata_dir / "timestamp.json"
        try:
            return Metadata[Timestamp].from_bytes(path.read_bytes()).signed
        except FileNotFoundError:
            return None
        except (OSError, RepositoryError) as error:
            raise SnapshotUnavailable(f"{path.name} cannot be read: {error}") from error

    @property
    def version(self) -> int:
        """The snapshot version in force; 0 before the first."""
        stamp = self.timestamp()
        return stamp.snapshot_meta.version if stamp else 0

    def targets(self) -> Targets | None:
        """The targets metadata in force; None before the first version."""
        version = self.version
        if not version:
            return None
        try:
            body = (self.metadata_dir / f"{version}.targets.json").read_bytes()
            return Metadata[Targets].from_bytes(body).signed
        except (OSError, RepositoryError) as error:
            raise SnapshotUnavailable(f"{version}.targets.json cannot be read: {error}") from error

    def is_signed_by_present_keys(self) -> bool:
        """Whether what is in force was signed by the keys of the newest root: false after the keys were changed."""
        root = self._keys.root
        try:
            stamp = Metadata[Timestamp].from_bytes((self.metadata_dir / "timestamp.json").read_bytes())
            root.verify_delegate("timestamp", stamp.signed_bytes, stamp.signatures)
            version = stamp.signed.snapshot_meta.version
            for role in ("snapshot", "targets"):
                found: Metadata[Any] = Metadata.from_bytes((self.metadata_dir / f"{version}.{role}.json").read_bytes())
                root.verify_delegate(role, found.signed_bytes, found.signatures)
        except (OSError, RepositoryError):
            return False
        return True

    def add_target(self, name: str, path: Path) -> TargetFile:
        """Move a finished file to its place under its hash's name."""
        target = TargetFile.from_file(name, str(path), ["sha256"])
        sync_file(path)
        path.rename(self.targets_dir / stored_name(name, target.hashes["sha256"]))
        sync_directory(self.targets_dir)
        return target

    def publish(self, version: int, targets: Mapping[str, TargetFile], *, now: datetime) -> None:
        """Make ``targets`` the content of ``version``, in force from this moment.

        Raises SnapshotUnavailable for a version that is not newer than the one in force.
        """
        if version <= self.version:
            raise SnapshotUnavailable(f"Version {version} is not newer than {self.version}, which is in force.")
        self._note_superseded(now=now)
        expires = _whole(now + timedelta(days=SNAPSHOT_DAYS))
        content = Metadata(Targets(version=version, expires=expires, targets=dict(targets)))
        content_body = self._sign("targets", content)
        write_file(self.metadata_dir / f"{version}.targets.json", content_body)
        snapshot = Metadata(
            Snapshot(version=version, expires=expires, meta={"targets.json": _meta_file(version, content_body)})
        )
        snapshot_body = self._sign("snapshot", snapshot)
        write_file(self.metadata_dir / f"{version}.snapshot.json", snapshot_body)
        self._write_timestamp(_meta_file(version, snapshot_body), now=now)

    def sign_timestamp(self, *, now: datetime) -> datetime:
        """Sign the version in force again; until when it holds. Raises SnapshotUnavailable when there is none."""
        stamp = self.timestamp()
        if stamp is None:
            raise SnapshotUnavailable("Nothing is published yet.")
        return self._write_timestamp(stamp.snapshot_meta, now=now)

    def is_timestamp_due(self, *, now: datetime) -> bool:
        """Whether it is time to sign the timestamp again."""
        stamp = self.timestamp()
        if stamp is None:
            return False
        signed_at = stamp.expires - timedelta(seconds=self._timestamp_seconds)
        return (now - signed_at).total_seconds() >= self.resign_seconds

    def remove_old(self, *, now: datetime) -> None:
        """Delete files of versions that are no longer in force and that no fetch can still be reading."""
        current = self.targets()
        if current is None:
            return
        wanted = {stored_name(name, file.hashes["sha256"]) for name, file in current.targets.items()}
        wanted |= {f"{current.version}.targets.json", f"{current.version}.snapshot.json", "timestamp.json"}
        for path in (*self.metadata_dir.iterdir(), *self.targets_dir.iterdir()):
            if path.name in wanted or path.name.endswith(".root.json"):
                continue
            if now.timestamp() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()

    def _note_superseded(self, *, now: datetime) -> None:
        """Date the files in force: a base may be hours old on the day that a fetch still reads it."""
        current = self.targets()
        if current is None:
            return
        for name, file in current.targets.items():
            path = self.targets_dir / stored_name(name, file.hashes["sha256"])
            if path.exists():
                os.utime(path, (now.timestamp(), now.timestamp()))

    def _write_timestamp(self, meta: MetaFile, *, now: datetime) -> datetime:
        before = self.timestamp()
        # Seconds, so that the number grows also when another host takes over without this directory.
        version = max(int(now.timestamp()), before.version + 1 if before else 1)
        expires = _whole(now + timedelta(seconds=self._timestamp_seconds))
        body = self._sign("timestamp", Metadata(Timestamp(version=version, expires=expires, snapshot_meta=meta)))
        write_file(self.metadata_dir / "timestamp.json", body)
        return expires

    def _sign(self, role: str, metadata: Metadata) -> bytes:  # type: ignore[type-arg]
        metadata.sign(self._keys.signers[role])
        return metadata.to_bytes()


def write_file(path: Path, body: bytes) -> None:
    """Write beside, sync, rename: a reader sees the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_directory(path.parent)


def sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _meta_file(version: int, body: bytes) -> MetaFile:
    return MetaFile(version=version, length=len(body), hashes={"sha256": hashlib.sha256(body).hexdigest()})


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
