"""Shared fixtures. PostgreSQL and Redis come from DATABASE_URL and REDIS_URL; script/test starts them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.crew import Crew
from tests.flush import flushable_tables


@pytest.fixture
def now() -> datetime:
    """The moment that tests of time are written around."""
    return datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def at_once() -> Iterator[Crew]:
    """``at_once(deed, deed, …)`` does them at the same moment, on real connections."""
    crew = Crew()
    yield crew
    crew.leave()


@pytest.fixture(scope="session", autouse=True)
def _flushable_tables() -> Iterator[None]:
    """Transactional tests empty the database, the record included."""
    with flushable_tables():
        yield
