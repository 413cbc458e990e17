"""From the last needed approval to a certificate in force.

Begin: the reviews are consumed, a certification row stands as *certifying*, and the publication starts, all
in the reviewer's transaction. Finalise: when copy and signature are sent, everything is asked once more
under locks — persons, roles, the policy's line, revocations — and only then it is in force.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import selectors as accounts
from accounts import services as account_services
from approvals import selectors
from approvals.domain.certify_line import blocking, certificate_end, certify_line
from approvals.domain.evidence import Evidence
from approvals.errors import NoCertifiedSide, NotSent
from approvals.models import Certification, CertificationReview, Proposal, Request, Review
from approvals.selectors.evidence import evidence_of
from approvals.services import persons, proposals
from approvals.services.roles import reviewer_roles
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from catalog import services as catalog
from catalog.models import Subversion
from policies.models import Policy
from policies.selectors import active_policy, document_of
from registry import selectors as registry
from registry import services as registry_services
from registry.models import Repository
from signing import selectors as signing
from signing import services as signing_services

PREDICATE_TYPE = "https://goldgate.dev/packet/v1"
MAX_TAG_LENGTH = 128  # characters (OCI distribution-spec v1.1, "Pulling manifests")


def begin(
    *,
    proposal: Proposal,
    subversion: Subversion,
    policy: Policy,
    reviews: list[Review],
    actor: Actor,
    now: datetime,
) -> Certification:
    """Consume ``reviews`` and start the publication. Called under the locks of the review.

    Raises: NoCertifiedSide; IllegalStep (revoked meanwhile).
    """
    packet = proposal.current_packet
    if packet is None:
        raise RuntimeError("a proposal without a packet has no reviews to consume")
    catalog.set_certifying(subversion=subversion, since=now)
    needed = selectors.reviewers_needed(policy)
    target = _target(subversion, now)
    publication = signing_services.begin_publication(
        artifact=subversion.artifact,
        target=target,
        tag=_tag(subversion, target),
        predicate_type=PREDICATE_TYPE,
        predicate={
            "packet_sha256": packet.sha256,
            "packet": packet.document,
            "reviewers": sorted(review.reviewer.username for review in reviews),
            "reviewers_needed": needed,
            "is_one_person": accounts.is_one_person(),
        },
        actor=actor,
        now=now,
    )
    certification = Certification.objects.create(
        proposal=proposal,
        packet=packet,
        subversion=subversion,
        policy=policy,
        publication=publication,
        reviewers_needed=needed,
        is_one_person=accounts.is_one_person(),
        unfixed=packet.document["unfixed"],
        begun_at=now,
    )
    CertificationReview.objects.bulk_create(
        [CertificationReview(certification=certification, review=review) for review in reviews]
    )
    proposal.state = Proposal.State.CERTIFYING
    proposal.save(update_fields=["state"])
    record(
        Verb.CERTIFICATION_BEGUN,
        actor=actor,
        subject=catalog.subject_of(subversion),
        at=now,
        data={
            "certification": str(certification.pk),
            "proposal": str(proposal.pk),
            "packet": packet.sha256,
            "reviewers": sorted(review.reviewer.username for review in reviews),
            "is_one_person": certification.is_one_person,
        },
    )
    return certification


@transaction.atomic
def finalise(*, publication_id: UUID | str, now: datetime) -> Certification | None:
    """Put in force what was signed and sent; or fail it, when something that it stands on is gone.

    Done once, whoever calls how often. None for a publication that belongs to no certification.
    Raises: NotSent.
    """
    found = selectors.certification_of_publication(publication_id)
    if found is None:
        return None
    subversion, proposal = proposals.lock(found.proposal_id)
    certification = Certification.objects.select_for_update(of=("self",)).get(pk=found.pk)
    if certification.finalised_at or certification.failed_at:
        return certification
    publication = signing.publication(publication_id)
    if publication.sent_at is None:
        raise NotSent("The signature is not sent yet.")
    # Read once: what is judged is what the end of the certificate follows from.
    evidence = evidence_of(subversion, now)
    refusal = _refusal(certification, proposal, subversion, evidence, now)
    if refusal:
        fail(certification, proposal, subversion, reason=refusal, actor=Actor.system("worker"), now=now)
    else:
        _complete(certification, proposal, subversion, publication.target_repository, evidence, now)
    return certification


def fail(
    certification: Certification,
    proposal: Proposal,
    subversion: Subversion,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """End a locked certification that never was in force, and take back what was published."""
    certification.failed_at = now
    certification.reason = reason
    certification.save(update_fields=["failed_at", "reason"])
    proposals.close(proposal, state=Proposal.State.FAILED, reason=reason, now=now)
    catalog.set_certifying(subversion=subversion, since=None)
    signing_services.withdraw_publication(
        publication=signing.publication(certification.publication_id), actor=actor, now=now, reason=reason
    )
    record(
        Verb.CERTIFICATION_FAILED,
        actor=actor,
        subject=catalog.subject_of(subversion),
        at=now,
        data={"certification": str(certification.pk), "proposal": str(proposal.pk), "reason": reason},
    )


def _target(subversion: Subversion, now: datetime) -> Repository:
    if registry.default_certified_registry() is None:
        raise NoCertifiedSide(
            "There is no registry on the certified side to publish to.",
            cure="A platform admin adds one; without a server, a directory (OCI layout) will do.",
        )
    return registry_services.certified_repository(image_name=subversion.version.image.name, now=now)


def _tag(subversion: Subversion, target: Repository) -> str:
    """The name for people beside the digest, such as ``12-20261124.1``; whoever moves it opens a drift alarm.

    "" where it would be longer than a tag may be, or is another image's already: a tag of ours never moves.
    """
    line, name = subversion.version.name, subversion.name
    tag = name if name.startswith(line) else f"{line}-{name}"
    taken = signing.tagged(target, tag)
    is_free = taken is None or taken.artifact_id == subversion.artifact_id
    return tag if is_free and len(tag) <= MAX_TAG_LENGTH else ""


def _refusal(
    certification: Certification, proposal: Proposal, subversion: Subversion, evidence: Evidence, now: datetime
) -> str:
    """Why it cannot be put in force after all; "" when it can."""
    if subversion.revoked_at is not None:
        return f"Revoked while it was certified: {subversion.reason}"
    reviews = [
        consumed.review
        for consumed in certification.consumed.select_related("review__reviewer__same_person_as").order_by("pk")
    ]
    # A role that is being ended ends before this or after it, never both.
    account_services.hold_roles()
    roles = reviewer_roles(certification.policy)
    standing: set[str] = set()
    for review in reviews:
        review.reviewer.refresh_from_db()
        if not persons.has_any_role(review.reviewer, roles, subversion=subversion, now=now):
            return f"{review.reviewer} no longer holds a role that may certify."
        if not certification.is_one_person and persons.has_a_hand_in(proposal, review.reviewer):
            return f"{review.reviewer} turned out to be the same person as its proposer or author."
        standing.add(accounts.identity_of(review.reviewer))
    if certification.is_one_person and not accounts.is_one_person():
        return "Goldgate no longer runs for one person."
    # The policy may have been tightened since.
    needed = max(certification.reviewers_needed, selectors.reviewers_needed(active_policy(now)))
    if len(standing) < needed:
        return f"{needed} persons must certify; the accounts belong to {len(standing)}."
    policy = document_of(active_policy(now))
    # For the moment at which it would begin: what ends before it, it cannot stand on.
    refused = blocking(certify_line(evidence, policy=policy, now=max(now, certification.begun_at)))
    return " ".join(line.reason for line in refused)


def _complete(
    certification: Certification,
    proposal: Proposal,
    subversion: Subversion,
    target: Repository,
    evidence: Evidence,
    now: datetime,
) -> None:
    starts_at = max(now, certification.begun_at)
    days = document_of(certification.policy).certify.certificate_days
    replaced = Certification.objects.filter(subversion=subversion, finalised_at__isnull=False, ended_at=None)
    for older in replaced.select_for_update(of=("self",)):
        older.ended_at = starts_at
        older.reason = f"Replaced by the certification of {starts_at:%Y-%m-%d}."
        older.save(update_fields=["ended_at", "reason"])
    certification.finalised_at = now
    certification.starts_at = starts_at
    certification.ends_at = certificate_end(evidence, starts_at=starts_at, days=days)
    certification.save(update_fields=["finalised_at", "starts_at", "ends_at"])
    proposals.close(proposal, state=Proposal.State.CERTIFIED, reason="", now=now)
    retiring = catalog.set_certified(
        subversion=subversion, starts_at=starts_at, ends_at=certification.ends_at, repository=target.name
    )
    record(
        Verb.CERTIFICATION_COMPLETED,
        actor=Actor.system("worker"),
        subject=catalog.subject_of(subversion),
        at=now,
        data={
            "certification": str(certification.pk),
            "digest": subversion.artifact.digest,
            "repository": target.name,
            "starts_at": starts_at.isoformat(),
            "ends_at": certification.ends_at.isoformat(),
            "unfixed": certification.unfixed,
            "is_one_person": certification.is_one_person,
            "retiring": [str(one) for one in retiring],
        },
    )
    _answer_requests(subversion, target, now)


def _answer_requests(subversion: Subversion, target: Repository, now: datetime) -> None:
    version = subversion.version
    open_ones = Request.objects.select_for_update(of=("self",)).filter(
        image_name=version.image.name, version_name=version.name, state=Request.State.OPEN
    )
    for request in open_ones:
        request.state = Request.State.ANSWERED
        request.closed_at = now
        request.subversion = subversion
        request.answer = f"{version} is certified: FROM {target.name}@{subversion.artifact.digest}"
        request.save(update_fields=["state", "closed_at", "subversion", "answer"])
        record(
            Verb.REQUEST_ANSWERED,
            actor=Actor.system("worker"),
            subject=selectors.request_subject(request),
            at=now,
            data={"answer": request.answer},
        )
