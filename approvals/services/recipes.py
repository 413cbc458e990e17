"""Reviews of recipes. The last approval that is needed makes exactly these bytes an approved recipe.

The persons, their number and their roles are those of certifying. A recipe is never changed, so what was judged is what
is approved: one changed byte is another recipe, which nobody judged.
"""

from collections import Counter
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import selectors as accounts
from accounts import services as account_services
from accounts.models import Person
from accounts.roles import Role
from approvals import selectors
from approvals.errors import (
    AlreadyReviewed,
    ChangesRequested,
    OwnProposal,
    RecipeClosed,
    RecipeNotApproved,
    RecipeNotRead,
    RoleMissing,
)
from approvals.models import RecipeApproval, RecipeApprovalReview, RecipeReview
from approvals.selectors.recipes import RecipeStanding, is_own_recipe, may_review, recipe_standing
from approvals.services import persons
from approvals.services.roles import reviewer_roles
from audit.services import record
from audit.verbs import Verb
from builds.models import Recipe
from builds.selectors.recipes import compared_with, recipe_subject
from builds.services.recipes import lock_recipe, set_recipe_approved, set_recipe_withdrawn
from policies import services as policies
from policies.models import Policy

WITHDRAWERS = frozenset({Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN})


@transaction.atomic
def review_recipe(
    *,
    recipe_id: UUID | str,
    reviewer: Person,
    outcome: RecipeReview.Outcome | str,
    reason: str,
    recipe_sha256: str,
    now: datetime,
) -> RecipeReview:
    """Record ``reviewer``'s judgement of the recipe that they read, named by its hash.

    Raises: RecipeMissing; RecipeNotRead; RecipeClosed; OwnProposal; RoleMissing; ReasonMissing (anything but an
    approval); AlreadyReviewed; ChangesRequested. A refusal leaves no review.
    """
    outcome = RecipeReview.Outcome(outcome)
    # Locked: two reviewers clicking at once must not both be counted as the last one needed.
    recipe = lock_recipe(recipe_id)
    policy = policies.policy_in_force(now=now)
    _require_open(recipe, recipe_sha256)
    is_own = is_own_recipe(recipe, reviewer)
    if is_own and not accounts.is_one_person():
        raise OwnProposal(
            "Nobody reviews a recipe that they wrote, or whose source they answer for or changed.",
            cure="Ask another reviewer.",
        )
    # A role that is being ended ends before this or after it, never both.
    account_services.hold_roles()
    roles = reviewer_roles(policy)
    _require_role(recipe, reviewer, roles, now)
    told = reason.strip() if outcome is RecipeReview.Outcome.APPROVE else persons.require_reason(reason)
    review = _write(recipe, reviewer, outcome, told, is_own=is_own, now=now)
    if outcome is RecipeReview.Outcome.APPROVE:
        _approve_when_enough(recipe, policy, roles, reviewer=reviewer, now=now)
    return review


@transaction.atomic
def withdraw_recipe(*, recipe_id: UUID | str, person: Person, reason: str, now: datetime) -> RecipeApproval:
    """Take an approval back, for good: what is built from the recipe is unreviewed from now on.

    One reviewer, or a platform admin, may: stopping needs fewer than starting.
    Raises: RecipeMissing; RecipeNotApproved; RoleMissing; ReasonMissing.
    """
    recipe = lock_recipe(recipe_id)
    _require_role(recipe, person, WITHDRAWERS, now)
    told = persons.require_reason(reason)
    if not recipe.is_approved:
        raise RecipeNotApproved(f"{recipe} is not approved.", cure="There is nothing to take back.")
    approval = RecipeApproval.objects.select_for_update().get(recipe=recipe)
    approval.withdrawn_at, approval.withdrawn_by, approval.withdrawn_reason = now, person, told
    approval.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    set_recipe_withdrawn(recipe, now, reason=told)
    data = {"source": str(recipe.source_id), "sha256": recipe.sha256, "reason": told}
    record(Verb.RECIPE_WITHDRAWN, actor=person.as_actor(), subject=recipe_subject(recipe), at=now, data=data)
    return approval


def _require_open(recipe: Recipe, recipe_sha256: str) -> None:
    if recipe_sha256 != recipe.sha256:
        raise RecipeNotRead("What was read is not this recipe.", cure="Read this one, then judge it.")
    match recipe_standing(recipe):
        case RecipeStanding.APPROVED | RecipeStanding.WITHDRAWN | RecipeStanding.REJECTED as standing:
            raise RecipeClosed(f"{recipe} is {standing}.", cure="Other bytes are another recipe: judge the newest.")
        case _:
            pass


def _require_role(recipe: Recipe, person: Person, roles: frozenset[Role], now: datetime) -> None:
    if not may_review(recipe, person, roles, now):
        words = " or ".join(sorted(role.replace("_", " ") for role in roles))
        raise RoleMissing(f"{person} is not {words} now.", cure="Ask a platform admin for the role.")


def _write(
    recipe: Recipe, reviewer: Person, outcome: RecipeReview.Outcome, reason: str, *, is_own: bool, now: datetime
) -> RecipeReview:
    identity = accounts.identity_of(reviewer)
    earlier = list(recipe.reviews.select_related("reviewer"))
    if any(one.reviewer_identity == identity or one.reviewer_id == reviewer.pk for one in earlier):
        raise AlreadyReviewed(f"{reviewer} judged this recipe already.", cure="Another recipe may be judged anew.")
    objection = next((one for one in earlier if one.outcome == RecipeReview.Outcome.REQUEST_CHANGES), None)
    if outcome is RecipeReview.Outcome.APPROVE and objection is not None:
        detail = f"{objection.reviewer} asked for changes: {objection.reason}"
        raise ChangesRequested(detail, cure="Change what they name: that is another recipe.")
    review = RecipeReview.objects.create(
        recipe=recipe,
        recipe_sha256=recipe.sha256,
        reviewer=reviewer,
        reviewer_identity=identity,
        outcome=outcome,
        reason=reason,
        is_own=is_own,
        compared_with=compared_with(recipe),
        checks=dict(Counter(recipe.checks.values_list("severity", flat=True))),
        decided_at=now,
    )
    data = {
        "source": str(recipe.source_id),
        "sha256": recipe.sha256,
        "commit": recipe.commit,
        "outcome": str(outcome),
        "reason": reason,
        "compared_with": str(review.compared_with_id or ""),
    }
    record(Verb.RECIPE_REVIEWED, actor=reviewer.as_actor(), subject=recipe_subject(recipe), at=now, data=data)
    return review


def _approve_when_enough(
    recipe: Recipe, policy: Policy, roles: frozenset[Role], *, reviewer: Person, now: datetime
) -> None:
    counted = _counting(recipe, roles, now)
    needed = selectors.reviewers_needed(policy)
    if len(counted) < needed:
        return
    approval = RecipeApproval.objects.create(
        recipe=recipe,
        policy=policy,
        reviewers_needed=needed,
        is_one_person=accounts.is_one_person(),
        approved_at=now,
    )
    RecipeApprovalReview.objects.bulk_create(
        [RecipeApprovalReview(approval=approval, review=review) for review in counted]
    )
    set_recipe_approved(recipe, now)
    data = {
        "source": str(recipe.source_id),
        "sha256": recipe.sha256,
        "commit": recipe.commit,
        "reviewers": sorted(review.reviewer.username for review in counted),
        "is_one_person": approval.is_one_person,
    }
    record(Verb.RECIPE_APPROVED, actor=reviewer.as_actor(), subject=recipe_subject(recipe), at=now, data=data)


def _counting(recipe: Recipe, roles: frozenset[Role], now: datetime) -> list[RecipeReview]:
    """Approvals by distinct persons who hold the role still, and of whom none is found to be its writer since."""
    counted: dict[str, RecipeReview] = {}
    approvals = recipe.reviews.filter(outcome=RecipeReview.Outcome.APPROVE)
    for review in approvals.select_related("reviewer__same_person_as").order_by("decided_at", "pk"):
        is_other = accounts.is_one_person() or not is_own_recipe(recipe, review.reviewer)
        if is_other and may_review(recipe, review.reviewer, roles, now):
            counted.setdefault(accounts.identity_of(review.reviewer), review)
    return list(counted.values())
