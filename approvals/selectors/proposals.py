"""Reads of proposals: what waits for whom, and what the policy says about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import selectors as accounts
from accounts.models import Person
from approvals.domain.certify_line import certify_line
from approvals.domain.line import Line
from approvals.errors import PacketMissing, ProposalMissing
from approvals.models import Packet, Proposal, Review
from approvals.selectors.evidence import evidence_of
from approvals.selectors.recipes import recipes_written_by
from catalog.models import Subversion
from policies.models import Policy
from policies.selectors import active_policy, document_of


def proposals() -> QuerySet[Proposal]:
    """Every proposal, newest first."""
    return Proposal.objects.select_related(
        "subversion__version__image__owner",
        "subversion__artifact",
        "proposed_by__same_person_as",
        "source_author__same_person_as",
        "current_packet",
        "request",
    ).order_by("-opened_at", "-id")


def open_proposals() -> QuerySet[Proposal]:
    """What waits for reviews, oldest first."""
    return proposals().filter(state=Proposal.State.OPEN).order_by("opened_at", "id")


def proposal_by_id(proposal_id: UUID | str) -> Proposal:
    """Raises ProposalMissing."""
    found = proposals().filter(pk=proposal_id).first()
    if found is None:
        raise ProposalMissing("There is no such proposal.", cure="See the proposals that are open.")
    return found


def packet_by_id(packet_id: UUID | str) -> Packet:
    """Raises PacketMissing."""
    found = Packet.objects.select_related("proposal__subversion__version__image").filter(pk=packet_id).first()
    if found is None:
        raise PacketMissing("There is no such packet.", cure="See the proposal that it belongs to.")
    return found


def latest_proposal(subversion: Subversion) -> Proposal | None:
    """The newest proposal of a subversion."""
    return proposals().filter(subversion=subversion).first()


def latest_proposals(subversion_ids: Iterable[UUID]) -> dict[UUID, Proposal]:
    """Subversion id → its newest proposal. One query."""
    found: dict[UUID, Proposal] = {}
    for proposal in proposals().filter(subversion_id__in=list(subversion_ids)):
        found.setdefault(proposal.subversion_id, proposal)
    return found


def open_proposals_about(artifact_id: UUID | str) -> QuerySet[Proposal]:
    """Open proposals of an artifact, or of an index that lists it as runnable."""
    is_child = Q(
        subversion__artifact__child_links__child_id=artifact_id, subversion__artifact__child_links__kind="runnable"
    )
    about = Proposal.objects.filter(Q(subversion__artifact_id=artifact_id) | is_child, state=Proposal.State.OPEN)
    return Proposal.objects.filter(pk__in=about.values("pk")).order_by("opened_at", "id")


def reviews_due(person: Person, policy: Policy, at: datetime) -> list[Proposal]:
    """Open proposals that ``person`` may judge and has not, oldest first. One query."""
    identity = accounts.identity_of(person)
    judged = Review.objects.filter(packet_id=OuterRef("current_packet_id")).filter(
        Q(reviewer=person) | Q(reviewer_identity=identity)
    )
    wanted = document_of(policy).certify.reviewer_roles
    reaching = accounts.grants_of_roles(person, wanted, at).filter(
        Q(team=None) | Q(team_id=OuterRef("subversion__version__image__owner_id"))
    )
    waiting = open_proposals().filter(Exists(reaching), ~Exists(judged))
    if accounts.is_one_person():
        return list(waiting)
    written = recipes_written_by(person).filter(builds__subversion=OuterRef("subversion_id"))
    return [one for one in waiting.exclude(Exists(written)) if not _is_author(one, person, identity)]


def _is_author(proposal: Proposal, person: Person, identity: str) -> bool:
    return (
        person.pk in (proposal.proposed_by_id, proposal.source_author_id)
        or identity in (proposal.proposer_identity, proposal.author_identity)
        or accounts.is_same_person(proposal.proposed_by, person)
    )


def proposal_verdict(proposal: Proposal, at: datetime) -> tuple[Line, ...]:
    """What the policy's *certify* line says about the proposal's evidence at ``at``, line by line."""
    return subversion_verdict(proposal.subversion, at)


def subversion_verdict(subversion: Subversion, at: datetime) -> tuple[Line, ...]:
    """The same for a subversion, proposed or not."""
    policy = document_of(active_policy(at))
    return certify_line(evidence_of(subversion, at), policy=policy, now=at)


def reviewers_needed(policy: Policy) -> int:
    """How many distinct persons must approve: the policy's number; one in a house of one person."""
    return 1 if accounts.is_one_person() else document_of(policy).certify.reviewers


@dataclass(frozen=True, slots=True)
class ReviewWarning:
    """Something a reader of a review should know."""

    code: str
    text: str


def review_warnings(proposal: Proposal, review: Review) -> list[ReviewWarning]:
    """What weakens a review: the reviewer's account was made or opened by whom they judge, or they judge themselves."""
    found: list[ReviewWarning] = []
    if review.is_own:
        text = f"{review.reviewer} judged an own proposal: Goldgate runs for one person."
        found.append(ReviewWarning("own_proposal", text))
    authors = [proposal.proposed_by, *([proposal.source_author] if proposal.source_author else [])]
    for author in authors:
        if author.pk == review.reviewer_id:
            continue
        if accounts.is_creation_of(review.reviewer, author):
            text = f"The account of {review.reviewer} was created by {author}, whose proposal it judges."
            found.append(ReviewWarning("created_by_proposer", text))
        elif accounts.was_let_in_by(review.reviewer, author):
            text = f"{author}, whose proposal it judges, once gave {review.reviewer} a new password."
            found.append(ReviewWarning("let_in_by_proposer", text))
    return found


def reviews_of(proposal: Proposal) -> QuerySet[Review]:
    """Every review of a proposal, of each of its packets, oldest first."""
    return (
        Review.objects.filter(proposal=proposal)
        .select_related("reviewer__same_person_as", "reviewer__created_by", "packet")
        .order_by("decided_at", "id")
    )
