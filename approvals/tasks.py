"""The jobs of approvals: ids in, one service call."""

from approvals import services
from approvals.errors import NotSent
from jobs.handlers import Run, handler


@handler("approvals.finalise", retry_on=(NotSent,), limit_seconds=60, is_cancellable=False)
def finalise(run: Run) -> None:
    """Put a certificate in force once its signature is sent. The subject is the publication."""
    services.finalise(publication_id=run.subject_id, now=run.now())


@handler("approvals.refresh", limit_seconds=120)
def refresh(run: Run) -> None:
    """Freeze new packets where an artifact's evidence changed. The subject is the artifact."""
    services.refresh_packets_of(artifact_id=run.subject_id, now=run.now())


@handler("approvals.propose_candidate", limit_seconds=120)
def propose_candidate(run: Run) -> None:
    """Put what was built, or adopted from upstream, before its reviewers. The subject is the subversion."""
    services.propose_candidate(subversion_id=run.subject_id, now=run.now())


@handler("approvals.refresh_recipe", limit_seconds=120)
def refresh_recipe(run: Run) -> None:
    """Freeze new packets where a recipe's approval changed. The subject is the recipe."""
    services.refresh_recipe(recipe_id=run.subject_id, now=run.now())


@handler("approvals.refresh_waived", limit_seconds=120)
def refresh_waived(run: Run) -> None:
    """Freeze new packets where a waiver was given or taken back. The subject is the grant."""
    services.refresh_packets_under(grant_id=run.subject_id, now=run.now())
