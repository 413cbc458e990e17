"""Any order of deeds by any account: what comes out is legal, or is refused and leaves nothing.

Four human beings with two accounts each; roles come and go; evidence moves; time passes. Each seed is one long walk;
script/soak walks more of them (GOLDGATE_WALKS).
"""

import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from accounts.models import RoleGrant
from accounts.roles import Role
from accounts.selectors import identity_of, roles_of
from approvals import services
from approvals.models import Certification, Proposal, Review, Revocation
from catalog.domain.state import Cause, State
from catalog.models import Subversion
from catalog.selectors import state_of
from core.errors import GoldgateError
from tests.approvals.invariants import illegal_certificates
from tests.factories.accounts import PersonFactory
from tests.factories.approvals import Finding, known, publish
from tests.factories.catalog import SubversionFactory, VersionFactory, certified_side

WALKS = int(os.environ.get("GOLDGATE_WALKS", "3"))
STEPS = 120
REVIEWERS = frozenset({Role.REVIEWER, Role.SECURITY_REVIEWER})
UNFIXED = [Finding("CVE-2026-1", "zlib1g", "1.2", "", "critical")]
FIXABLE = [Finding("CVE-2026-2", "openssl", "3.0.1", "3.0.2", "critical")]


class Walk:
    """A house, its people, and a clock that only goes forward."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.done: Counter[str] = Counter()
        humans = [PersonFactory() for _ in range(4)]
        self.accounts = humans + [PersonFactory(same_person_as=human) for human in humans]
        for position, account in enumerate(self.accounts):
            for role in (Role.REQUESTER, Role.REVIEWER if position % 2 else Role.SECURITY_REVIEWER):
                RoleGrant.objects.create(person=account, role=role, starts_at=self.now)
        certified_side(self.now)
        self.version = VersionFactory(self.now, "debian/12")
        self.subversions: list[Subversion] = []
        for _ in range(3):
            self.add_subversion()

    def add_subversion(self) -> None:
        added = SubversionFactory(self.now, version=self.version)
        known(added.artifact, self.now)
        self.subversions = [*self.subversions[-3:], added]

    def deed(self, name, call, **arguments):
        """The result, or None for a refusal, which undoes what it began by itself."""
        self.now += timedelta(seconds=1)
        try:
            result = call(now=self.now, **arguments)
        except GoldgateError as refusal:
            self.done[f"{name} refused: {refusal.code}"] += 1
            return None
        self.done[name] += 1
        return result

    @property
    def subversion(self) -> Subversion:
        return self.random.choice(self.subversions)

    @property
    def account(self):
        return self.random.choice(self.accounts)

    def propose(self) -> None:
        self.deed("propose", services.propose, subversion=self.subversion, proposed_by=self.account)

    def review(self) -> None:
        found = list(Proposal.objects.filter(state="open").order_by("pk"))
        if not found:
            return
        proposal, reviewer = self.random.choice(found), self.account
        written = self.deed(
            "review",
            services.review_packet,
            proposal_id=proposal.pk,
            reviewer=reviewer,
            outcome=self.random.choice(["approve"] * 16 + ["request_changes", "reject"]),
            reason="read",
            packet_sha256=proposal.current_packet.sha256,
        )
        if written is not None:
            assert REVIEWERS & roles_of(reviewer, self.now)
            assert identity_of(reviewer) != identity_of(proposal.proposed_by)

    def finalise(self) -> None:
        for found in Certification.objects.filter(finalised_at=None, failed_at=None).order_by("pk"):
            if self.random.random() < 0.8:
                publish(found, self.now)
            self.deed("finalise", services.finalise, publication_id=found.publication_id)
            found.refresh_from_db()
            if found.finalised_at is not None:
                self.done["certified"] += 1
                self.require_four_eyes(found)

    def require_four_eyes(self, certificate: Certification) -> None:
        people = [consumed.review.reviewer for consumed in certificate.consumed.select_related("review__reviewer")]
        identities = {identity_of(person) for person in people}
        assert len(identities) >= 2
        assert identity_of(certificate.proposal.proposed_by) not in identities
        assert all(REVIEWERS & roles_of(person, self.now) for person in people)

    def evidence_moves(self) -> None:
        artifact = self.subversion.artifact
        known(artifact, self.now, self.random.choice([[], [], UNFIXED, FIXABLE]))
        services.refresh_packets_of(artifact_id=artifact.pk, now=self.now)

    def role_goes(self) -> None:
        RoleGrant.objects.filter(person=self.account, role__in=REVIEWERS, ends_at=None).update(ends_at=self.now)
        self.now += timedelta(seconds=1)

    def role_comes(self) -> None:
        self.now += timedelta(seconds=1)
        person, role = self.account, self.random.choice([Role.REVIEWER, Role.SECURITY_REVIEWER])
        if not RoleGrant.objects.filter(person=person, role=role, ends_at=None).exists():
            RoleGrant.objects.create(person=person, role=role, starts_at=self.now)

    def suspend(self) -> None:
        self.deed("suspend", services.suspend, subversion_id=self.subversion.pk, person=self.account, reason="odd")

    def lift(self) -> None:
        self.deed(
            "lift", services.lift_suspension, subversion_id=self.subversion.pk, person=self.account, reason="fine"
        )

    def revoke(self) -> None:
        if self.deed("revoke", services.revoke, subversion_id=self.subversion.pk, person=self.account, reason="bad"):
            self.add_subversion()

    def time_passes(self) -> None:
        self.now += timedelta(hours=self.random.choice([1, 30, 80, 24 * 40]))
        for subversion in self.subversions:
            known(subversion.artifact, self.now)

    def step(self) -> None:
        deeds = {
            self.propose: 6,
            self.review: 14,
            self.finalise: 4,
            self.evidence_moves: 2,
            self.role_goes: 1,
            self.role_comes: 3,
            self.suspend: 2,
            self.lift: 2,
            self.revoke: 1,
            self.time_passes: 1,
        }
        self.random.choices(list(deeds), weights=list(deeds.values()))[0]()

    def require_legality(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        assert illegal_certificates() == []
        revoked = set(Revocation.objects.values_list("subversion_id", flat=True))
        for subversion in Subversion.objects.all():
            view = state_of(subversion, self.now)
            if subversion.pk in revoked:
                assert (view.state, view.cause) == (State.WITHDRAWN, Cause.REVOKED)
            if view.is_usable:
                live = Certification.objects.get(subversion=subversion, finalised_at__isnull=False, ended_at=None)
                assert live.starts_at <= self.now < live.ends_at


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(WALKS))
def test_no_order_of_deeds_makes_an_illegal_certificate(seed):
    walk = Walk(seed)
    for _ in range(STEPS):
        walk.step()
        walk.require_legality()
    # A walk that reached nothing would show nothing.
    assert walk.done["certified"] >= 1, walk.done
    assert Review.objects.exists()
