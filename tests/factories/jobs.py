"""Jobs for tests, as rows: any state, without a handler."""

import uuid
from datetime import UTC, datetime, timedelta

from jobs.domain.state import CLOSED, State
from jobs.models import Job

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def JobFactory(**fields) -> Job:  # noqa: N802
    """A queued job that is due at ``AT``; other states get what their constraints ask for."""
    state = fields.get("state", State.QUEUED)
    values = {
        "kind": "test.work",
        "queue": "default",
        "subject_id": "7",
        "max_attempts": 8,
        "limit_seconds": 60,
        "run_at": AT,
        "created_at": AT,
    }
    if state == State.RUNNING:
        values |= {"lease_token": uuid.uuid4(), "lease_until": AT + timedelta(seconds=60), "attempts": 1}
    if state in CLOSED:
        values |= {"finished_at": AT, "attempts": 1}
    return Job.objects.create(**(values | fields))
