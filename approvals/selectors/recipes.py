"""Reads of recipes' reviews: what each stands at, who approved it, and whose it is."""

import re
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import selectors as accounts
from accounts.models import Person, ServiceToken
from accounts.roles import Role
from approvals.models import RecipeReview
from audit.models import Record
from audit.verbs import Verb
from builds.models import Recipe
from policies.selectors import active_policy, document_of

_ADDRESS = re.compile(r"([^\s<>]+@[^\s<>]+)")


class RecipeStanding(StrEnum):
    """What people said of a recipe so far."""

    UNREVIEWED = "unreviewed"  # nobody, or not enough
    CHANGES_REQUESTED = "changes_requested"
    REJECTED = "rejected"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


def recipe_reviews(recipe: Recipe) -> QuerySet[RecipeReview]:
    """Every review of a recipe, oldest first. One query."""
    return (
        RecipeReview.objects.filter(recipe=recipe)
        .select_related("reviewer__same_person_as", "compared_with")
        .order_by("decided_at", "id")
    )


def recipe_standing(recipe: Recipe) -> RecipeStanding:
    """Where a recipe stands: follows from its approval and its reviews."""
    if recipe.withdrawn_at:
        return RecipeStanding.WITHDRAWN
    if recipe.approved_at:
        return RecipeStanding.APPROVED
    outcomes = set(RecipeReview.objects.filter(recipe=recipe).values_list("outcome", flat=True))
    if RecipeReview.Outcome.REJECT in outcomes:
        return RecipeStanding.REJECTED
    return (
        RecipeStanding.CHANGES_REQUESTED
        if RecipeReview.Outcome.REQUEST_CHANGES in outcomes
        else RecipeStanding.UNREVIEWED
    )


def approvers_of(recipe: Recipe) -> tuple[str, ...]:
    """Who approved it, by name: the reviews that its approval consumed."""
    found = RecipeReview.objects.filter(recipe=recipe, consumed_by__isnull=False)
    return tuple(found.order_by("reviewer__username").values_list("reviewer__username", flat=True))


def recipes_due(person: Person, at: datetime) -> list[Recipe]:
    """Newest recipes of sources that ``person`` may judge and has not, oldest first. A fixed number of queries."""
    wanted = set(document_of(active_policy(at)).certify.reviewer_roles)
    teams = {grant.team_id for grant in accounts.grants_in_force(person, at) if grant.role in wanted}
    if not teams:
        return []
    judged = RecipeReview.objects.filter(recipe=OuterRef("pk")).filter(
        Q(reviewer=person) | Q(reviewer_identity=accounts.identity_of(person)) | Q(outcome=RecipeReview.Outcome.REJECT)
    )
    newer = Recipe.objects.filter(source=OuterRef("source"), number__gt=OuterRef("number"))
    waiting = Recipe.objects.filter(~Exists(judged), ~Exists(newer), approved_at=None, withdrawn_at=None)
    if None not in teams:
        waiting = waiting.filter(source__version__image__owner_id__in=teams)
    found = waiting.select_related(
        "source__version__image",
        "source__owner__same_person_as",
        "source__created_by__same_person_as",
        "author__same_person_as",
    ).defer("dockerfile", "files")
    return [one for one in found.order_by("created_at", "id") if accounts.is_one_person() or not _is_named(one, person)]


def is_own_recipe(recipe: Recipe, person: Person) -> bool:
    """Whether ``person``, by any account, wrote the commit or signed it, answers for the source, added it, or changed
    it since the last recipe that was approved before: its arguments are part of what is judged.
    """
    return _is_named(recipe, person) or any(
        accounts.is_same_person(one, person) for one in (*_writers(recipe), *_changers(recipe))
    )


def may_review(recipe: Recipe, person: Person, roles: frozenset[Role], at: datetime) -> bool:
    """Whether ``person`` holds one of ``roles``: everywhere, or for the team that owns the image."""
    return bool(roles & accounts.roles_of(person, at, recipe.source.version.image.owner))


def _is_named(recipe: Recipe, person: Person) -> bool:
    named = [recipe.source.owner, recipe.source.created_by, *([recipe.author] if recipe.author else [])]
    return any(accounts.is_same_person(one, person) for one in named)


def _writers(recipe: Recipe) -> list[Person]:
    """Every account with an address that the commit names: of its author, and of its signer where that was verified."""
    addresses = {recipe.author_email}
    if recipe.signature.get("state") == "verified":
        addresses |= set(_ADDRESS.findall(str(recipe.signature.get("by", ""))))
    wanted = Q()
    for address in sorted(filter(None, addresses)):
        wanted |= Q(email__iexact=address)
    return list(Person.objects.select_related("same_person_as").filter(wanted)) if wanted else []


def _changers(recipe: Recipe) -> list[Person]:
    earlier = Recipe.objects.filter(source_id=recipe.source_id, number__lt=recipe.number, approved_at__isnull=False)
    since = earlier.order_by("-number").values_list("created_at", flat=True).first()
    changes = Record.objects.filter(
        subject_kind="source", subject_id=str(recipe.source_id), verb=Verb.SOURCE_CHANGED, at__lte=recipe.created_at
    )
    if since is not None:
        changes = changes.filter(at__gte=since)
    doers = set(changes.values_list("actor_kind", "actor_id"))
    people = {name for kind, name in doers if kind == "person"}
    tokens = [name for kind, name in doers if kind == "token"]
    people |= {str(owner) for owner in ServiceToken.objects.filter(pk__in=tokens).values_list("owner_id", flat=True)}
    return list(Person.objects.select_related("same_person_as").filter(pk__in=people))
