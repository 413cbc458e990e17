"""What a job kind does, and what a running handler is given.

A handler is a shell: ids in, one service call, idempotent. It names the errors that are worth another
try; every other error ends the job at once, with its code and text.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from jobs import leases
from jobs.errors import JobCancelled, LeaseLost, TimeLimitReached

DEFAULT_QUEUE = "default"
SIGNING_QUEUE = "signing"  # consumed by the signer process alone
BUILDS_QUEUE = "builds"  # consumed by the builder process alone: it runs other people's Dockerfiles
QUEUES = (DEFAULT_QUEUE, SIGNING_QUEUE, BUILDS_QUEUE)
MAX_ATTEMPTS = 8  # tries that end in a retryable error: about four minutes of waiting
CHECK_SECONDS = 1.0  # how often ``check`` asks the database
PROGRESS_SECONDS = 0.5  # how often ``progress`` writes


@dataclass(slots=True)
class Run:
    """One attempt at a job, as its handler sees it."""

    lease: leases.Lease
    subject_id: str
    args: dict[str, Any]
    attempt: int
    clock: Callable[[], datetime]
    limit_seconds: float
    is_finished: bool = False
    _started: float = field(default_factory=time.monotonic)
    _checked: float = field(default=float("-inf"))
    _progressed: float = field(default=float("-inf"))
    _is_lost: bool = False
    _is_cancelled: bool = False

    @property
    def job_id(self) -> UUID:
        """The job's id."""
        return self.lease.job_id

    def now(self) -> datetime:
        """The time, for services: handlers have no other clock."""
        return self.clock()

    @property
    def is_over_limit(self) -> bool:
        """Whether the handler's time is used up; from then on the lease is no longer renewed."""
        return time.monotonic() - self._started > self.limit_seconds

    def note(self, standing: leases.Standing) -> None:
        """Remember what the database said of this lease (the renewing thread calls it too)."""
        self._is_lost = self._is_lost or standing is leases.Standing.LOST
        self._is_cancelled = self._is_cancelled or standing is leases.Standing.CANCEL_ASKED

    def check(self) -> None:
        """Call often in long work. Asks the database at most once a second.

        Raises: LeaseLost, JobCancelled, TimeLimitReached; a handler lets them pass.
        """
        if time.monotonic() - self._checked >= CHECK_SECONDS:
            self._checked = time.monotonic()
            self.note(leases.renew(self.lease, now=self.now()))
        if self._is_lost:
            raise LeaseLost(str(self.job_id))
        if self._is_cancelled:
            raise JobCancelled(str(self.job_id))
        if self.is_over_limit:
            raise TimeLimitReached(str(self.job_id))

    def progress(
        self, *, done: int | None = None, total: int | None = None, unit: str = "", text: str | None = None
    ) -> None:
        """Say how far it is; shown on the job. Written at most twice a second, the last one always.

        Call it outside transactions, or it is seen only when they end. Raises what ``check`` raises.
        """
        self.check()
        is_last = done is not None and done == total
        if time.monotonic() - self._progressed < PROGRESS_SECONDS and not is_last:
            return
        self._progressed = time.monotonic()
        if not leases.write_progress(self.lease, done=done, total=total, unit=unit, text=text):
            self.note(leases.Standing.LOST)
            raise LeaseLost(str(self.job_id))

    @contextmanager
    def fence(self) -> Iterator[None]:
        """A transaction that commits only while this run still holds its lease.

        For effects that are not idempotent by themselves: the job's row is locked until the commit,
        so that no other worker can take the job in between. Raises LeaseLost.
        """
        with transaction.atomic():
            leases.lock(self.lease)
            yield

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """``fence``, with the job's success in the same commit: the effect happens exactly once."""
        with transaction.atomic():
            leases.lock(self.lease)
            yield
            leases.succeed(self.lease, now=self.now())
        self.is_finished = True


HandlerFunction = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Handler:
    """A job kind: what runs it, on which queue, for how long, and which errors are worth another try."""

    kind: str
    call: HandlerFunction
    retry_on: tuple[type[Exception], ...]
    limit_seconds: float
    queue: str
    max_attempts: int
    is_cancellable: bool


_handlers: dict[str, Handler] = {}


def handler(  # noqa: PLR0913 — one keyword a property
    kind: str,
    *,
    retry_on: tuple[type[Exception], ...] = (),
    limit_seconds: float = 120,
    queue: str = DEFAULT_QUEUE,
    max_attempts: int = MAX_ATTEMPTS,
    is_cancellable: bool = True,
) -> Callable[[HandlerFunction], HandlerFunction]:
    """Register a function as the handler of ``kind`` (``room.verb``).

    ``is_cancellable=False`` is for what carries out a decision of people: nobody may stop it by the way.

    Raises ValueError for an unknown queue, for a kind that another function handles already, and
    for ``retry_on`` that names Exception: retrying everything hides every bug for an hour.
    """
    if queue not in QUEUES:
        raise ValueError(f"{queue!r} is not a queue")
    if Exception in retry_on or BaseException in retry_on:
        raise ValueError(f"{kind} must name the errors that it retries on")

    def register(function: HandlerFunction) -> HandlerFunction:
        known = _handlers.get(kind)
        if known and (known.call.__module__, known.call.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"{kind} has a handler already: {known.call.__module__}")
        _handlers[kind] = Handler(kind, function, retry_on, limit_seconds, queue, max_attempts, is_cancellable)
        return function

    return register


def handler_of(kind: str) -> Handler | None:
    """The handler of ``kind``, or None when no room has one."""
    return _handlers.get(kind)


def kinds() -> list[str]:
    """Every kind that has a handler, sorted."""
    return sorted(_handlers)
