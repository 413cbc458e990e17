"""The relay: rings Celery for every due job, again and again until somebody takes it (docs/adr/0002).

Rules:
- A job that was never rung is rung at once.
- When the broker holds no message of a queue, whatever is due there and was rung 2 s ago is rung again:
  the message was lost (Redis emptied, worker killed), or is in a busy worker's hand, where a second does no harm.
- While messages wait, a due job is rung again after 30 s at the earliest; above 1,000 messages not at all.
- A job whose lease has run out is due like any other.
- Without a broker, or without PostgreSQL, the relay waits and tries again; it never stops by itself.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Q

from jobs import leases
from jobs.adapters.bell import Bell, BellSilent
from jobs.handlers import QUEUES
from jobs.models import Job
from jobs.selectors import oldest_due
from jobs.services import CHANNEL

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
AGAIN_SECONDS = 2.0  # when no message waits
AGAIN_BUSY_SECONDS = 30.0  # while messages wait
MOST_WAITING = 1000  # messages of one queue
BATCH = 50  # jobs marked and rung together
STUCK_SECONDS = 15 * 60
STUCK_LOG_SECONDS = 60.0


class Relay:
    """Rings for due jobs through ``bell``. One runs at a time (the scheduler's lock); two would do no harm."""

    def __init__(self, *, bell: Bell, clock: Callable[[], datetime]) -> None:
        self._bell = bell
        self._clock = clock
        self._is_silent = False
        self._stuck_said = float("-inf")

    def tick(self) -> int:
        """Ring once for whatever is due; how many. Raises DatabaseError."""
        rung = 0
        try:
            for queue in QUEUES:
                rung += self._ring_queue(queue)
        except BellSilent as error:
            if not self._is_silent:
                log.warning("the broker does not answer; jobs wait in PostgreSQL: %s", error)
            self._is_silent = True
            return rung
        if self._is_silent:
            log.info("the broker answers again")
        self._is_silent = False
        self._say_if_stuck()
        return rung

    def _ring_queue(self, queue: str) -> int:
        waiting = self._bell.waiting(queue)
        again = AGAIN_BUSY_SECONDS if waiting else AGAIN_SECONDS
        rung = 0
        while waiting + rung < MOST_WAITING:
            marked = self._mark(queue, again)
            for position, (job_id, limit) in enumerate(marked):
                try:
                    self._bell.ring(job_id, queue=queue, limit_seconds=limit)
                except BellSilent:
                    self._unmark([pk for pk, _ in marked[position:]])
                    raise
            rung += len(marked)
            if len(marked) < BATCH:
                break
        return rung

    @transaction.atomic
    def _mark(self, queue: str, again_seconds: float) -> list[tuple[UUID, float]]:
        """Note the ringing before it happens: a relay that dies in between rings late, not for ever."""
        now = self._clock()
        not_rung = Q(rung_at__isnull=True) | Q(rung_at__lte=now - timedelta(seconds=again_seconds))
        # SKIP LOCKED: a job locked at this moment is being taken or fenced by its worker.
        jobs = list(
            Job.objects.select_for_update(skip_locked=True)
            .filter(leases.due(now), not_rung, queue=queue)
            .order_by("run_at", "id")
            .values_list("pk", "limit_seconds")[:BATCH]
        )
        Job.objects.filter(pk__in=[pk for pk, _ in jobs]).update(rung_at=now)
        return jobs

    def _unmark(self, job_ids: list[UUID]) -> None:
        Job.objects.filter(pk__in=job_ids).update(rung_at=None)

    def _say_if_stuck(self) -> None:
        """A worker that is alive and consumes nothing shows here, and nowhere else."""
        if time.monotonic() - self._stuck_said < STUCK_LOG_SECONDS:
            return
        now = self._clock()
        job = oldest_due(now)
        if job and now - job.run_at > timedelta(seconds=STUCK_SECONDS):
            self._stuck_said = time.monotonic()
            minutes = (now - job.run_at).total_seconds() / 60
            log.critical("job %s (%s) has been due for %.0f minutes and no worker takes it", job.pk, job.kind, minutes)

    def run(self, stop: threading.Event) -> None:
        """Ring at every NOTIFY and at least once a second, until ``stop``."""
        while not stop.is_set():
            try:
                self._listen(stop)
            except (DatabaseError, InterfaceError, psycopg.Error) as error:
                log.warning("the relay lost PostgreSQL: %s", error)
                connection.close()
                stop.wait(TICK_SECONDS)
        connection.close()

    def _listen(self, stop: threading.Event) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        while not stop.is_set():
            self.tick()
            # Waits for a commit that queued something, or for the tick; several commits wake it once.
            for _ in connection.connection.notifies(timeout=TICK_SECONDS, stop_after=1):
                pass
