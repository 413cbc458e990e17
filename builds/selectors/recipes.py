"""Reads of recipes, and what two of them differ in."""

from typing import Any
from uuid import UUID

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When

from audit.actor import Subject
from builds.domain.recipe_difference import RecipeDifference, difference
from builds.errors import RecipeMissing
from builds.models import Recipe, Source

__all__ = ["RecipeDifference", "recipe_by_id", "recipe_difference"]


def recipes(*, state: str = "", source: str = "") -> QuerySet[Recipe]:
    """Recipes, newest first, without their texts; narrowed to unreviewed, approved or withdrawn, and to a source."""
    conditions = {
        "unreviewed": Q(approved_at=None),
        "approved": Q(approved_at__isnull=False, withdrawn_at=None),
        "withdrawn": Q(withdrawn_at__isnull=False),
    }
    found = Recipe.objects.select_related("source__version__image", "source__owner", "author")
    if state:
        found = found.filter(conditions[state])
    if source:
        found = found.filter(source__name__icontains=source)
    return found.defer("dockerfile", "files").order_by("-created_at", "-id")


def recipes_waiting() -> QuerySet[Recipe]:
    """The newest recipe of each source, where nobody approved it yet."""
    newer = Recipe.objects.filter(source=OuterRef("source"), number__gt=OuterRef("number"))
    return recipes().filter(~Exists(newer), approved_at=None)


def recipes_of(source: Source) -> QuerySet[Recipe]:
    """Every recipe of a source, newest first, without its texts. One query."""
    return recipes().filter(source=source).order_by("-number")


def recipe_by_id(recipe_id: UUID | str) -> Recipe:
    """One recipe, whole. Raises RecipeMissing."""
    found = _whole().filter(pk=recipe_id).first()
    if found is None:
        raise RecipeMissing("There is no such recipe.", cure="See the recipes of its source.")
    return found


def recipe_by_sha256(source: Source, sha256: str) -> Recipe | None:
    """The source's recipe of that hash."""
    return _whole().filter(source=source, sha256=sha256).first()


def compared_with(recipe: Recipe) -> Recipe | None:
    """What a reviewer sees a recipe beside: the newest earlier one that is approved, else the one before it."""
    is_approved = Case(When(approved_at__isnull=False, withdrawn_at=None, then=True), default=False)
    earlier = _whole().filter(source_id=recipe.source_id, number__lt=recipe.number)
    return earlier.order_by(is_approved.desc(), "-number").first()


def recipe_difference(older: Recipe | None, newer: Recipe) -> RecipeDifference:
    """What ``newer`` says otherwise than ``older``; all of it where there is none before it."""
    return difference(_facts(older), _facts(newer))


def recipe_subject(recipe: Recipe) -> Subject:
    """How the record names it."""
    return Subject("recipe", str(recipe.pk), str(recipe))


def _whole() -> QuerySet[Recipe]:
    return Recipe.objects.select_related(
        "source__version__image__owner",
        "source__owner__same_person_as",
        "source__created_by__same_person_as",
        "author__same_person_as",
    )


def _facts(recipe: Recipe | None) -> dict[str, Any]:
    names = ("dockerfile", "files", "arguments", "target", "platforms", "allowed_hosts", "bases")
    if recipe is None:
        return {"dockerfile": "", "files": [], "arguments": {}, "target": "", "platforms": [], "bases": []}
    return {name: getattr(recipe, name) for name in names}
