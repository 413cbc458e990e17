"""Shared fixtures. PostgreSQL and Redis come from DATABASE_URL and REDIS_URL; script/test starts them."""

from datetime import UTC, datetime

import pytest


@pytest.fixture
def now() -> datetime:
    """The moment that tests of time are written around."""
    return datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
