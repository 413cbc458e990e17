"""The doorbell: tells Celery's workers through the broker that a job is due."""

from collections.abc import Callable
from contextlib import closing
from typing import Protocol, TypeVar
from uuid import UUID

from celery import current_app
from kombu.exceptions import ChannelError, OperationalError

RUN_TASK = "jobs.run"
HARD_LIMIT_SECONDS = 30  # after the soft limit: then Celery kills the child, and the lease runs out

T = TypeVar("T")


class BellSilent(Exception):
    """The broker does not answer. The jobs wait in PostgreSQL; nothing is lost."""


class Bell(Protocol):
    """What the relay needs from a broker."""

    def waiting(self, queue: str) -> int:
        """Messages of ``queue`` that no worker has fetched. Raises BellSilent."""
        ...

    def ring(self, job_id: UUID, *, queue: str, limit_seconds: float) -> None:
        """Send one message. Raises BellSilent."""
        ...


class CeleryBell:
    """The broker of the Celery app that the process has configured."""

    def waiting(self, queue: str) -> int:
        return _answering(lambda: self._waiting(queue))

    def ring(self, job_id: UUID, *, queue: str, limit_seconds: float) -> None:
        # retry=False: the relay's next tick is the retry, and it knows then what is still due.
        _answering(
            lambda: current_app.send_task(
                RUN_TASK,
                args=[str(job_id)],
                queue=queue,
                soft_time_limit=limit_seconds,
                time_limit=limit_seconds + HARD_LIMIT_SECONDS,
                retry=False,
                ignore_result=True,
            )
        )

    def _waiting(self, queue: str) -> int:
        with current_app.connection_for_write() as broker, closing(broker.channel()) as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except ChannelError:
                return 0  # Redis forgets an empty list


def _answering(call: Callable[[], T]) -> T:
    try:
        return call()
    except (OperationalError, OSError, *current_app.connection_for_write().connection_errors) as error:
        raise BellSilent(str(error)) from error
