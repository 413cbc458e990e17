"""The five states of a job.

queued → running → succeeded | failed | cancelled; running → queued (tried again later);
failed | cancelled → queued (a person asks again). Nothing leaves *succeeded*.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (State.QUEUED, State.RUNNING)
CLOSED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)
