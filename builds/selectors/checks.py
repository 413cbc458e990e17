"""What the rules found in a recipe, and what of it keeps it from being built or certified."""

from datetime import datetime

from builds.models import Check, Recipe
from policies import selectors as policies


def recipe_checks(recipe: Recipe) -> list[Check]:
    """Every result, by line. One query. Empty also where nobody has looked: see ``Recipe.checked_at``."""
    return list(Check.objects.filter(recipe=recipe).order_by("line", "id"))


def blocking_checks(recipe: Recipe, at: datetime) -> list[Check]:
    """The errors that no waiver lets pass at ``at``. Two queries."""
    errors = [one for one in recipe_checks(recipe) if one.severity == Check.Severity.ERROR]
    source = recipe.source
    waived = policies.waivers_in_force(
        {one.rule for one in errors}, at=at, version=str(source.version), source=source.name
    )
    return [one for one in errors if one.rule not in waived]
