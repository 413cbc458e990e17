"""The process that publishes snapshots: it alone has their keys."""

import logging
import signal
import threading
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from admission import snapshot_keys
from admission.errors import SnapshotKeysUnavailable, SnapshotUnavailable
from admission.publisher import Leadership, Publisher
from admission.tuf_repository import TufRepository

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
DATABASE_AWAY = (OperationalError, InterfaceError)


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = "Publish snapshots to the gates (needs GOLDGATE_SNAPSHOT_KEYS_DIR)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="publish what is due, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            keys = snapshot_keys.load(settings.GOLDGATE_SNAPSHOT_KEYS_DIR)
        except SnapshotKeysUnavailable as error:
            raise CommandError(str(error)) from error
        log.warning("the snapshot keys in %s are unprotected: plain files", settings.GOLDGATE_SNAPSHOT_KEYS_DIR)
        repository = TufRepository(
            Path(settings.GOLDGATE_HOME) / "snapshots", keys, timestamp_seconds=settings.GOLDGATE_TIMESTAMP_SECONDS
        )
        loop = Loop(Publisher(repository, root_expires_at=keys.root.expires))
        if options["once"]:
            loop.step(now=timezone.now())
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stopping.set())
        loop.run()


class Loop:
    """Leads when it can, publishes while it leads, signs on while PostgreSQL is away."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.stopping = threading.Event()
        self._leadership = Leadership()
        self._is_leading = False
        self._away_since: datetime | None = None

    def run(self) -> None:
        """Until ``stopping`` is set. An error that is not PostgreSQL's absence ends it: a supervisor starts it anew."""
        while not self.stopping.is_set():
            is_published = self.step(now=timezone.now())
            if not is_published:
                self._wait()
        connection.close()

    def step(self, *, now: datetime) -> bool:
        """One look. Whether a version was published, so that the next look should follow at once."""
        try:
            if not self._leadership.hold():
                self._is_leading = False
                return False
            with self.publisher.repository.exclusively():
                if not self._is_leading or self._away_since:
                    self.publisher.resume()
                self._is_leading, self._away_since = True, None
                return self.publisher.publish_due(now=now)
        except DATABASE_AWAY as error:
            self._sign_on(now=now, error=error)
        except SnapshotUnavailable as error:
            log.error("nothing published: %s", error)  # noqa: TRY400 - a sentence says it all
        return False

    def _sign_on(self, *, now: datetime, error: Exception) -> None:
        if self._away_since is None:
            log.error("PostgreSQL is away: %s", str(error).strip())
            self._away_since = now
        connection.close()
        outage_seconds = (now - self._away_since).total_seconds()
        if not self._is_leading or outage_seconds > settings.GOLDGATE_OUTAGE_SECONDS:
            return
        repository = self.publisher.repository
        try:
            with repository.exclusively():
                if repository.is_timestamp_due(now=now):
                    self.publisher.sign_again(now=now, database_away_since=self._away_since)
        except SnapshotUnavailable as unavailable:
            log.error("the timestamp is not signed: %s", unavailable)  # noqa: TRY400 - a sentence says it all

    def _wait(self) -> None:
        if self._is_leading and self._away_since is None:
            try:
                self._leadership.wait(TICK_SECONDS)
            except DATABASE_AWAY as error:
                self._sign_on(now=timezone.now(), error=error)
        else:
            self.stopping.wait(TICK_SECONDS)
