"""Running a build, on the builder process alone."""

from django.conf import settings

from builds.adapters.builders.interface import BuilderUnavailable
from builds.models import Build
from builds.services.running import end, run_build
from builds.services.sweeping import sweep
from core.errors import GoldgateError, Kind
from jobs.errors import JobCancelled, TimeLimitReached
from jobs.handlers import BUILDS_QUEUE, Run, handler
from registry.errors import RegistryUnavailable

MAX_ATTEMPTS = 4
# Beside the build's own wall clock: laying out bases, packing the archive.
LIMIT_SECONDS = settings.GOLDGATE_BUILDER_SECONDS + 1800


@handler(
    "builds.run",
    queue=BUILDS_QUEUE,
    retry_on=(BuilderUnavailable, RegistryUnavailable),
    limit_seconds=LIMIT_SECONDS,
    max_attempts=MAX_ATTEMPTS,
)
def run(run: Run) -> None:
    """Build it. What ends it is said on the build."""
    try:
        run_build(run.subject_id, run=run)
    except JobCancelled:
        end(run.subject_id, Build.State.STOPPED, "cancelled", "It was cancelled while it ran.", run)
        raise
    except TimeLimitReached:
        end(run.subject_id, Build.State.FAILED, "time_limit", f"It took longer than {LIMIT_SECONDS:g} seconds.", run)
        raise
    except GoldgateError as error:
        if error.kind is not Kind.UNAVAILABLE or run.attempt >= MAX_ATTEMPTS:
            end(run.subject_id, Build.State.FAILED, error.code, str(error), run)
        raise


@handler("builds.sweep", queue=BUILDS_QUEUE, limit_seconds=1800)
def sweep_directories(run: Run) -> None:
    """Remove what killed builders left."""
    run.progress(done=sweep(), unit="directories")
