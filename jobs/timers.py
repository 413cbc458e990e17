"""Celery beat as one thread of the scheduler: reads the timers from PostgreSQL, sends ``jobs.due``."""

import logging
import threading

from celery import current_app
from celery.beat import Service
from django.db import connection

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0  # the longest sleep: how soon a changed timer and a stop are seen
AGAIN_SECONDS = 5.0


class Timers:
    """Runs beat, and starts it again when PostgreSQL or the broker broke it."""

    def __init__(self) -> None:
        self._service: Service | None = None

    def run(self, stop: threading.Event) -> None:
        """Send what the timers ask for, until ``stop`` is set and ``wake`` called."""
        while not stop.is_set():
            self._service = Service(
                current_app, max_interval=TICK_SECONDS, scheduler_cls=current_app.conf.beat_scheduler
            )
            try:
                self._service.start()
            except Exception:
                # A process edge: beat dies of any database error; the timers must not stay dead with it.
                log.exception("the timers stopped; they start again in %g s", AGAIN_SECONDS)
                connection.close()
                stop.wait(AGAIN_SECONDS)
        connection.close()

    def wake(self) -> None:
        """Let the running beat see that it should stop; within one tick."""
        if self._service is not None:
            self._service.stop()
