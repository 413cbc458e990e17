"""Job handlers of sources: ids in, one service call."""

from builds.adapters.git import FETCH_LIMITS
from builds.errors import ParserFailed, SourceUnavailable
from builds.services.checks import check_recipes_on
from builds.services.sources import fail_fetch
from builds.services.sources import fetch_source as fetch
from core.errors import GoldgateError, Kind
from jobs.errors import JobCancelled, TimeLimitReached
from jobs.handlers import Run, handler

MAX_ATTEMPTS = 5


@handler("builds.check_recipes_on", retry_on=(ParserFailed,), limit_seconds=1800, is_cancellable=False)
def check_recipes(run: Run) -> None:
    """Hold recipes to the rules again whose base was revoked. The subject is the subversion."""
    run.progress(done=check_recipes_on(subversion_id=run.subject_id, now=run.now()), unit="recipes")


@handler(
    "builds.fetch",
    retry_on=(SourceUnavailable, ParserFailed),
    limit_seconds=FETCH_LIMITS.wall_seconds * 2,
    max_attempts=MAX_ATTEMPTS,
)
def fetch_source(run: Run) -> None:
    """Fetch a source. What a person must change is also said on it."""
    try:
        fetch(run.subject_id, now=run.now(), progress=run.progress)
    except (JobCancelled, TimeLimitReached) as ended:
        said = "It was cancelled." if isinstance(ended, JobCancelled) else "It took too long."
        fail_fetch(source_id=run.subject_id, failure=said, now=run.now())
        raise
    except GoldgateError as error:
        if error.kind is not Kind.UNAVAILABLE or run.attempt >= MAX_ATTEMPTS:
            fail_fetch(source_id=run.subject_id, failure=str(error), now=run.now())
        raise
