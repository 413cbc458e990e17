"""What opens waves and moves them."""

from datetime import timedelta

from builds.services.events import base_certified, check_fixes, fix_seen, recipe_approved
from builds.services.waves import advance_waves
from jobs.domain.state import State
from jobs.handlers import Run, handler
from jobs.selectors import jobs
from jobs.services import enqueue

SYNC_PAUSE = timedelta(seconds=15)


@handler("builds.look_for_fixes", limit_seconds=300)
def look_for_fixes(run: Run) -> None:
    """Renew what is certified where a finding has a fix. The subject is the artifact."""
    if jobs(states=[State.RUNNING], kind="scans.sync_feed").exists():
        # The feed says more in a moment: one build for all of it.
        later = run.now() + SYNC_PAUSE
        key = f"builds.look_for_fixes:{run.subject_id}"
        enqueue("builds.look_for_fixes", subject_id=run.subject_id, now=run.now(), key=key, run_at=later)
        return
    fix_seen(artifact_id=run.subject_id, now=run.now())
    check_fixes(artifact_id=run.subject_id, now=run.now())


@handler("builds.check_fixes", limit_seconds=300)
def check_candidate(run: Run) -> None:
    """Look whether a candidate brought what its wave is for. The subject is the artifact."""
    check_fixes(artifact_id=run.subject_id, now=run.now())


@handler("builds.base_certified", limit_seconds=300)
def base_moved(run: Run) -> None:
    """Renew what stands on a version that was certified anew. The subject is the subversion."""
    base_certified(subversion_id=run.subject_id, now=run.now())


@handler("builds.recipe_approved", limit_seconds=60)
def build_approved(run: Run) -> None:
    """Build an approved recipe. The subject is the recipe."""
    recipe_approved(recipe_id=run.subject_id, now=run.now())


@handler("builds.advance_waves", limit_seconds=300)
def advance(run: Run) -> None:
    """Begin what waited for a decision. The subject is what was decided about."""
    advance_waves(now=run.now())
