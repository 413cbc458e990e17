"""What the rules found in a recipe or in an image's files, and what of it keeps it from being built or certified."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from builds.models import Check, Inspection, Recipe
from builds.selectors.inspections import inspections_of
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


@dataclass(frozen=True, slots=True)
class Inspected:
    """An image's inspection and what the rules found in its files."""

    inspection: Inspection
    checks: list[Check]


def checks_of_images(artifact_ids: Iterable[UUID]) -> dict[UUID, Inspected]:
    """Artifact id → what was found in its files, where somebody looked. Two queries."""
    found = {one.artifact_id: Inspected(one, []) for one in inspections_of(artifact_ids).values()}
    images = {one.inspection.pk: one for one in found.values()}
    for check in Check.objects.filter(inspection__in=list(images)).order_by("rule", "path", "id"):
        images[check.inspection_id].checks.append(check)  # type: ignore[index]
    return found
