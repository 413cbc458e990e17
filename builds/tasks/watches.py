"""Looking at upstream tags, and adopting what their moves brought."""

from builds.services.watches import adopt_imported, look
from builds.services.waves import advance_waves
from jobs.handlers import Run, handler
from registry.errors import RegistryUnavailable


@handler("builds.look", retry_on=(RegistryUnavailable,), limit_seconds=120, max_attempts=4)
def look_at_tag(run: Run) -> None:
    """Look at one upstream tag. The subject is the watch."""
    watch = look(watch_id=run.subject_id, now=run.now())
    advance_waves(now=run.now())
    run.progress(text=watch.last_failure[:500] or f"{watch} names {watch.last_digest}.")


@handler("builds.adopt", limit_seconds=60)
def adopt(run: Run) -> None:
    """Make a candidate of what a watch asked for. The subject is the artifact that came."""
    adopt_imported(artifact_id=run.subject_id, now=run.now())
