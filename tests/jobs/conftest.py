"""Handlers that last one test."""

from collections.abc import Callable, Iterator

import pytest

from jobs import handlers


@pytest.fixture
def handle() -> Iterator[Callable[..., None]]:
    """``handle("test.work", function, retry_on=…)`` registers a handler until the test ends."""
    before = dict(handlers._handlers)

    def register(kind: str, function: handlers.HandlerFunction = lambda run: None, **options) -> None:
        handlers._handlers.pop(kind, None)
        handlers.handler(kind, **options)(function)

    yield register
    handlers._handlers.clear()
    handlers._handlers.update(before)
