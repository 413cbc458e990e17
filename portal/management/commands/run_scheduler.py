"""``manage.py run_scheduler``: the relay, the sealer and the timers, until SIGTERM or SIGINT."""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from portal import scheduler
from portal.celery import celery_app


class Command(BaseCommand):
    help = "Rings the workers for due jobs, seals the record, runs the timers. One leads; more wait to take over."

    # It serves no page; checks of urls and templates belong to the processes that do.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        celery_app.set_default()
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        scheduler.run(stop)
