"""From a build that was asked for to the builder's queue."""

from builds.errors import SourceUnavailable
from builds.models import Build
from builds.services.asking import begin_build
from builds.services.causes import build_held
from builds.services.ending import end_build
from builds.services.sources import fail_fetch
from core.errors import GoldgateError, Kind
from jobs.errors import JobCancelled, TimeLimitReached
from jobs.handlers import MAX_ATTEMPTS, Run, handler
from registry.errors import RegistryUnavailable


@handler("builds.begin", retry_on=(SourceUnavailable, RegistryUnavailable), limit_seconds=1800)
def begin(run: Run) -> None:
    """Fetch a build's source and hand it to the builder's queue. What ends it is said on the build."""
    try:
        begin_build(build_id=run.subject_id, now=run.now(), progress=run.progress)
    except JobCancelled:
        _end(run, Build.State.STOPPED, "cancelled", "It was cancelled before it began.")
        raise
    except TimeLimitReached:
        _end(run, Build.State.FAILED, "time_limit", "Fetching its source took longer than half an hour.")
        raise
    except GoldgateError as error:
        if error.kind is not Kind.UNAVAILABLE or run.attempt >= MAX_ATTEMPTS:
            _end(run, Build.State.FAILED, error.code, str(error))
        raise


@handler("builds.build_held", limit_seconds=60)
def build_fixes(run: Run) -> None:
    """Build the fixes that were held, now that the breaker's day is over. The subject is the source."""
    build_held(source_id=run.subject_id, now=run.now())


def _end(run: Run, state: Build.State, code: str, failure: str) -> None:
    build = end_build(build_id=run.subject_id, state=state, code=code, failure=failure, now=run.now())
    if build.recipe_id is None:
        fail_fetch(source_id=build.source_id, failure=failure, now=run.now())
