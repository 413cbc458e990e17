"""Withdrawing a proposal; suspending, lifting and revoking what is used."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import selectors as accounts
from accounts.models import Person
from accounts.roles import Role
from approvals.errors import AlreadyRevoked, NeverCertified, NotAsked, NotSuspended, NotUsable, ProposalClosed
from approvals.models import Certification, Proposal, Revocation, Suspension
from approvals.models.certifications import SUSPENSION_HOURS
from approvals.services import certifying, persons, proposals
from audit.services import record
from audit.verbs import Verb
from catalog import selectors as catalog_selectors
from catalog import services as catalog
from catalog.domain.state import state_at
from catalog.models import Subversion
from core.validity import is_in_force
from signing import selectors as signing
from signing import services as signing_services

ENDERS = frozenset({Role.SECURITY_REVIEWER})


@transaction.atomic
def withdraw_proposal(*, proposal_id: UUID | str, person: Person, reason: str, now: datetime) -> Proposal:
    """Take a proposal back, also while its signature is outstanding: then the certification fails with the reason.

    Raises: ProposalMissing; ProposalClosed; NotAsked (not its proposer); ReasonMissing.
    """
    subversion, proposal = proposals.lock(proposal_id)
    told = persons.require_reason(reason)
    if not accounts.is_same_person(proposal.proposed_by, person):
        raise NotAsked("Only who proposed it withdraws it.", cure="Reviewers ask for changes, or reject.")
    match proposal.state:
        case Proposal.State.OPEN:
            proposals.close(proposal, state=Proposal.State.WITHDRAWN, reason=told, now=now)
        case Proposal.State.CERTIFYING:
            found = Certification.objects.select_for_update(of=("self",)).get(proposal=proposal)
            said = f"Withdrawn while it was certified: {told}"
            certifying.fail(found, proposal, subversion, reason=said, actor=person.as_actor(), now=now)
        case _:
            raise ProposalClosed(f"The proposal is {proposal.state}.", cure="Revoke what is certified.")
    record(
        Verb.PROPOSAL_WITHDRAWN,
        actor=person.as_actor(),
        subject=catalog.subject_of(subversion),
        at=now,
        data={"proposal": str(proposal.pk), "reason": told},
    )
    return proposal


@transaction.atomic
def suspend(*, subversion_id: UUID | str, person: Person, reason: str, now: datetime) -> Suspension:
    """Stop its use at once, for 72 hours at most; lifting or revoking decides.

    Raises: NoSuchImage; RoleMissing; ReasonMissing; NotUsable.
    """
    subversion = _locked(subversion_id)
    persons.require_any_role(person, ENDERS, subversion=subversion, now=now)
    told = persons.require_reason(reason)
    if not state_at(catalog_selectors.facts_of(subversion), now).is_usable:
        raise NotUsable(f"{subversion} may not be used anyway.", cure="Nothing needs to be suspended.")
    ends_at = now + timedelta(hours=SUSPENSION_HOURS)
    suspension = Suspension.objects.create(
        subversion=subversion, suspended_by=person, reason=told, starts_at=now, ends_at=ends_at
    )
    catalog.set_suspended(subversion=subversion, starts_at=now, ends_at=ends_at, reason=told)
    record(
        Verb.SUBVERSION_SUSPENDED,
        actor=person.as_actor(),
        subject=catalog.subject_of(subversion),
        at=now,
        data={"reason": told, "ends_at": ends_at.isoformat(), "digest": subversion.artifact.digest},
    )
    return suspension


@transaction.atomic
def lift_suspension(*, subversion_id: UUID | str, person: Person, reason: str, now: datetime) -> Suspension:
    """Let it be used again. Raises: NoSuchImage; RoleMissing; ReasonMissing; NotSuspended."""
    subversion = _locked(subversion_id)
    persons.require_any_role(person, ENDERS, subversion=subversion, now=now)
    told = persons.require_reason(reason)
    latest = subversion.suspensions.select_for_update(of=("self",)).order_by("-starts_at", "-pk").first()
    if latest is None or not is_in_force(latest, now):
        raise NotSuspended(f"{subversion} is not suspended.", cure="Nothing needs to be lifted.")
    latest.ends_at = now
    latest.lifted_at = now
    latest.lifted_by = person
    latest.lift_reason = told
    latest.save(update_fields=["ends_at", "lifted_at", "lifted_by", "lift_reason"])
    catalog.set_suspended(subversion=subversion, starts_at=latest.starts_at, ends_at=now, reason=latest.reason)
    record(
        Verb.SUSPENSION_LIFTED,
        actor=person.as_actor(),
        subject=catalog.subject_of(subversion),
        at=now,
        data={"reason": told, "digest": subversion.artifact.digest},
    )
    return latest


@transaction.atomic
def revoke(*, subversion_id: UUID | str, person: Person, reason: str, now: datetime) -> Revocation:
    """End it for good, at once; certificate, certification under way and proposal end with it.

    Raises: NoSuchImage; RoleMissing; ReasonMissing; AlreadyRevoked; NeverCertified (reject it instead).
    """
    subversion = _locked(subversion_id)
    persons.require_any_role(person, ENDERS, subversion=subversion, now=now)
    told = persons.require_reason(reason)
    if subversion.revoked_at is not None:
        raise AlreadyRevoked(f"{subversion} was revoked on {subversion.revoked_at:%Y-%m-%d}.")
    if not Certification.objects.filter(subversion=subversion).exists():
        raise NeverCertified(f"{subversion} was never certified.", cure="Reject its proposal instead.")
    # The end stands first, so that whoever comes after the lock is released sees it.
    _end_certifications(subversion, person, told, now)
    for proposal in Proposal.objects.select_for_update(of=("self",)).filter(subversion=subversion, state="open"):
        proposals.close(proposal, state=Proposal.State.REJECTED, reason=f"Revoked: {told}", now=now)
    revocation = Revocation.objects.create(subversion=subversion, revoked_by=person, reason=told, revoked_at=now)
    catalog.set_revoked(subversion=subversion, at=now, reason=told)
    record(
        Verb.SUBVERSION_REVOKED,
        actor=person.as_actor(),
        subject=catalog.subject_of(subversion),
        at=now,
        data={"reason": told, "digest": subversion.artifact.digest, "repository": subversion.certified_repository},
    )
    return revocation


def _end_certifications(subversion: Subversion, person: Person, reason: str, now: datetime) -> None:
    actor = person.as_actor()
    live = Certification.objects.filter(subversion=subversion, failed_at=None, ended_at=None)
    for certification in live.select_for_update(of=("self",)).order_by("begun_at", "pk"):
        if certification.finalised_at is None:
            _, proposal = proposals.lock(certification.proposal_id)
            told = f"Revoked while it was certified: {reason}"
            certifying.fail(certification, proposal, subversion, reason=told, actor=actor, now=now)
            continue
        certification.ended_at = now
        certification.reason = f"Revoked: {reason}"
        certification.save(update_fields=["ended_at", "reason"])
    # Also those of certificates that were replaced: their signatures say the same about the same digest.
    for certification in Certification.objects.filter(subversion=subversion).order_by("begun_at", "pk"):
        signing_services.withdraw_publication(
            publication=signing.publication(certification.publication_id), actor=actor, now=now, reason=reason
        )


def _locked(subversion_id: UUID | str) -> Subversion:
    catalog_selectors.subversion_by_id(subversion_id)
    return catalog.lock(subversion_id)
