"""Two at once over one recipe, on a real database, many times: one approval, by enough people, or none."""

import pytest
from django.db import connection
from django.utils import timezone

from accounts.roles import Role
from accounts.services import end_role
from approvals.errors import AlreadyReviewed, RecipeNotApproved
from approvals.models import RecipeApproval, RecipeReview
from approvals.services.recipes import withdraw_recipe
from audit.models import Record
from builds.selectors.recipes import recipe_by_id
from tests.factories.accounts import person_with
from tests.factories.builds import RecipeFactory
from tests.factories.recipes import approve_recipe, judge_recipe

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 15


def illegal_approvals() -> int:
    """Approvals that stand on fewer than two distinct persons, asked of the database itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM approvals_recipeapproval approval WHERE NOT approval.is_one_person AND"
            " (SELECT count(DISTINCT review.reviewer_identity) FROM approvals_recipeapprovalreview consumed"
            "    JOIN approvals_recipereview review ON review.id = consumed.review_id"
            "   WHERE consumed.approval_id = approval.id AND review.outcome = 'approve'"
            "     AND review.recipe_id = approval.recipe_id) < 2"
        )
        return int(cursor.fetchone()[0])


def judging(recipe, reviewer, outcome=RecipeReview.Outcome.APPROVE):
    return lambda: judge_recipe(recipe, reviewer, timezone.now(), outcome)


def test_two_reviewers_at_once_approve_once(at_once):
    for _ in range(ROUNDS):
        recipe = RecipeFactory(timezone.now())
        reviewers = [person_with(Role.REVIEWER), person_with(Role.REVIEWER)]
        outcomes = at_once(*(judging(recipe, one) for one in reviewers))
        assert all(isinstance(one, RecipeReview) for one in outcomes), outcomes
        assert recipe_by_id(recipe.pk).is_approved
        assert RecipeApproval.objects.get(recipe=recipe).consumed.count() == 2
        assert Record.objects.filter(verb="recipe.approved", subject_id=str(recipe.pk)).count() == 1
    assert illegal_approvals() == 0


def test_one_person_clicking_often_counts_once(at_once):
    for _ in range(ROUNDS):
        recipe = RecipeFactory(timezone.now())
        first = person_with(Role.REVIEWER)
        second = person_with(Role.REVIEWER, same_person_as=first)
        outcomes = at_once(*[judging(recipe, first)] * 3, *[judging(recipe, second)] * 3)
        assert sum(isinstance(one, RecipeReview) for one in outcomes) == 1
        assert sum(isinstance(one, AlreadyReviewed) for one in outcomes) == 5
        assert not recipe_by_id(recipe.pk).is_approved


def test_a_role_that_ends_while_the_last_one_clicks(at_once):
    """Whichever comes first: an approval by people who held the role, or none."""
    for _ in range(ROUNDS):
        now = timezone.now()
        recipe = RecipeFactory(now)
        first, last, admin = person_with(Role.REVIEWER), person_with(Role.REVIEWER), person_with(Role.PLATFORM_ADMIN)
        judge_recipe(recipe, first, now)
        grant = first.role_grants.get()
        at_once(judging(recipe, last), lambda g=grant, a=admin: end_role(grant=g, by=a, now=timezone.now()))
        found = recipe_by_id(recipe.pk)
        assert found.is_approved is RecipeApproval.objects.filter(recipe=recipe).exists()
    assert illegal_approvals() == 0


def test_an_approval_against_an_objection(at_once):
    for _ in range(ROUNDS):
        now = timezone.now()
        recipe = RecipeFactory(now)
        judge_recipe(recipe, person_with(Role.REVIEWER), now)
        changes = RecipeReview.Outcome.REQUEST_CHANGES
        outcomes = at_once(
            judging(recipe, person_with(Role.REVIEWER)), judging(recipe, person_with(Role.REVIEWER), changes)
        )
        # One of them was first, and the other was told.
        assert sum(isinstance(one, RecipeReview) for one in outcomes) == 1
        objected = recipe.reviews.filter(outcome=changes).exists()
        assert recipe_by_id(recipe.pk).is_approved is not objected


def test_two_withdrawals_at_once_are_one(at_once):
    for _ in range(ROUNDS):
        recipe = approve_recipe(RecipeFactory(timezone.now()), timezone.now())

        def withdrawing(who, recipe=recipe):
            return lambda: withdraw_recipe(recipe_id=recipe.pk, person=who, reason="x", now=timezone.now())

        outcomes = at_once(*(withdrawing(person_with(Role.SECURITY_REVIEWER)) for _ in range(2)))
        assert sum(isinstance(one, RecipeNotApproved) for one in outcomes) == 1
        assert not recipe_by_id(recipe.pk).is_approved
