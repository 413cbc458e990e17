"""What must stand behind a publication before anything is signed, as rows, without looking at evidence.

begin_certified(artifact, target, now)    # a publication with two reviewers' certification behind it
built(artifact, now, predicate)           # a build of ours that ended well with the artifact, and says the predicate
"""

import itertools
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Person
from approvals.models import Certification, CertificationReview, Packet, Proposal, Review
from audit.actor import Actor
from builds.models import Build
from catalog.models import Image, Subversion, Version
from core.canonical import canonical_json, sha256_of
from policies.models import Policy
from policies.services import policy_in_force
from registry.models import Artifact, Repository
from signing import services
from signing.models import Publication
from tests.factories.accounts import PersonFactory
from tests.factories.builds import SourceFactory

PACKET_TYPE = "https://goldgate.dev/packet/v1"
_number = itertools.count(1)


def subversion_of(artifact: Artifact, now: datetime) -> Subversion:
    """The artifact's place in the catalog; a candidate of debian/12 where it has none."""
    person = PersonFactory()
    known = Subversion.objects.filter(artifact=artifact).first()
    if known is not None:
        return known
    image, _ = Image.objects.get_or_create(name="debian", defaults={"created_at": now, "created_by": person})
    version, _ = Version.objects.get_or_create(
        image=image, name="12", defaults={"created_at": now, "created_by": person}
    )
    name = f"12.15-20261124.{version.subversions.count() + 1}"
    return Subversion.objects.create(version=version, name=name, artifact=artifact, created_at=now, created_by=person)


@transaction.atomic
def begin_certified(
    artifact: Artifact,
    target: Repository,
    now: datetime,
    *,
    said: dict[str, Any] | None = None,
    tag: str = "",
    actor: Actor | None = None,
    reviewers: int = 2,
) -> Publication:
    """Begin a publication as a last review does. ``said`` is in the packet; an earlier certification ends."""
    subversion = subversion_of(artifact, now)
    _end_earlier(subversion, now)
    packet = packet_of(subversion, now, **(said or {}))
    reviews = [approval(packet, PersonFactory(), now) for _ in range(reviewers)]
    publication = services.begin_publication(
        artifact=artifact,
        target=target,
        predicate_type=PACKET_TYPE,
        predicate={"packet_sha256": packet.sha256, "packet": packet.document},
        actor=actor or Actor.system("test"),
        now=now,
        tag=tag,
    )
    certification_of(publication, packet, subversion, reviews, policy=policy_in_force(now=now), now=now)
    return publication


def packet_of(subversion: Subversion, now: datetime, **said: Any) -> Packet:
    """The current packet of a new proposal: it names the digest and what is ``said``, and no evidence."""
    proposer = PersonFactory()
    proposal = Proposal.objects.create(
        subversion=subversion, proposed_by=proposer, proposer_identity=f"person:{proposer.pk}", opened_at=now
    )
    document = {"subject": {"digest": subversion.artifact.digest}, **said}
    packet = Packet.objects.create(
        proposal=proposal,
        number=1,
        canonical=canonical_json(document).decode(),
        sha256=sha256_of(document),
        created_at=now,
    )
    Proposal.objects.filter(pk=proposal.pk).update(current_packet=packet)
    return packet


def certification_of(
    publication: Publication,
    packet: Packet,
    subversion: Subversion,
    reviews: list[Review],
    *,
    policy: Policy,
    now: datetime,
    **fields: object,
) -> Certification:
    """The row that ties a publication to the reviews that were consumed for it."""
    certification = Certification.objects.create(
        proposal=packet.proposal,
        packet=packet,
        subversion=subversion,
        policy=policy,
        publication=publication,
        begun_at=now,
        **{"reviewers_needed": 2, **fields},
    )
    for review in reviews:
        CertificationReview.objects.create(certification=certification, review=review)
    Proposal.objects.filter(pk=packet.proposal_id).update(state="certifying")
    return certification


def approval(packet: Packet, reviewer: Person, now: datetime) -> Review:
    """``reviewer`` approves the packet."""
    return Review.objects.create(
        proposal=packet.proposal,
        packet=packet,
        packet_sha256=packet.sha256,
        reviewer=reviewer,
        reviewer_identity=f"person:{reviewer.pk}",
        outcome="approve",
        decided_at=now,
    )


def _end_earlier(subversion: Subversion, now: datetime) -> None:
    Certification.objects.filter(subversion=subversion, finalised_at=None, failed_at=None).update(
        failed_at=now, reason="Certified again."
    )
    Proposal.objects.filter(subversion=subversion, state="certifying").update(
        state="failed", closed_at=now, closed_reason="Certified again."
    )


def built(
    artifact: Artifact, now: datetime, predicate: dict[str, Any], changes: dict[str, object] | None = None
) -> Build:
    """A build that ended well with ``artifact`` and says ``predicate`` about it; ``changes`` are other columns."""
    values = {
        "source": SourceFactory(now),
        "number": next(_number),
        "state": "succeeded",
        "asked_at": now,
        "finished_at": now,
        "artifact": artifact,
        "output_digest": artifact.digest,
        "provenance": predicate,
    }
    return Build.objects.create(**(values | (changes or {})))
