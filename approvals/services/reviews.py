"""One person's judgement of a packet. The last approval that is needed begins the certification."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import selectors as accounts
from accounts import services as account_services
from accounts.models import Person
from approvals import selectors
from approvals.domain.certify_line import blocking
from approvals.errors import AlreadyReviewed, ChangesRequested, LineCrossed, PacketMoved, ProposalClosed
from approvals.models import Packet, Proposal, Review
from approvals.services import certifying, persons, proposals
from approvals.services.roles import reviewer_roles
from audit.services import record
from audit.verbs import Verb
from catalog import services as catalog
from catalog.models import Subversion
from core.errors import FieldError
from policies import services as policies
from policies.models import Policy


def review_packet(
    *,
    proposal_id: UUID | str,
    reviewer: Person,
    outcome: Review.Outcome,
    reason: str,
    packet_sha256: str,
    now: datetime,
) -> Review:
    """Record ``reviewer``'s judgement of the packet that they read, named by its hash.

    Raises: ProposalMissing; ProposalClosed; OwnProposal; RoleMissing; ReasonMissing (anything but an
    approval); PacketMoved (evidence changed while they read); AlreadyReviewed; ChangesRequested;
    LineCrossed (the policy refuses what they would approve); NoCertifiedSide. A refusal leaves no review.
    """
    # A transaction of its own: a packet that moved is frozen anew also when the review is refused for it.
    proposals.refresh_packet(proposal_id=proposal_id, now=now)
    return _review(proposal_id, reviewer, Review.Outcome(outcome), reason.strip(), packet_sha256, now)


def reject(*, proposal_id: UUID | str, reviewer: Person, reason: str, packet_sha256: str, now: datetime) -> Review:
    """End a proposal for good, with the reason. Raises as ``review_packet`` does."""
    return review_packet(
        proposal_id=proposal_id,
        reviewer=reviewer,
        outcome=Review.Outcome.REJECT,
        reason=reason,
        packet_sha256=packet_sha256,
        now=now,
    )


@transaction.atomic
def _review(
    proposal_id: UUID | str, reviewer: Person, outcome: Review.Outcome, reason: str, packet_sha256: str, now: datetime
) -> Review:
    # Locked: two reviewers clicking at once must not both be counted as the last one needed.
    subversion, proposal = proposals.lock(proposal_id)
    policy = policies.policy_in_force(now=now)
    packet = _require_reviewable(proposal, packet_sha256)
    persons.require_other_person(proposal, reviewer)
    # A role that is being ended ends before this or after it, never both.
    account_services.hold_roles()
    roles = reviewer_roles(policy)
    persons.require_any_role(reviewer, roles, subversion=subversion, now=now)
    if outcome is not Review.Outcome.APPROVE:
        reason = persons.require_reason(reason)
    identity = accounts.identity_of(reviewer)
    if packet.reviews.filter(reviewer_identity=identity).exists() or packet.reviews.filter(reviewer=reviewer).exists():
        raise AlreadyReviewed(f"{reviewer} judged this packet already.", cure="A new packet may be judged anew.")
    if outcome is Review.Outcome.APPROVE:
        _require_approvable(proposal, packet, now)
    review = Review.objects.create(
        proposal=proposal,
        packet=packet,
        packet_sha256=packet.sha256,
        reviewer=reviewer,
        reviewer_identity=identity,
        outcome=outcome,
        reason=reason,
        is_own=persons.is_own(proposal, reviewer),
        decided_at=now,
    )
    record(
        Verb.PROPOSAL_REVIEWED,
        actor=reviewer.as_actor(),
        subject=catalog.subject_of(subversion),
        at=now,
        data={"proposal": str(proposal.pk), "packet": packet.sha256, "outcome": str(outcome), "reason": reason},
    )
    match outcome:
        case Review.Outcome.REJECT:
            _close_rejected(proposal, subversion, review, now=now)
        case Review.Outcome.APPROVE:
            _certify_when_enough(proposal, subversion, policy, packet, reviewer=reviewer, now=now)
        case Review.Outcome.REQUEST_CHANGES:
            pass  # it stands against the packet until the evidence changes, or the proposal is withdrawn
    return review


def _require_reviewable(proposal: Proposal, packet_sha256: str) -> Packet:
    if proposal.state != Proposal.State.OPEN or proposal.current_packet is None:
        raise ProposalClosed(f"The proposal is {proposal.state}.", cure="There is nothing left to judge.")
    if packet_sha256 != proposal.current_packet.sha256:
        raise PacketMoved("The evidence changed while it was read.", cure="Read what is new, then judge it.")
    return proposal.current_packet


def _require_approvable(proposal: Proposal, packet: Packet, now: datetime) -> None:
    objection = packet.reviews.filter(outcome=Review.Outcome.REQUEST_CHANGES).select_related("reviewer").first()
    if objection is not None:
        detail = f"{objection.reviewer} asked for changes: {objection.reason}"
        raise ChangesRequested(detail, cure="Change what they name, or withdraw and propose again.")
    refused = blocking(selectors.proposal_verdict(proposal, now))
    if refused:
        rows = [FieldError(f"/{line.code}", str(line.outcome), line.reason) for line in refused]
        detail = " ".join(line.reason for line in refused)
        raise LineCrossed(detail, cure=refused[0].remedy, errors=rows)


def _close_rejected(proposal: Proposal, subversion: Subversion, review: Review, *, now: datetime) -> None:
    proposals.close(proposal, state=Proposal.State.REJECTED, reason=review.reason, now=now)
    # A certificate that is in force is not undone by refusing to renew it: revoking is a deed of its own.
    if subversion.certified_from is None:
        catalog.set_rejected(subversion=subversion, at=now, reason=review.reason)
    record(
        Verb.PROPOSAL_REJECTED,
        actor=review.reviewer.as_actor(),
        subject=catalog.subject_of(subversion),
        at=now,
        data={"proposal": str(proposal.pk), "reason": review.reason},
    )


def _certify_when_enough(
    proposal: Proposal, subversion: Subversion, policy: Policy, packet: Packet, *, reviewer: Person, now: datetime
) -> None:
    counted = _counting(packet, subversion, policy, now=now)
    if len(counted) >= selectors.reviewers_needed(policy):
        certifying.begin(
            proposal=proposal, subversion=subversion, policy=policy, reviews=counted, actor=reviewer.as_actor(), now=now
        )


def _counting(packet: Packet, subversion: Subversion, policy: Policy, *, now: datetime) -> list[Review]:
    """Approvals by distinct persons who hold the role still."""
    counted: dict[str, Review] = {}
    approvals = packet.reviews.filter(outcome=Review.Outcome.APPROVE)
    for review in approvals.select_related("reviewer__same_person_as").order_by("decided_at", "pk"):
        if persons.has_any_role(review.reviewer, reviewer_roles(policy), subversion=subversion, now=now):
            counted.setdefault(accounts.identity_of(review.reviewer), review)
    return list(counted.values())
