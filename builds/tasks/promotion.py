"""Watching the certified side."""

from builds.errors import CertifiedSideSilent
from builds.services import promotion
from jobs.handlers import Run, handler


@handler("builds.look_for_drift", retry_on=(CertifiedSideSilent,), limit_seconds=1800, max_attempts=4)
def look_for_drift(run: Run) -> None:
    """Look at every tag. What could not be asked fails the job, after everything else was looked at."""
    report = promotion.look_for_drift(now=run.now(), progress=run.progress)
    if report.unanswered:
        raise CertifiedSideSilent(str(report)[:2000], cure="See the registry's own page; it is asked again.")


@handler("builds.probe_pulls", limit_seconds=6 * 3600)
def probe_pulls(run: Run) -> None:
    """Try every certified digest. One that fails is an answer, not an error of the job."""
    promotion.probe_pulls(now=run.now(), progress=run.progress)


@handler("builds.guard_certified", limit_seconds=60)
def guard_certified(run: Run) -> None:
    """Something was certified: from now on the certified side is watched."""
    promotion.ensure_schedules()
