"""Bringing decisions to the portal, after the answer, each counted once.

A segment is deleted when the portal has accepted every line of it; ids are UUIDv7 and the portal counts
each once, so sending again after a crash is the same send. Nothing here is in the way of an answer.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import requests

from core.errors import GoldgateError, Kind
from gate.clock import write_durably
from gate.home import Home
from gate.spool import closed_segments, lines_of

LOG = logging.getLogger("goldgate.gate.shipper")
BATCH = 500
EVERY_SECONDS = 1.0
HEARTBEAT_EVERY = 10  # rounds
MAX_BACKOFF_SECONDS = 60
REFUSED = "refused"  # below the spool: what the portal will never accept, kept for a person


class PortalUnavailable(GoldgateError):
    """The portal does not take decisions now; they stay in the spool."""

    code: ClassVar[str] = "portal_unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class Shipper:
    """Ships one home's spool. One per home."""

    SECONDS = 10

    def __init__(self, home: Home, heartbeat: Callable[[], dict[str, Any]]) -> None:
        self._home = home
        self._heartbeat = heartbeat
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = home.portal_ca_file or True
        if token := home.token():
            self._session.headers["Authorization"] = f"Bearer {token}"
        self.last_error = ""

    def ship(self) -> int:
        """Send every closed segment; how many decisions were accepted. Raises PortalUnavailable, OSError."""
        return sum(self._ship_segment(path) for path in closed_segments(self._home.spool_path))

    def _ship_segment(self, path: Path) -> int:
        left = lines_of(path)
        accepted = 0
        while left:
            batch, left = left[:BATCH], left[BATCH:]
            missing, refused = self._offer(batch)
            if refused:
                LOG.error("the portal refuses %s decisions for good; they are kept in %s", len(refused), REFUSED)
                self._set_aside(path, refused)
            accepted += len(batch) - len(missing) - len(refused)
            if missing:
                # Kept and tried again; what was accepted is not sent twice for it.
                write_durably(path, b"".join(line + b"\n" for line in [*missing, *left]), mode=0o600)
                raise PortalUnavailable(f"The portal did not take {len(missing)} decisions.")
        path.unlink(missing_ok=True)
        return accepted

    def _offer(self, batch: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """What the portal did not take yet, and what it will never take."""
        readable = {key: line for line in batch if (key := _id_of(line))}
        refused = [line for line in batch if not _id_of(line)]
        taken = self._post(list(readable.values())) if readable else set()
        if taken is None:
            if len(readable) == 1:
                return [], batch
            # One that can never be accepted must not hold back the rest: each by itself.
            parts = [self._offer([line]) for line in readable.values()]
            return [line for part in parts for line in part[0]], refused + [line for part in parts for line in part[1]]
        return [line for key, line in readable.items() if key not in taken], refused

    def _post(self, lines: list[bytes]) -> set[str] | None:
        """Ids the portal has now; None when it says that something of it can never be accepted."""
        body = b'{"decisions":[' + b",".join(lines) + b"]}"
        response = self._send("/api/v1/gates/decisions", body)
        if response.status_code in (400, 413, 422):
            LOG.warning("the portal refuses %s decisions: %s", len(lines), response.text[:500])
            return None
        if response.status_code not in (200, 201, 202):
            raise PortalUnavailable(f"The portal answers {response.status_code} to decisions.")
        try:
            return set(msgspec.json.decode(response.content, type=_Accepted).accepted)
        except msgspec.MsgspecError as error:
            raise PortalUnavailable("The portal's answer to decisions cannot be read.") from error

    def beat(self) -> None:
        """Tell the portal how this gate is. Raises PortalUnavailable."""
        response = self._send("/api/v1/gates/heartbeat", msgspec.json.encode(self._heartbeat()))
        if response.status_code >= 300:
            raise PortalUnavailable(f"The portal answers {response.status_code} to the heartbeat.")

    def _send(self, path: str, body: bytes) -> requests.Response:
        try:
            return self._session.post(
                self._home.portal_url + path,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self.SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise PortalUnavailable(f"The portal does not answer: {type(error).__name__}.") from error

    def _set_aside(self, path: Path, lines: list[bytes]) -> None:
        directory = self._home.spool_path / REFUSED
        directory.mkdir(mode=0o700, exist_ok=True)
        with (directory / path.name).open("ab") as file:
            file.writelines(line + b"\n" for line in lines)

    def run(self, stop: threading.Event) -> None:
        """Ship and beat until ``stop``; a failure is said once and tried again, later each time."""
        round_number, pause = 0, EVERY_SECONDS
        while not stop.is_set():
            try:
                self.ship()
                if round_number % HEARTBEAT_EVERY == 0 or self.last_error:
                    self.beat()
            except (PortalUnavailable, OSError) as error:
                if str(error) != self.last_error:
                    LOG.warning("decisions wait: %s", error)
                self.last_error, pause = str(error), min(pause * 2, MAX_BACKOFF_SECONDS)
            else:
                self.last_error, pause = "", EVERY_SECONDS
            round_number += 1
            stop.wait(pause)


class _Accepted(msgspec.Struct):
    accepted: list[str]


class _Identified(msgspec.Struct):
    id: str


def _id_of(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=_Identified).id
    except msgspec.MsgspecError:
        return ""
