"""Taking in what a builder left, and what a pipeline submitted."""

from collections.abc import Callable

from builds.models import Build
from builds.services.ending import end_build
from builds.services.submissions import take_submission
from builds.services.taking_in import drop_directory, take_in
from core.errors import GoldgateError, Kind
from jobs.errors import JobCancelled, TimeLimitReached
from jobs.handlers import MAX_ATTEMPTS, Run, handler
from registry.errors import RegistryUnavailable


@handler("builds.take_in", retry_on=(RegistryUnavailable,), limit_seconds=3600)
def take_in_build(run: Run) -> None:
    """Make a candidate of a build's archive, or say that nothing changed. What ends it is said on the build."""
    _take(run, take_in)


@handler("builds.take_submission", retry_on=(RegistryUnavailable,), limit_seconds=3600)
def take_submitted(run: Run) -> None:
    """Import what was submitted, by digest, and make it a candidate. What ends it is said on the build."""
    _take(run, take_submission)


def _take(run: Run, deed: Callable[..., object]) -> None:
    try:
        deed(build_id=run.subject_id, now=run.now(), progress=run.progress)
    except JobCancelled:
        _end(run, Build.State.STOPPED, "cancelled", "It was cancelled while its image was taken in.")
        raise
    except TimeLimitReached:
        _end(run, Build.State.FAILED, "time_limit", "Taking its image in took longer than an hour.")
        raise
    except GoldgateError as error:
        if error.kind is not Kind.UNAVAILABLE or run.attempt >= MAX_ATTEMPTS:
            _end(run, Build.State.FAILED, error.code, str(error))
        raise


def _end(run: Run, state: Build.State, code: str, failure: str) -> None:
    drop_directory(end_build(build_id=run.subject_id, state=state, code=code, failure=failure, now=run.now()))
