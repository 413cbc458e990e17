"""Deeds done by several at the same moment, each in a thread and a connection of its own."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from django.db import connections

from core.errors import GoldgateError

START_SECONDS = 60
Deed = Callable[[], object]


class Crew:
    """Threads that wait for deeds. They keep their connections from one round to the next: making one costs more than
    what is tried with it."""

    def __init__(self) -> None:
        self._members: list[_Member] = []

    def __call__(self, *deeds: Deed) -> list[object]:
        """Do each, all let go together; results or refusals, in order. Anything else that is raised fails the test."""
        while len(self._members) < len(deeds):
            self._members.append(_Member())
        start = threading.Barrier(len(deeds))
        for member, deed in zip(self._members, deeds, strict=False):
            member.asked.put((start, deed))
        outcomes = [member.done.get(timeout=120) for member, _ in zip(self._members, deeds, strict=False)]
        unforeseen = [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, GoldgateError)]
        assert not unforeseen, unforeseen
        return outcomes

    def leave(self) -> None:
        """Close every connection: the database is emptied now."""
        for member in self._members:
            member.asked.put(None)
        for member in self._members:
            member.thread.join(timeout=60)
            assert not member.thread.is_alive(), "a deed never ended"
        self._members.clear()


class _Member:
    def __init__(self) -> None:
        self.asked: SimpleQueue[tuple[threading.Barrier, Deed] | None] = SimpleQueue()
        self.done: SimpleQueue[object] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        try:
            while (asked := self.asked.get()) is not None:
                start, deed = asked
                try:
                    start.wait(timeout=START_SECONDS)
                    self.done.put(deed())
                except BaseException as error:  # noqa: BLE001 (given to the test, in its own thread)
                    self.done.put(error)
        finally:
            connections.close_all()
