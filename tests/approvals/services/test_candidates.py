from datetime import datetime, timedelta

import pytest

from accounts.roles import Role
from approvals import services
from approvals.errors import OwnProposal, RoleMissing
from approvals.models import Proposal
from approvals.selectors import proposal_verdict
from approvals.selectors.proposals import reviews_due
from builds.models import Build, Cause, Check, Inspection
from catalog.models import Subversion
from policies import services as policies
from tests.factories.accounts import person_with
from tests.factories.approvals import known
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.catalog import SubversionFactory

pytestmark = pytest.mark.django_db


def built(now: datetime, *, build: Build | None = None, approved: bool = True) -> Subversion:
    """A candidate that a build made from a recipe."""
    if build is None:
        recipe = RecipeFactory(now, author=person_with(Role.REVIEWER), approved_at=now if approved else None)
        build = BuildFactory(now, recipe=recipe)
        Cause.objects.create(source=recipe.source, build=build, reason="fix_available", key="k", at=now)
    source = build.source
    subversion = SubversionFactory(now, version=source.version)
    known(subversion.artifact, now)
    Build.objects.filter(pk=build.pk).update(
        state="succeeded", finished_at=now, artifact=subversion.artifact, subversion=subversion
    )
    return subversion


def outcomes(proposal: Proposal, now: datetime) -> dict[str, str]:
    return {line.code: str(line.outcome) for line in proposal_verdict(proposal, now)}


class TestProposeCandidate:
    def test_the_owner_proposes_and_the_author_is_named(self, now: datetime):
        subversion = built(now)
        build = subversion.builds.get()
        proposal = services.propose_candidate(subversion_id=subversion.pk, now=now)
        assert proposal is not None
        assert (proposal.proposed_by, proposal.source_author) == (build.source.owner, build.recipe.author)
        assert "a fix is available" in proposal.note

    @pytest.mark.parametrize(
        "commit",
        [
            pytest.param({"author_email": "Twin@example.com"}, id="wrote, and two accounts have the address"),
            pytest.param(
                {"signature": {"state": "verified", "kind": "gpg", "by": "T. <twin@example.com>"}}, id="signed"
            ),
        ],
    )
    def test_nobody_with_a_hand_in_the_commit_reviews_it(self, now: datetime, commit: dict[str, object]):
        twins = [person_with(Role.REVIEWER, email="twin@example.com") for _ in range(2)]
        recipe = RecipeFactory(now, approved_at=now, **commit)
        proposal = services.propose_candidate(
            subversion_id=built(now, build=BuildFactory(now, recipe=recipe)).pk, now=now
        )
        assert proposal is not None
        policy = policies.policy_in_force(now=now)
        for twin in twins:
            assert proposal not in reviews_due(twin, policy, now)
            with pytest.raises(OwnProposal):
                services.reject(
                    proposal_id=proposal.pk,
                    reviewer=twin,
                    packet_sha256=proposal.current_packet.sha256,
                    reason="No.",
                    now=now,
                )
        assert proposal in reviews_due(person_with(Role.REVIEWER), policy, now)

    def test_twice_is_once(self, now: datetime):
        subversion = built(now)
        services.propose_candidate(subversion_id=subversion.pk, now=now)
        assert services.propose_candidate(subversion_id=subversion.pk, now=now) is None
        assert Proposal.objects.count() == 1

    def test_the_newest_closes_the_one_before(self, now: datetime):
        first = built(now)
        older = services.propose_candidate(subversion_id=first.pk, now=now)
        recipe = first.builds.get().recipe
        second = built(now, build=BuildFactory(now + timedelta(hours=1), recipe=recipe))
        services.propose_candidate(subversion_id=second.pk, now=now + timedelta(hours=1))
        assert older is not None
        older.refresh_from_db()
        assert (older.state, older.closed_reason) == ("withdrawn", f"Superseded by {second.name}.")

    def test_what_a_person_proposed_stays(self, now: datetime):
        source = SourceFactory(now)
        by_hand = services.propose(
            subversion=SubversionFactory(now, version=source.version), proposed_by=source.owner, now=now
        )
        recipe = RecipeFactory(now, source=source)
        services.propose_candidate(subversion_id=built(now, build=BuildFactory(now, recipe=recipe)).pk, now=now)
        by_hand.refresh_from_db()
        assert by_hand.state == "open"

    def test_an_owner_without_a_role_is_refused(self, now: datetime):
        recipe = RecipeFactory(now, source=SourceFactory(now, owner=person_with(Role.VIEWER)))
        subversion = built(now, build=BuildFactory(now, recipe=recipe))
        with pytest.raises(RoleMissing):
            services.propose_candidate(subversion_id=subversion.pk, now=now)


class TestLines:
    def test_an_unreviewed_recipe_keeps_it_from_being_certified(self, now: datetime):
        proposal = services.propose_candidate(subversion_id=built(now, approved=False).pk, now=now)
        assert proposal is not None
        assert outcomes(proposal, now)["recipe"] == "fail"

    def test_approving_the_recipe_makes_a_new_packet(self, now: datetime):
        subversion = built(now, approved=False)
        proposal = services.propose_candidate(subversion_id=subversion.pk, now=now)
        assert proposal is not None
        recipe = subversion.builds.get().recipe
        type(recipe).objects.filter(pk=recipe.pk).update(approved_at=now)
        assert services.refresh_recipe(recipe_id=recipe.pk, now=now) == 1
        proposal.refresh_from_db()
        assert (proposal.current_packet.number, outcomes(proposal, now)["recipe"]) == (2, "pass")

    def test_a_secret_in_its_files_refuses(self, now: datetime):
        subversion = built(now)
        inspection = Inspection.objects.create(
            artifact=subversion.artifact,
            state="complete",
            files_digest="sha256:" + "a" * 64,
            rules_version=1,
            inspected_at=now,
        )
        Check.objects.create(inspection=inspection, rule="GG2004", severity="error", message="A key.", path="root/k")
        proposal = services.propose_candidate(subversion_id=subversion.pk, now=now)
        assert proposal is not None
        assert outcomes(proposal, now)["hardening"] == "fail"
        assert proposal.current_packet.document["artifacts"][0]["files"]["errors"][0]["where"] == "root/k"
