from dataclasses import fields
from datetime import timedelta

import pytest

from accounts.models import RoleGrant
from accounts.roles import Role
from accounts.services import link_accounts
from approvals.errors import (
    AlreadyReviewed,
    ChangesRequested,
    OwnProposal,
    ReasonMissing,
    RecipeClosed,
    RecipeNotApproved,
    RecipeNotRead,
    RoleMissing,
)
from approvals.models import RecipeApproval, RecipeReview
from approvals.selectors.recipes import (
    RecipeStanding,
    is_own_recipe,
    recipe_reviews,
    recipe_standing,
    recipes_due,
)
from approvals.services.recipes import withdraw_recipe
from audit.actor import Actor
from audit.models import Record
from builds.errors import RecipeMissing
from builds.models import Check, Source
from builds.selectors.recipes import recipe_by_id
from builds.services.sources import SourceFields, change_source
from catalog.models import Image
from policies.selectors import active_policy
from tests.factories.accounts import TeamFactory, person_with, token_for
from tests.factories.builds import RecipeFactory, SourceFactory
from tests.factories.policies import adopted
from tests.factories.recipes import approve_recipe, judge_recipe

pytestmark = pytest.mark.django_db
CHANGES, REJECT = RecipeReview.Outcome.REQUEST_CHANGES, RecipeReview.Outcome.REJECT


class TestReviewRecipe:
    def test_one_approval_is_not_enough(self, now):
        recipe = RecipeFactory(now)
        review = judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert review.recipe_sha256 == recipe.sha256
        assert not RecipeApproval.objects.exists()
        assert not recipe_by_id(recipe.pk).is_approved

    def test_the_last_needed_approval_approves_exactly_this_recipe(self, now):
        recipe = RecipeFactory(now, commit="c" * 40)
        judge_recipe(recipe, person_with(Role.REVIEWER, username="rita"), now)
        judge_recipe(recipe, person_with(Role.SECURITY_REVIEWER, username="sam"), now)
        approved = recipe_by_id(recipe.pk)
        assert approved.is_approved
        assert approved.approved_at == now
        assert recipe_standing(approved) is RecipeStanding.APPROVED
        told = Record.objects.get(verb="recipe.approved")
        assert told.subject_id == str(recipe.pk)
        assert told.data == {
            "source": str(recipe.source_id),
            "sha256": recipe.sha256,
            "commit": "c" * 40,
            "reviewers": ["rita", "sam"],
            "is_one_person": False,
        }

    def test_what_they_saw_is_kept(self, now):
        source = SourceFactory(now)
        older = approve_recipe(RecipeFactory(now, source=source), now)
        RecipeFactory(now, source=source)
        recipe = RecipeFactory(now, source=source)
        for severity in ("error", "note", "note"):
            Check.objects.create(recipe=recipe, rule="GG1001", severity=severity, message="x")
        review = judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert review.compared_with == older
        assert review.checks == {"error": 1, "note": 2}

    def test_the_policy_says_how_many(self, now):
        adopted(now, reviewers=3)
        recipe = RecipeFactory(now)
        for _ in range(2):
            judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert not recipe_by_id(recipe.pk).is_approved
        judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert RecipeApproval.objects.get().reviewers_needed == 3

    def test_the_team_s_reviewer_judges_its_images(self, now):
        recipe = RecipeFactory(now)
        team = TeamFactory()
        image = recipe.source.version.image
        image.owner = team
        image.save()
        judge_recipe(recipe, person_with(Role.REVIEWER, team=team), now)
        with pytest.raises(RoleMissing):
            judge_recipe(recipe, person_with(Role.REVIEWER, team=TeamFactory()), now)

    @pytest.mark.parametrize(
        ("who", "error"),
        [
            pytest.param("owner", OwnProposal, id="answers-for-the-source"),
            pytest.param("registrar", OwnProposal, id="added-the-source"),
            pytest.param("author", OwnProposal, id="wrote-the-commit"),
            pytest.param("author-by-another-account", OwnProposal, id="another-account-of-the-author"),
            pytest.param("author-by-address", OwnProposal, id="one-of-two-accounts-with-the-author's-address"),
            pytest.param("signer", OwnProposal, id="signed-the-commit-under-another-name"),
            pytest.param("changer", OwnProposal, id="set-the-arguments"),
            pytest.param("changer-by-token", OwnProposal, id="set-the-arguments-by-a-token"),
            pytest.param("requester", RoleMissing, id="no-reviewer"),
            pytest.param("admin", RoleMissing, id="an-admin-is-no-reviewer"),
            pytest.param("closed", RoleMissing, id="account-closed"),
        ],
    )
    def test_a_refused_review_writes_nothing(self, now, settings, who, error):
        settings.GOLDGATE_SOURCE_DIRECTORIES = "/srv/git"
        reviewer, admin = person_with(Role.REVIEWER), Role.PLATFORM_ADMIN
        owner = person_with(admin, Role.REVIEWER)
        registrar = person_with(admin, Role.REVIEWER)
        author = person_with(Role.REVIEWER, email="anna@example.com")
        signer = person_with(Role.REVIEWER, email="sid@example.com")
        changer = person_with(admin, Role.REVIEWER)
        source = SourceFactory(now, owner=owner, created_by=registrar)
        if who.startswith("changer"):
            actor = token_for(changer)[0].as_actor() if who.endswith("token") else changer.as_actor()
            changed(source, actor, now)
        recipe = RecipeFactory(
            now,
            source=source,
            author=None if who == "author-by-address" else author,
            author_email="Anna@example.com",
            signature={"state": "verified", "kind": "gpg", "by": "Sid <sid@example.com>", "detail": ""},
        )
        person = {
            "owner": lambda: owner,
            "registrar": lambda: registrar,
            "author": lambda: author,
            "author-by-another-account": lambda: person_with(Role.REVIEWER, same_person_as=author),
            "author-by-address": lambda: person_with(Role.REVIEWER, email="anna@example.com"),
            "signer": lambda: signer,
            "changer": lambda: changer,
            "changer-by-token": lambda: changer,
            "requester": lambda: person_with(Role.REQUESTER),
            "admin": lambda: person_with(admin),
            "closed": lambda: person_with(Role.REVIEWER, is_active=False),
        }[who]()
        with pytest.raises(error):
            judge_recipe(recipe, person, now)
        assert not RecipeReview.objects.exists()
        assert not Record.objects.filter(verb="recipe.reviewed").exists()
        judge_recipe(recipe, reviewer, now)

    def test_two_accounts_of_one_person_count_once(self, now):
        recipe = RecipeFactory(now)
        first = person_with(Role.REVIEWER)
        judge_recipe(recipe, first, now)
        with pytest.raises(AlreadyReviewed):
            judge_recipe(recipe, person_with(Role.REVIEWER, same_person_as=first), now)

    def test_who_turns_out_to_be_the_author_does_not_count(self, now):
        author = person_with(Role.REQUESTER)
        recipe = RecipeFactory(now, author=author)
        second_account = person_with(Role.REVIEWER)
        judge_recipe(recipe, second_account, now)
        link_accounts(person=second_account, same_person_as=author, by=person_with(Role.PLATFORM_ADMIN), now=now)
        judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert not RecipeApproval.objects.exists()
        judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert RecipeApproval.objects.get().consumed.count() == 2

    def test_a_reviewer_whose_role_ended_meanwhile_does_not_count(self, now):
        recipe = RecipeFactory(now)
        gone = person_with(Role.REVIEWER)
        judge_recipe(recipe, gone, now)
        RoleGrant.objects.filter(person=gone).update(ends_at=now)
        judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert not RecipeApproval.objects.exists()
        judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert RecipeApproval.objects.get().consumed.count() == 2

    def test_nobody_judges_twice_nor_what_they_did_not_read(self, now):
        recipe = RecipeFactory(now)
        reviewer = person_with(Role.REVIEWER)
        with pytest.raises(RecipeNotRead):
            judge_recipe(recipe, reviewer, now, recipe_sha256="0" * 64)
        judge_recipe(recipe, reviewer, now)
        with pytest.raises(AlreadyReviewed):
            judge_recipe(recipe, reviewer, now)
        with pytest.raises(RecipeMissing):
            judge_recipe(_gone(), reviewer, now)

    def test_changes_asked_for_stand_against_it(self, now):
        recipe = RecipeFactory(now)
        with pytest.raises(ReasonMissing):
            judge_recipe(recipe, person_with(Role.REVIEWER), now, CHANGES, reason=" ")
        judge_recipe(recipe, person_with(Role.REVIEWER), now, CHANGES, reason="pin the base")
        with pytest.raises(ChangesRequested, match="pin the base"):
            judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert recipe_standing(recipe) is RecipeStanding.CHANGES_REQUESTED

    def test_a_rejected_one_takes_no_more_reviews(self, now):
        recipe = RecipeFactory(now)
        judge_recipe(recipe, person_with(Role.REVIEWER), now, REJECT, reason="no")
        with pytest.raises(RecipeClosed):
            judge_recipe(recipe, person_with(Role.REVIEWER), now)
        assert recipe_standing(recipe) is RecipeStanding.REJECTED
        approved = approve_recipe(RecipeFactory(now), now)
        with pytest.raises(RecipeClosed):
            judge_recipe(approved, person_with(Role.REVIEWER), now)

    def test_a_house_of_one_person_says_so(self, now, settings):
        settings.GOLDGATE_ONE_PERSON = True
        alone = person_with(Role.PLATFORM_ADMIN, Role.REVIEWER)
        recipe = RecipeFactory(now, source=SourceFactory(now, owner=alone))
        review = judge_recipe(recipe, alone, now)
        assert review.is_own
        assert RecipeApproval.objects.get().is_one_person


class TestWithdrawRecipe:
    def test_one_reviewer_takes_it_back_for_good(self, now):
        recipe = approve_recipe(RecipeFactory(now), now)
        sam = person_with(Role.SECURITY_REVIEWER, username="sam")
        with pytest.raises(ReasonMissing):
            withdraw_recipe(recipe_id=recipe.pk, person=sam, reason="", now=now)
        withdraw_recipe(recipe_id=recipe.pk, person=sam, reason="The mirror was poisoned.", now=now)
        withdrawn = recipe_by_id(recipe.pk)
        assert not withdrawn.is_approved
        assert withdrawn.withdrawn_reason == "The mirror was poisoned."
        assert recipe_standing(withdrawn) is RecipeStanding.WITHDRAWN
        assert Record.objects.get(verb="recipe.withdrawn").actor_name == "sam"
        with pytest.raises(RecipeClosed):
            judge_recipe(withdrawn, person_with(Role.REVIEWER), now)
        with pytest.raises(RecipeNotApproved):
            withdraw_recipe(recipe_id=recipe.pk, person=sam, reason="Again.", now=now)

    def test_not_by_a_requester(self, now):
        recipe = approve_recipe(RecipeFactory(now), now)
        with pytest.raises(RoleMissing):
            withdraw_recipe(recipe_id=recipe.pk, person=person_with(Role.REQUESTER), reason="x", now=now)
        assert recipe_by_id(recipe.pk).is_approved


class TestRecipesDue:
    def test_the_newest_of_each_source_that_one_may_judge(self, now, django_assert_num_queries):
        source = SourceFactory(now)
        RecipeFactory(now, source=source)
        newest = RecipeFactory(now, source=source)
        approve_recipe(RecipeFactory(now), now)
        mine = person_with(Role.REVIEWER)
        RecipeFactory(now, author=mine)
        judged = RecipeFactory(now)
        judge_recipe(judged, mine, now)
        policy = active_policy(now)
        with django_assert_num_queries(1):
            assert list(recipes_due(mine, policy, now)) == [newest]
        assert not recipes_due(person_with(Role.REQUESTER), policy, now)
        assert [one.reviewer for one in recipe_reviews(judged)] == [mine]

    @pytest.mark.parametrize("hand", ["author", "address", "signer", "owner", "adder", "changer", "other account"])
    def test_what_one_had_a_hand_in_is_for_others(self, now, hand, settings):
        settings.GOLDGATE_SOURCE_DIRECTORIES = "/srv/git"
        mine = person_with(Role.REVIEWER, username="rita", email="Rita@example.org")
        other = person_with(Role.REVIEWER)
        source = SourceFactory(
            now,
            **({"owner": mine} if hand == "owner" else {}),
            **({"created_by": mine} if hand == "adder" else {}),
        )
        approved = approve_recipe(RecipeFactory(now, source=source), now)
        fields_of = {
            "author": {"author": mine},
            "address": {"author_email": "rita@EXAMPLE.org"},
            "signer": {"signature": {"state": "verified", "kind": "gpg", "by": "Rita R. <rita@example.org>"}},
            "other account": {"author": person_with(Role.VIEWER, same_person_as=mine)},
        }
        if hand == "changer":
            changed(source, mine.as_actor(), now + timedelta(hours=1))
        due = RecipeFactory(now + timedelta(hours=2), source=source, **fields_of.get(hand, {}))
        policy = active_policy(now)
        assert list(recipes_due(other, policy, now)) == [due]
        assert list(recipes_due(mine, policy, now)) == []
        assert (is_own_recipe(due, mine), is_own_recipe(due, other)) == (True, False)
        assert approved.number < due.number

    @pytest.mark.parametrize("hand", ["unverified signer", "earlier change", "no address"])
    def test_what_only_looks_like_it_is_due(self, now, hand, settings):
        settings.GOLDGATE_SOURCE_DIRECTORIES = "/srv/git"
        mine = person_with(Role.REVIEWER, username="rita", email="" if hand == "no address" else "rita@example.org")
        source = SourceFactory(now)
        if hand == "earlier change":
            changed(source, mine.as_actor(), now)
        approve_recipe(RecipeFactory(now + timedelta(hours=1), source=source), now)
        signature = {"state": "unverified", "kind": "gpg", "by": "Rita R. <rita@example.org>"}
        due = RecipeFactory(now + timedelta(hours=2), source=source, author_email="", signature=signature)
        assert list(recipes_due(mine, active_policy(now), now)) == [due]
        assert not is_own_recipe(due, mine)

    def test_a_role_for_a_team_reaches_its_images_alone(self, now):
        team = TeamFactory("payments")
        mine = person_with(Role.REVIEWER, team=team)
        RecipeFactory(now)
        due = RecipeFactory(now)
        Image.objects.filter(pk=due.source.version.image_id).update(owner=team)
        assert list(recipes_due(mine, active_policy(now), now)) == [due]


def _gone():
    class Gone:
        pk = "01900000-0000-7000-8000-000000000000"
        sha256 = "0" * 64

    return Gone()


def changed(source: Source, actor: Actor, now) -> None:
    """Somebody set an argument of the source."""
    stored = {one.name: getattr(source, one.name) for one in fields(SourceFields)}
    wanted = SourceFields(**stored | {"arguments": {"MIRROR": "https://mirror.example"}})
    change_source(source=source, wanted=wanted, actor=actor, now=now)
