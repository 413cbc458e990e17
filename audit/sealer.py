"""The sealer: one loop that seals, signs and delivers, hosted by ``manage.py run_scheduler``."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from audit import services
from audit.adapters.key_file import CheckpointSigner, load_signer
from audit.adapters.sink import sink_at
from audit.errors import KeyUnreadable, SinkDisagrees, SinkUnavailable
from audit.selectors import database_now

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
AGAIN_SECONDS = 30.0  # after a key or a sink that could not be used


class Sealer:
    """Seals at every tick; signs and delivers where a key and a sink are set."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._signer: CheckpointSigner | None = None
        self._key_again = float("-inf")
        self._sink_again = float("-inf")
        if not settings.GOLDGATE_AUDIT_KEY_FILE:
            log.warning("GOLDGATE_AUDIT_KEY_FILE is not set: the record is sealed, but its checkpoints are unprotected")
        elif not settings.GOLDGATE_AUDIT_SINK:
            log.warning("GOLDGATE_AUDIT_SINK is not set: checkpoints are kept beside the record, and nowhere else")

    def tick(self, *, is_last: bool = False) -> None:
        """One round. Raises DatabaseError."""
        now = self._clock()
        services.seal_pending(now)
        if signer := self._usable_signer():
            services.sign_checkpoint(signer=signer, now=now, is_forced=is_last)
        if time.monotonic() >= self._sink_again or is_last:
            self._deliver(now)

    def _usable_signer(self) -> CheckpointSigner | None:
        path = settings.GOLDGATE_AUDIT_KEY_FILE
        if self._signer is None and path and time.monotonic() >= self._key_again:
            try:
                self._signer = load_signer(Path(path))
            except KeyUnreadable as error:
                log.critical("no checkpoint is signed: %s", error)
                self._key_again = time.monotonic() + AGAIN_SECONDS
        return self._signer

    def _deliver(self, now: datetime) -> None:
        try:
            if sink := sink_at(settings.GOLDGATE_AUDIT_SINK):
                services.deliver_checkpoints(sink=sink, now=now)
        except SinkUnavailable as error:
            log.warning("checkpoints wait for their sink: %s", error)
            self._sink_again = time.monotonic() + AGAIN_SECONDS
        except SinkDisagrees as error:
            log.critical("the record is not the one that the sink knows: %s", error)
            self._sink_again = time.monotonic() + AGAIN_SECONDS


def run(stop: threading.Event) -> None:
    """Seal once a second until ``stop``, then once more, so that nothing ends unsigned."""
    sealer = Sealer(clock=database_now)
    while not stop.wait(TICK_SECONDS):
        _round(sealer, is_last=False)
    _round(sealer, is_last=True)
    connection.close()


def _round(sealer: Sealer, *, is_last: bool) -> None:
    try:
        sealer.tick(is_last=is_last)
    except (DatabaseError, InterfaceError) as error:
        log.warning("the sealer lost PostgreSQL: %s", error)
        connection.close()
