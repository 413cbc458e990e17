"""What the database refuses of recipes' reviews when no service stands in between."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.roles import Role
from approvals.models import RecipeApproval, RecipeApprovalReview, RecipeReview
from builds.models import Recipe
from policies.services import policy_in_force
from tests.factories.accounts import person_with
from tests.factories.builds import RecipeFactory, SourceFactory
from tests.factories.recipes import approve_recipe, judge_recipe

pytestmark = pytest.mark.django_db


def review(recipe, reviewer, now, **changes):
    values = {
        "recipe": recipe,
        "recipe_sha256": recipe.sha256,
        "reviewer": reviewer,
        "reviewer_identity": f"person:{reviewer.pk}",
        "outcome": "approve",
        "decided_at": now,
        **changes,
    }
    with transaction.atomic():
        return RecipeReview.objects.create(**values)


def approval(recipe, reviews, now, **changes):
    values = {
        "recipe": recipe,
        "policy": policy_in_force(now=now),
        "reviewers_needed": 2,
        "approved_at": now,
        **changes,
    }
    with transaction.atomic():
        made = RecipeApproval.objects.create(**values)
        RecipeApprovalReview.objects.bulk_create([RecipeApprovalReview(approval=made, review=one) for one in reviews])
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return made


class TestReviews:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"recipe_sha256": "0" * 64}, "the bytes that were read"),
            ({"outcome": "reject"}, "recipe_review_refuses_with_reason"),
            ({"reviewer_identity": ""}, "recipe_review_by_somebody"),
        ],
    )
    def test_that_are_illegal(self, now, changes, words):
        with pytest.raises(DatabaseError, match=words):
            review(RecipeFactory(now), person_with(Role.REVIEWER), now, **changes)

    @pytest.mark.parametrize("who", ["owner", "created_by", "author", "another-account", "same-identity"])
    def test_by_whom_it_belongs_to(self, now, who):
        mine = person_with(Role.REVIEWER, identity="ldap:1")
        source = SourceFactory(now, **{who: mine} if who in ("owner", "created_by") else {})
        recipe = RecipeFactory(now, source=source, author=mine if "owner" not in who and "created" not in who else None)
        reviewer, identity = mine, "ldap:1"
        if who == "another-account":
            reviewer = person_with(Role.REVIEWER, same_person_as=mine)
        elif who == "same-identity":
            reviewer = person_with(Role.REVIEWER, identity="ldap:1")
        with pytest.raises(DatabaseError, match="nobody reviews an own recipe unsaid"):
            review(recipe, reviewer, now, reviewer_identity=identity)
        assert review(recipe, reviewer, now, reviewer_identity=identity, is_own=True)

    def test_twice(self, now):
        recipe, reviewer = RecipeFactory(now), person_with(Role.REVIEWER)
        review(recipe, reviewer, now)
        with pytest.raises(DatabaseError, match="once_an_account"):
            review(recipe, reviewer, now, reviewer_identity="other")
        with pytest.raises(DatabaseError, match="once_an_identity"):
            review(recipe, person_with(Role.REVIEWER), now, reviewer_identity=f"person:{reviewer.pk}")

    def test_after_the_approval(self, now):
        recipe = approve_recipe(RecipeFactory(now), now)
        with pytest.raises(DatabaseError, match="not reviewed again"):
            review(recipe, person_with(Role.REVIEWER), now)

    def test_are_never_changed(self, now):
        made = judge_recipe(RecipeFactory(now), person_with(Role.REVIEWER), now)
        for deed in (lambda: RecipeReview.objects.update(reason="x"), lambda: made.delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                deed()


class TestApprovals:
    def test_that_too_few_stand_behind(self, now):
        recipe = RecipeFactory(now)
        one = judge_recipe(recipe, person_with(Role.REVIEWER), now)
        with pytest.raises(DatabaseError, match="stands on 2 reviews by distinct persons, found 1"):
            approval(recipe, [one], now)
        with pytest.raises(DatabaseError, match="found 1"):
            approval(recipe, [one], now, reviewers_needed=1)

    def test_that_stand_on_others_reviews(self, now):
        recipe, other = RecipeFactory(now), RecipeFactory(now)
        mixed = [judge_recipe(one, person_with(Role.REVIEWER), now) for one in (recipe, other)]
        with pytest.raises(DatabaseError, match="distinct persons"):
            approval(recipe, mixed, now)

    def test_that_stand_on_objections_or_on_own_reviews(self, now):
        recipe = RecipeFactory(now)
        good = review(recipe, person_with(Role.REVIEWER), now)
        objection = review(recipe, person_with(Role.REVIEWER), now, outcome="request_changes", reason="x")
        with pytest.raises(DatabaseError, match="distinct persons"):
            approval(recipe, [good, objection], now)
        own = review(recipe, recipe.source.owner, now, is_own=True)
        with pytest.raises(DatabaseError, match="distinct persons"):
            approval(recipe, [good, own], now)

    def test_are_kept_and_end_once(self, now):
        recipe = approve_recipe(RecipeFactory(now), now)
        made = RecipeApproval.objects.get()
        for values in ({"reviewers_needed": 1}, {"withdrawn_at": now}, {"is_one_person": True}):
            with pytest.raises(DatabaseError), transaction.atomic():
                RecipeApproval.objects.update(**values)
        with pytest.raises(DatabaseError), transaction.atomic():
            made.delete()
        with pytest.raises(DatabaseError), transaction.atomic():
            RecipeApprovalReview.objects.all().delete()
        assert Recipe.objects.get(pk=recipe.pk).is_approved
