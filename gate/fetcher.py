"""Fetching the next snapshot: ask, verify, write under the hash's name, put in force.

Any static file host can serve it; nothing here trusts who answers. What does not verify is refused and
what was in force stays in force, until it expires.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from typing import BinaryIO, ClassVar, Protocol

import requests

from core.errors import GoldgateError, Kind
from gate.clock import Clock, sync_directory
from gate.home import Home
from gate.snapshot import MalformedSnapshot
from gate.store import has_file, held_chain, keep_chain, keep_version, remove_others, require_readable
from gate.tuf import (
    MAX_ROOT_BYTES,
    MAX_ROOT_ROTATIONS,
    MAX_SNAPSHOT_BYTES,
    MAX_TARGETS_BYTES,
    MAX_TIMESTAMP_BYTES,
    Chain,
    TrustedFile,
    TrustedFiles,
    UntrustedSnapshot,
)
from gate.words import moment

LOG = logging.getLogger("goldgate.gate.fetcher")
ASK_ROOT_EVERY = 60  # polls; a new root is rare, and is asked for at once when something does not verify
CHUNK = 1024 * 1024


class PublisherUnavailable(GoldgateError):
    """The snapshot's host does not answer; what is in force goes on until it expires."""

    code: ClassVar[str] = "publisher_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class Source(Protocol):
    """Where metadata and targets come from."""

    def metadata(self, name: str, max_bytes: int) -> bytes | None:
        """The file, or None when there is none of that name. Raises PublisherUnavailable, UntrustedSnapshot."""
        ...

    def target(self, file: TrustedFile, into: BinaryIO) -> None:
        """Write the file's bytes, checked against its hash. Raises as ``metadata`` does."""
        ...


class HttpSource:
    """Metadata and targets over HTTP; a connection kept, an unchanged timestamp answered by 304."""

    CONNECT_SECONDS = 3
    READ_SECONDS = 10

    def __init__(self, home: Home) -> None:
        self._home = home
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = home.portal_ca_file or True
        if token := home.token():
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._etag = ""
        self._timestamp = b""

    def metadata(self, name: str, max_bytes: int) -> bytes | None:
        """See ``Source``."""
        headers = {"If-None-Match": self._etag} if name == "timestamp.json" and self._etag else {}
        with self._get(self._home.metadata_url + name, headers) as response:
            if response.status_code == requests.codes.not_modified:
                return self._timestamp
            if response.status_code == requests.codes.not_found:
                return None
            body = self._read(response, max_bytes)
            if name == "timestamp.json":
                self._etag, self._timestamp = response.headers.get("ETag", ""), body
            return body

    def target(self, file: TrustedFile, into: BinaryIO) -> None:
        """See ``Source``."""
        digest, length = hashlib.sha256(), 0
        with self._get(self._home.targets_url + file.stored_name, {}) as response:
            if response.status_code != requests.codes.ok:
                raise PublisherUnavailable(f"{file.stored_name}: HTTP {response.status_code}.")
            for chunk in self._chunks(response):
                length += len(chunk)
                if length > file.length:
                    # Endless data: what is longer than signed for is not even stored.
                    raise UntrustedSnapshot(f"{file.name} is longer than the metadata vouches for.")
                digest.update(chunk)
                into.write(chunk)
        file.require(length, digest.hexdigest())

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        timeouts = (self.CONNECT_SECONDS, self.READ_SECONDS)
        try:
            return self._session.get(url, headers=headers, timeout=timeouts, stream=True, allow_redirects=False)
        except requests.RequestException as error:
            raise PublisherUnavailable(f"{url} does not answer: {type(error).__name__}.") from error

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        try:
            yield from response.iter_content(CHUNK)
        except requests.RequestException as error:
            raise PublisherUnavailable(f"{response.url} broke off: {type(error).__name__}.") from error

    def _read(self, response: requests.Response, max_bytes: int) -> bytes:
        if response.status_code != requests.codes.ok:
            raise PublisherUnavailable(f"{response.url}: HTTP {response.status_code}.")
        body = b""
        for chunk in self._chunks(response):
            body += chunk
            if len(body) > max_bytes:
                raise UntrustedSnapshot(f"{response.url} is longer than {max_bytes} bytes.")
        return body


class Fetcher:
    """Keeps the home's snapshot current. One per home."""

    def __init__(self, home: Home, source: Source, clock: Clock) -> None:
        self._home = home
        self._source = source
        self._clock = clock
        self._chain = held_chain(home)
        self._seen_timestamp: bytes | None = None
        self._polls = 0
        self.last_error = ""
        self.last_ok_at = 0

    def fetch(self) -> bool:
        """Look once; True when something newer was put in force.

        Raises PublisherUnavailable, UntrustedSnapshot, MalformedSnapshot, OSError: nothing has changed then.
        """
        chain = self._chain.copy()
        if self._polls % ASK_ROOT_EVERY == 0 or self.last_error:
            self._take_roots(chain)
        self._polls += 1
        timestamp = self._source.metadata("timestamp.json", MAX_TIMESTAMP_BYTES)
        if timestamp is None:
            raise PublisherUnavailable("Nothing is published there yet: no timestamp.json.")
        is_known = timestamp == self._seen_timestamp and len(chain.roots) == len(self._chain.roots)
        if is_known and self._has_all(self._chain.files):
            return False
        if not self._advance(chain, timestamp):
            self._seen_timestamp = timestamp
            return False
        self._put_in_force(chain)
        self._seen_timestamp = timestamp
        return True

    def _take_roots(self, chain: Chain) -> None:
        for _ in range(MAX_ROOT_ROTATIONS):
            root = self._source.metadata(f"{chain.root.version + 1}.root.json", MAX_ROOT_BYTES)
            if root is None:
                return
            chain.add_root(root)
        raise UntrustedSnapshot(f"More than {MAX_ROOT_ROTATIONS} new roots at once.")

    def _advance(self, chain: Chain, timestamp: bytes) -> bool:
        """Verify what is newer. False: the timestamp is the one already held."""
        held_snapshot = chain.snapshot.version if chain.snapshot else 0
        is_new = chain.set_timestamp(timestamp) or len(chain.roots) != len(self._chain.roots)
        if chain.timestamp is None or (not is_new and self._has_all(chain.files)):
            return False
        named = chain.timestamp.snapshot_meta.version
        if named != held_snapshot or chain.targets is None:
            chain.set_snapshot(self._metadata(f"{named}.snapshot.json", MAX_SNAPSHOT_BYTES))
            version = chain.snapshot.meta["targets.json"].version if chain.snapshot else 0
            chain.set_targets(self._metadata(f"{version}.targets.json", MAX_TARGETS_BYTES))
        if chain.expires_at <= self._clock.now():
            raise UntrustedSnapshot(f"What is published expired at {moment(chain.expires_at)}.")
        return True

    def _metadata(self, name: str, max_bytes: int) -> bytes:
        body = self._source.metadata(name, max_bytes)
        if body is None:
            raise PublisherUnavailable(f"{name} is named but not there.")
        return body

    def _put_in_force(self, chain: Chain) -> None:
        files = chain.files
        is_changed = self._chain.targets is None or files != self._chain.files or not self._has_all(files)
        if is_changed:
            for file in files:
                if not has_file(self._home, file):
                    self._download(file)
            version = require_readable(self._home, files)
        keep_chain(self._home, chain)
        self._chain = chain
        if is_changed:
            keep_version(self._home, version)
            remove_others(self._home, files)
            LOG.info("snapshot %s is in force until %s", version, moment(chain.expires_at))

    def _has_all(self, files: TrustedFiles) -> bool:
        return all(has_file(self._home, file) for file in files)

    def _download(self, file: TrustedFile) -> None:
        path = self._home.targets_path / file.stored_name
        temporary = path.with_name(f".{path.name}.part")
        try:
            with temporary.open("wb") as into:
                self._source.target(file, into)
                into.flush()
                os.fsync(into.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_directory(path.parent)

    def run(self, stop: threading.Event) -> None:
        """Look again and again until ``stop``. A failure is kept in ``last_error``, said once, and tried again."""
        while not stop.is_set():
            try:
                self._clock.save()
                self.fetch()
            except (PublisherUnavailable, UntrustedSnapshot, MalformedSnapshot, OSError) as error:
                if str(error) != self.last_error:
                    LOG.warning("no newer snapshot: %s", error)
                self.last_error = str(error)
            else:
                if self.last_error:
                    LOG.info("the snapshot's host answers again")
                self.last_error, self.last_ok_at = "", self._clock.now()
            stop.wait(self._home.poll_seconds)
