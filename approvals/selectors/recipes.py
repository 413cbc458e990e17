"""Reads of recipes' reviews: what each stands at, who approved it, and whose it is."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Lower

from accounts import selectors as accounts
from accounts.models import Person, ServiceToken
from accounts.roles import Role
from approvals.models import RecipeReview
from audit.models import Record
from audit.verbs import Verb
from builds.models import Recipe
from builds.selectors.recipes import recipes_waiting
from policies.models import Policy
from policies.selectors import document_of


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


def recipes_due(person: Person, policy: Policy, at: datetime) -> QuerySet[Recipe]:
    """Newest recipes of sources that ``person`` may judge and has not, oldest first. One query."""
    judged = RecipeReview.objects.filter(recipe=OuterRef("pk")).filter(
        Q(reviewer=person) | Q(reviewer_identity=accounts.identity_of(person)) | Q(outcome=RecipeReview.Outcome.REJECT)
    )
    wanted = document_of(policy).certify.reviewer_roles
    reaching = accounts.grants_of_roles(person, wanted, at).filter(
        Q(team=None) | Q(team_id=OuterRef("source__version__image__owner_id"))
    )
    waiting = recipes_waiting().filter(Exists(reaching), ~Exists(judged), withdrawn_at=None)
    if not accounts.is_one_person():
        waiting = waiting.filter(~_is_own(person))
    return waiting.order_by("created_at", "id")


def is_own_recipe(recipe: Recipe, person: Person) -> bool:
    """Whether ``person``, by any account, wrote the commit or signed it, answers for the source, added it, or changed
    it since the last recipe that was approved before: its arguments are part of what is judged. One query.
    """
    return Recipe.objects.filter(_is_own(person), pk=recipe.pk).exists()


def recipes_written_by(person: Person) -> QuerySet[Recipe]:
    """Recipes whose commit ``person``, by any account, wrote or signed: by address too, where several have it."""
    return Recipe.objects.filter(_wrote(accounts.accounts_of(person)))


def may_review(recipe: Recipe, person: Person, roles: frozenset[Role], at: datetime) -> bool:
    """Whether ``person`` holds one of ``roles``: everywhere, or for the team that owns the image."""
    return bool(roles & accounts.roles_of(person, at, recipe.source.version.image.owner))


def _is_own(person: Person) -> Q:
    """Recipes in which ``person`` has a hand, by any account."""
    every = accounts.accounts_of(person)
    keys = every.order_by().values("pk")
    named = Q(source__owner__in=keys) | Q(source__created_by__in=keys)
    return named | _wrote(every) | Q(_changed(every)) | Q(_owned(every))


def _wrote(every: QuerySet[Person]) -> Q:
    """One of ``every`` account wrote the commit, or signed it."""
    addresses = every.exclude(email="").order_by().values(address=Lower("email"))
    named = Recipe.objects.filter(pk=OuterRef("pk")).annotate(by=Lower("author_email")).filter(by__in=addresses)
    return Q(author__in=every.order_by().values("pk")) | Q(Exists(named)) | Q(_signed(addresses))


def _signed(addresses: QuerySet[Person, Any]) -> Exists:
    """The signer's name holds one of ``addresses``, and the signature was verified."""
    words = Func(
        Lower(KeyTextTransform("by", "signature")),
        Value(r"[\s<>]+"),
        function="regexp_split_to_array",
        output_field=ArrayField(TextField()),
    )
    verified = Recipe.objects.filter(pk=OuterRef("pk"), signature__state="verified")
    return Exists(verified.annotate(words=words).filter(words__overlap=ArraySubquery(addresses)))


def _owned(every: QuerySet[Person]) -> Exists:
    """One of ``every`` account owned the source when the recipe was found, and handed it over since."""
    handed_over = Record.objects.filter(
        subject_kind="source",
        subject_id=Cast(OuterRef("source_id"), CharField()),
        verb=Verb.SOURCE_CHANGED,
        at__gte=OuterRef("created_at"),
    )
    former = KeyTextTransform("former_owner", "data")
    return Exists(handed_over.annotate(former=former).filter(former__in=every.order_by().values("username")))


def _changed(every: QuerySet[Person]) -> Exists:
    """One of ``every`` account, or a token of theirs, changed the source since the last recipe approved before."""
    earlier = Recipe.objects.filter(
        source=OuterRef(OuterRef("source_id")), number__lt=OuterRef(OuterRef("number")), approved_at__isnull=False
    )
    since = Subquery(earlier.order_by("-number").values("created_at")[:1])
    people = every.order_by().values(key=Cast("pk", CharField()))
    tokens = ServiceToken.objects.filter(owner__in=every.order_by().values("pk")).values(key=Cast("pk", CharField()))
    changes = Record.objects.filter(
        Q(actor_kind="person", actor_id__in=people) | Q(actor_kind="token", actor_id__in=tokens),
        subject_kind="source",
        subject_id=Cast(OuterRef("source_id"), CharField()),
        verb=Verb.SOURCE_CHANGED,
        at__lte=OuterRef("created_at"),
    )
    return Exists(changes.annotate(since=since).filter(Q(since=None) | Q(at__gte=F("since"))))
