"""Candidates that came by themselves, from a build or a watched tag, put before their reviewers."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from approvals.models import Proposal
from approvals.selectors.standing import SUPERSEDED
from approvals.selectors.supply import build_of
from approvals.services.proposals import LIVE, close, lock, propose, refresh_packets_of
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.models import Build
from catalog import selectors as catalog
from catalog import services as catalog_services
from catalog.models import Subversion, Version

NOTE = "It came by itself:"


@transaction.atomic
def propose_candidate(*, subversion_id: UUID | str, now: datetime) -> Proposal | None:
    """Put a candidate that nobody carried before its reviewers; None when it is there already, or has ended.

    Who is responsible for its source proposes it, and who wrote the commit is its author: neither may review it. An
    older one that came by itself for the same version and still waits is closed: reviewers judge the newest.
    Raises RoleMissing: the one who is responsible holds no role any more.
    """
    version_id = catalog.subversion_by_id(subversion_id).version_id
    # First: two candidates of one version would else lock each other's rows crosswise.
    Version.objects.select_for_update().get(pk=version_id)
    subversion = catalog_services.lock(subversion_id)
    if subversion.revoked_at or subversion.rejected_at or subversion.certified_from:
        return None
    if Proposal.objects.filter(subversion=subversion, state__in=LIVE).exists():
        return None
    build = build_of(subversion)
    proposal = propose(
        subversion=subversion,
        proposed_by=build.source.owner if build else subversion.created_by,
        source_author=build.recipe.author if build and build.recipe else None,
        note=f"{NOTE} {_why(build)}",
        actor=Actor.system("worker"),
        now=now,
    )
    _supersede(subversion, now=now)
    return proposal


def refresh_recipe(*, recipe_id: UUID | str, now: datetime) -> int:
    """Freeze new packets of what was built from a recipe that was approved, or taken back. Returns how many."""
    artifacts = Build.objects.filter(recipe_id=recipe_id, artifact__isnull=False).values_list("artifact_id", flat=True)
    return sum(refresh_packets_of(artifact_id=one, now=now) for one in set(artifacts))


def _supersede(subversion: Subversion, *, now: datetime) -> None:
    older = Proposal.objects.filter(
        subversion__version=subversion.version, state=Proposal.State.OPEN, note__startswith=NOTE
    ).exclude(subversion=subversion)
    for proposal_id in older.order_by("pk").values_list("pk", flat=True):
        other, proposal = lock(proposal_id)
        if proposal.state != Proposal.State.OPEN:
            continue
        reason = f"{SUPERSEDED} {subversion.name}."
        close(proposal, state=Proposal.State.WITHDRAWN, reason=reason, now=now)
        record(
            Verb.PROPOSAL_WITHDRAWN,
            actor=Actor.system("worker"),
            subject=catalog_services.subject_of(other),
            at=now,
            data={"proposal": str(proposal.pk), "reason": reason},
        )


def _why(build: Build | None) -> str:
    if build is None:
        return "the watched tag moved upstream."
    causes = list(build.causes.order_by("at", "pk"))
    reasons = " and ".join(dict.fromkeys(cause.get_reason_display() for cause in causes)) or "submitted by its pipeline"
    return f"build {build.number} of {build.source.name} ({reasons})."
