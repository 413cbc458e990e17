"""The serving process: granian's RSGI, one event loop, no database, no call to anybody.

    POST /v1/admit    an AdmissionReview; always HTTP 200 with a well-formed answer
    POST /v1/admit/TOKEN    the same, for API servers that cannot be told to send a header
    POST /v1/decide   the same engine asked in plain JSON (docs/reference/gate.md)
    GET  /livez       the process turns
    GET  /readyz      snapshot valid, spool writable; says versions and ages

Every path here ends in an answer within the deadline; where something fails, that answer is no.
"""

import asyncio
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from core.errors import GoldgateError
from gate import ask
from gate.admission_review import MAX_BODY_BYTES, Answer, answer, refused
from gate.callers import ADMIT, Callers
from gate.clock import Clock
from gate.holder import Holder
from gate.home import Home
from gate.record import Decision
from gate.spool import Spool, SpoolUnavailable, bytes_in
from gate.words import moment

LOG = logging.getLogger("goldgate.gate.server")
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
HOME_VARIABLE = "GOLDGATE_GATE_HOME"
DEADLINE_SECONDS = 2.0  # for reading and recording together; the API server waits 5
REFRESH_SECONDS = 0.2
MIN_FREE_BYTES = 16 * 1024 * 1024  # on the spool's disk; below it the next decisions may not fit
MAX_SECONDS_BEHIND = 5  # further behind, traffic should go to a gate that knows what time it is
_JSON = [("content-type", "application/json"), ("cache-control", "no-store")]
_REVIEW = [("content-type", "application/json")]  # what answers a POST is kept by nobody
_TEXT = [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")]
_ENCODER = msgspec.json.Encoder()


class BodyTooLarge(Exception):
    """More bytes than any review has."""


class BodyTooLate(Exception):
    """The body did not arrive within the deadline."""


class _Protocol(Protocol):
    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> Any: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Response(NamedTuple):
    """What goes back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


_TOKEN_NEEDED = Response(401, [*_TEXT, ("www-authenticate", "Bearer")], b"a bearer token is needed\n")


class GateApp:
    """One serving process. ``start`` before the first request, ``stop`` after the last."""

    def __init__(self) -> None:
        self._home: Home | None = None
        self._callers = Callers()
        self._parent = os.getppid()
        self._reading: dict[asyncio.Task[Any], float] = {}  # requests being read, and until when (monotonic)

    def start(self, home: Home, loop: asyncio.AbstractEventLoop) -> None:
        """Open what is needed to answer. Raises MalformedHome, MalformedTokens, OSError."""
        self._home = home
        self.clock = Clock(home.time_floor_path)
        self.holder = Holder(home, self.clock)
        self.holder.refresh()
        self.spool = Spool(home.spool_path, loop, max_bytes=home.spool_max_bytes)
        self._callers = home.callers()
        self._loop = loop
        self._is_over = False
        self._refresh()

    def stop(self) -> None:
        """Write what waits and let go."""
        self._is_over = True
        self.spool.close()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
        home = Home.read(Path(os.environ[HOME_VARIABLE]))
        home.make_directories()
        self.start(home, loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stop()

    async def __rsgi__(self, scope: Any, protocol: _Protocol) -> None:
        try:
            body = await self._read(scope, protocol) if scope.method == "POST" else b""
        except BodyTooLarge:
            response = Response(200, _JSON, refused("", f"goldgate: the review has more than {MAX_BODY_BYTES} bytes"))
        except BodyTooLate:
            response = Response(408, _TEXT, b"the request did not arrive in time\n")
        else:
            authorization = "" if self._callers.is_anyone else scope.headers.get("authorization", "")
            response = await self.respond(scope.method, scope.path, authorization, body)
        protocol.response_bytes(*response)

    async def _read(self, scope: Any, protocol: _Protocol) -> bytes:
        """The request's body. Raises BodyTooLarge, BodyTooLate.

        One sweep for all that are being read, instead of a timer each: a timer costs a fifth of an answer.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is answered in a task")
        self._reading[task] = time.monotonic() + DEADLINE_SECONDS
        try:
            return await _body(scope, protocol)
        except asyncio.CancelledError:
            if self._reading[task] > time.monotonic():
                raise
            task.uncancel()
            raise BodyTooLate from None
        finally:
            del self._reading[task]

    async def respond(self, method: str, path: str, authorization: str, body: bytes) -> Response:
        """The response to one request."""
        if path == ADMIT and method == "POST":
            if not self._callers.let_in(authorization):
                return _TOKEN_NEEDED
            return Response(200, _REVIEW, await self.admit(body))
        if path == "/v1/decide" and method == "POST":
            if not self._callers.let_in(authorization):
                return _TOKEN_NEEDED
            return await self._decide(body)
        if method == "POST" and path.startswith(f"{ADMIT}/") and not self._callers.is_anyone:
            if not self._callers.let_in_by(path):
                return _TOKEN_NEEDED
            return Response(200, _REVIEW, await self.admit(body))
        if path == "/livez":
            return Response(200, _TEXT, b"ok\n")
        if path == "/readyz":
            return self._ready()
        if path in ("/v1/admit", "/v1/decide"):
            return Response(405, [*_TEXT, ("allow", "POST")], b"only POST\n")
        return Response(404, _TEXT, b"there is /v1/admit, /v1/decide, /livez, /readyz\n")

    async def admit(self, body: bytes) -> bytes:
        """Answer one AdmissionReview; the decision is durable before this returns."""
        uid = ""
        try:
            found: Answer = answer(body, snapshot=self.holder.snapshot, at=self.clock.now(), cluster=self._cluster)
            uid = found.uid
            if found.decision is not None:
                await self._record(found.decision)
        except SpoolUnavailable as error:
            return refused(uid, f"goldgate: the decision cannot be recorded: {error.detail}")
        except Exception:
            # The edge of the process: whatever is wrong with us must not read as yes, nor as silence.
            LOG.exception("an answer failed")
            return refused(uid, "goldgate: the gate failed; see its log")
        return found.reply

    async def _decide(self, body: bytes) -> Response:
        try:
            question = ask.Question.parse(body)
            found = ask.decide_question(
                question, snapshot=self.holder.snapshot, at=self.clock.now(), cluster=self._cluster
            )
            if found.decision is not None:
                await self._record(found.decision)
        except SpoolUnavailable as error:
            return _problem(503, "spool_unavailable", error.detail)
        except GoldgateError as error:
            return _problem(400, error.code, error.detail)
        except Exception:
            # As in ``admit``.
            LOG.exception("an answer failed")
            return _problem(500, "gate_failed", "The gate failed; see its log.")
        return Response(200, _JSON, _ENCODER.encode(found.reply))

    async def _record(self, decision: Decision) -> None:
        await self.spool.append(_ENCODER.encode(decision))

    def _ready(self) -> Response:
        state = self.state()
        return Response(200 if state["ready"] else 503, _JSON, _ENCODER.encode(state))

    def state(self) -> dict[str, Any]:
        """What this process says of itself."""
        now = self.clock.now()
        snapshot = self.holder.snapshot
        is_valid = snapshot is not None and now < snapshot.expires_at
        home = self._require_home()
        spool_bytes = bytes_in(home.spool_path)
        disk = os.statvfs(home.spool_path)
        has_room = spool_bytes < home.spool_max_bytes and disk.f_bavail * disk.f_frsize > MIN_FREE_BYTES
        is_writable = not self.spool.error and has_room
        seconds_behind = self.clock.seconds_behind()
        if snapshot is not None:
            # Signed in our future: it is this machine's clock that is behind.
            seconds_behind = max(seconds_behind, snapshot.issued_at - now)
        return {
            "ready": is_valid and is_writable and seconds_behind <= MAX_SECONDS_BEHIND,
            "cluster": self._cluster,
            "snapshot": {
                "is_valid": is_valid,
                "version": snapshot.version if snapshot else None,
                "base_version": snapshot.base_version if snapshot else None,
                "policy_version": snapshot.policy_version if snapshot else None,
                "age_seconds": now - snapshot.issued_at if snapshot else None,
                "expires_at": moment(snapshot.expires_at) if snapshot else None,
                "error": self.holder.error,
            },
            "spool": {"is_writable": is_writable, "bytes": spool_bytes, "error": self.spool.error},
            "clock": {"now": moment(now), "seconds_behind": seconds_behind},
            "callers": home.asks_callers_for,
        }

    @property
    def _cluster(self) -> str:
        return self._require_home().cluster

    def _require_home(self) -> Home:
        if self._home is None:
            raise RuntimeError("start comes first")
        return self._home

    def _refresh(self) -> None:
        if self._is_over:
            return
        # First the next look: whatever this one meets, there will be another.
        self._loop.call_later(REFRESH_SECONDS, self._refresh)
        self.holder.refresh()
        now = time.monotonic()
        for task in [task for task, deadline in self._reading.items() if deadline <= now]:
            task.cancel()
        if os.getppid() != self._parent:
            # Without the process that fetches, this one would answer from an ageing snapshot and hold the port.
            os.kill(os.getpid(), signal.SIGTERM)


async def _body(scope: Any, protocol: _Protocol) -> bytes:
    length = scope.headers.get("content-length")
    if length is not None:
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            raise BodyTooLarge
        return await protocol()
    found = bytearray()
    async for chunk in protocol:
        found += chunk
        if len(found) > MAX_BODY_BYTES:
            raise BodyTooLarge
    return bytes(found)


def _problem(status: int, code: str, detail: str) -> Response:
    body = {"type": f"urn:goldgate:problem:{code}", "title": code, "status": status, "detail": detail}
    return Response(status, [("content-type", "application/problem+json")], _ENCODER.encode(body))


app = GateApp()
