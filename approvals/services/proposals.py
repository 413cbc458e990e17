"""Putting a candidate before its reviewers, and keeping its packet true."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import selectors as accounts
from accounts.models import Person
from approvals import selectors
from approvals.domain.packet import canonical_text, packet_document, says_the_same
from approvals.errors import ProposalExists, ProposalMissing
from approvals.models import Packet, Proposal, Request
from approvals.selectors.evidence import evidence_of, packet_subject
from approvals.selectors.waivers import subversions_reached
from approvals.services import persons
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from catalog import services as catalog
from catalog.errors import IllegalStep
from catalog.models import Subversion
from core.canonical import sha256_of
from policies import services as policies
from policies.selectors import grant_by_id

LIVE = (Proposal.State.OPEN, Proposal.State.CERTIFYING)


@transaction.atomic
def propose(
    *,
    subversion: Subversion,
    proposed_by: Person,
    now: datetime,
    note: str = "",
    source_author: Person | None = None,
    request: Request | None = None,
    actor: Actor | None = None,
) -> Proposal:
    """Put ``subversion`` before its reviewers, with a first packet frozen from what is known now.

    An open request for that version is linked by itself.
    Raises: RoleMissing; ProposalExists; IllegalStep (revoked and rejected are ends).
    """
    subversion = catalog.lock(subversion.pk)
    persons.require_any_role(proposed_by, persons.PROPOSERS, subversion=subversion, now=now)
    if subversion.revoked_at or subversion.rejected_at:
        raise IllegalStep(f"{subversion} is revoked or rejected, for good.", cure="Propose another subversion.")
    if Proposal.objects.filter(subversion=subversion, state__in=LIVE).exists():
        raise ProposalExists(f"{subversion} is before its reviewers already.", cure="Review that proposal.")
    proposal = Proposal.objects.create(
        subversion=subversion,
        proposed_by=proposed_by,
        source_author=source_author,
        proposer_identity=accounts.identity_of(proposed_by),
        author_identity=accounts.identity_of(source_author) if source_author else "",
        request=request or selectors.open_request_for(subversion.version),
        note=note,
        opened_at=now,
    )
    record(
        Verb.PROPOSAL_OPENED,
        actor=actor or proposed_by.as_actor(),
        subject=catalog.subject_of(subversion),
        at=now,
        data={"proposal": str(proposal.pk), "digest": subversion.artifact.digest},
    )
    _freeze(proposal, subversion, now=now)
    return proposal


@transaction.atomic
def refresh_packet(*, proposal_id: UUID | str, now: datetime) -> Packet | None:
    """Freeze a new packet where the evidence, or the policy, says something else now; reviews of the old one are void.

    Of a proposal that is not open the packet stays as it is. Raises ProposalMissing.
    """
    subversion, proposal = lock(proposal_id)
    if proposal.state != Proposal.State.OPEN:
        return proposal.current_packet
    return _freeze(proposal, subversion, now=now)


def refresh_packets_of(*, artifact_id: UUID | str, now: datetime) -> int:
    """Refresh every open proposal of an artifact, or of an index that lists it. Returns how many there were."""
    found = list(selectors.open_proposals_about(artifact_id).values_list("pk", flat=True))
    for proposal_id in found:
        refresh_packet(proposal_id=proposal_id, now=now)
    return len(found)


def refresh_packets_under(*, grant_id: UUID | str, now: datetime) -> int:
    """Refresh every open proposal that a waiver speaks of: it was given, or taken back. Returns how many there were.

    Nothing has to run when it runs out: a review freezes a new packet first. Raises GrantMissing.
    """
    reached = subversions_reached(grant_by_id(grant_id))
    found = Proposal.objects.filter(subversion__in=reached.values("pk"), state=Proposal.State.OPEN)
    ids = list(found.order_by("opened_at", "pk").values_list("pk", flat=True))
    for proposal_id in ids:
        refresh_packet(proposal_id=proposal_id, now=now)
    return len(ids)


def lock(proposal_id: UUID | str) -> tuple[Subversion, Proposal]:
    """Both rows locked, always in this order: subversion, then proposal. Raises ProposalMissing."""
    subversion_id = Proposal.objects.filter(pk=proposal_id).values_list("subversion_id", flat=True).first()
    if subversion_id is None:
        raise ProposalMissing("There is no such proposal.", cure="See the proposals that are open.")
    subversion = catalog.lock(subversion_id)
    Proposal.objects.select_for_update(of=("self",)).get(pk=proposal_id)
    return subversion, selectors.proposal_by_id(proposal_id)


def close(proposal: Proposal, *, state: Proposal.State, reason: str, now: datetime) -> None:
    """End a locked proposal."""
    proposal.state = state
    proposal.closed_at = now
    proposal.closed_reason = reason
    proposal.save(update_fields=["state", "closed_at", "closed_reason"])


def _freeze(proposal: Proposal, subversion: Subversion, *, now: datetime) -> Packet:
    policy = policies.policy_in_force(now=now)
    document = packet_document(packet_subject(proposal, subversion, policy), evidence_of(subversion, now))
    current = proposal.current_packet
    if current is not None and says_the_same(current.document, document):
        return current
    packet = Packet.objects.create(
        proposal=proposal,
        number=current.number + 1 if current else 1,
        canonical=canonical_text(document),
        sha256=sha256_of(document),
        created_at=now,
    )
    proposal.current_packet = packet
    proposal.save(update_fields=["current_packet"])
    record(
        Verb.PACKET_FROZEN,
        actor=Actor.system("worker"),
        subject=catalog.subject_of(subversion),
        at=now,
        data={
            "proposal": str(proposal.pk),
            "packet": packet.sha256,
            "number": packet.number,
            "void": proposal.reviews.filter(packet=current).count() if current else 0,
        },
    )
    return packet
