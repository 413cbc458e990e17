"""Recipes that people judged.

approve_recipe(recipe, now)                      # by as many reviewers as it takes; the recipe, approved
judge_recipe(recipe, reviewer, now)              # one approval
"""

from datetime import datetime

from accounts.models import Person
from accounts.roles import Role
from approvals.models import RecipeReview
from approvals.selectors import reviewers_needed
from approvals.services.recipes import review_recipe
from builds.models import Recipe
from builds.selectors.recipes import recipe_by_id
from policies.selectors import active_policy
from tests.factories.accounts import person_with


def judge_recipe(
    recipe: Recipe,
    reviewer: Person,
    now: datetime,
    outcome: RecipeReview.Outcome = RecipeReview.Outcome.APPROVE,
    reason: str = "because",
    recipe_sha256: str = "",
) -> RecipeReview:
    """``reviewer``'s judgement of the recipe."""
    return review_recipe(
        recipe_id=recipe.pk,
        reviewer=reviewer,
        outcome=outcome,
        reason=reason,
        recipe_sha256=recipe_sha256 or recipe.sha256,
        now=now,
    )


def approve_recipe(recipe: Recipe, now: datetime) -> Recipe:
    """The recipe, approved by new reviewers."""
    for _ in range(reviewers_needed(active_policy(now))):
        judge_recipe(recipe, person_with(Role.REVIEWER), now)
    return recipe_by_id(recipe.pk)
