"""What the timer starts."""

from builds.services.schedules import renew, start_due
from builds.services.waves import advance_waves
from jobs.handlers import Run, handler


@handler("builds.due", limit_seconds=120)
def due(run: Run) -> None:
    """Start what is due."""
    started = start_due(now=run.now())
    advance_waves(now=run.now())
    count = started.renewals + started.looks
    run.progress(done=count, total=count, unit="things", text=f"{started.renewals} renewals, {started.looks} looks")


@handler("builds.renew", limit_seconds=60)
def renew_source(run: Run) -> None:
    """Note that a source is due. The subject is the source."""
    renew(source_id=run.subject_id, due=str(run.args["due"]), now=run.now())
