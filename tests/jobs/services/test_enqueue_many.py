"""Many jobs at once."""

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import handlers
from jobs.models import Job
from jobs.services import enqueue, enqueue_many

pytestmark = pytest.mark.django_db
KIND = "test.many"


@pytest.fixture(autouse=True)
def _handled():
    before = dict(handlers._handlers)
    handlers.handler(KIND, limit_seconds=7)(lambda run: None)
    yield
    handlers._handlers.clear()
    handlers._handlers.update(before)


class TestEnqueueMany:
    def test_writes_one_a_subject(self, now: datetime) -> None:
        enqueue_many(KIND, args_of={"a": {"n": 1}, "b": {}}, now=now)

        rows = Job.objects.order_by("subject_id").values_list("subject_id", "args", "limit_seconds", "run_at")
        assert list(rows) == [("a", {"n": 1}, 7, now), ("b", {}, 7, now)]

    def test_one_that_is_queued_will_do(self, now: datetime) -> None:
        first = enqueue(KIND, subject_id="a", now=now, key=f"{KIND}:a")

        enqueue_many(KIND, args_of={"a": {}, "b": {}}, now=now)

        assert Job.objects.get(subject_id="a") == first
        assert Job.objects.count() == 2

    def test_nothing_is_nothing(self, now: datetime) -> None:
        enqueue_many(KIND, args_of={}, now=now)

        assert not Job.objects.exists()

    def test_a_kind_without_a_handler(self, now: datetime) -> None:
        with pytest.raises(RuntimeError, match="no room handles"):
            enqueue_many("nobody.knows", args_of={"a": {}}, now=now)

    def test_a_thousand_take_as_many_queries_as_one(self, now: datetime) -> None:
        def queries(count: int) -> int:
            with CaptureQueriesContext(connection) as caught:
                enqueue_many(KIND, args_of={f"{count}-{number}": {} for number in range(count)}, now=now)
            return len(caught)

        assert queries(1) == queries(1000)
