"""Refusals of jobs, and the two ways in which a run ends early."""

from typing import ClassVar

from core.errors import GoldgateError, Kind


class JobMissing(GoldgateError):
    """No such job."""

    code: ClassVar[str] = "job_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class JobClosed(GoldgateError):
    """The job has ended; nothing can be cancelled."""

    code: ClassVar[str] = "job_closed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class JobNotCancellable(GoldgateError):
    """The job carries out what people decided, such as a withdrawal; stopping it would undo the decision."""

    code: ClassVar[str] = "job_not_cancellable"
    kind: ClassVar[Kind] = Kind.REFUSED


class JobOfOthers(GoldgateError):
    """Somebody else's deed caused the job, or nobody's: only they and platform administrators touch it."""

    code: ClassVar[str] = "job_of_others"
    kind: ClassVar[Kind] = Kind.REFUSED


class JobNotRetryable(GoldgateError):
    """Only failed and cancelled jobs are tried again, and only while no other does the same."""

    code: ClassVar[str] = "job_not_retryable"
    kind: ClassVar[Kind] = Kind.CONFLICT


class ScheduleMissing(GoldgateError):
    """No such schedule."""

    code: ClassVar[str] = "schedule_missing"
    kind: ClassVar[Kind] = Kind.MISSING


class ScheduleMalformed(GoldgateError):
    """The timer says nothing, or cannot be read."""

    code: ClassVar[str] = "schedule_malformed"
    kind: ClassVar[Kind] = Kind.MALFORMED


class JobCancelled(Exception):
    """Somebody asked this run to stop. Handlers let it pass."""


class LeaseLost(Exception):
    """Another worker may hold this job now: nothing that this run writes counts. Handlers let it pass."""


class TimeLimitReached(Exception):
    """The run took longer than its handler's ``limit_seconds``. Handlers let it pass."""
