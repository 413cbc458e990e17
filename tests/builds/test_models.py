"""What the database itself refuses of sources, recipes and builds."""

from datetime import datetime

import pytest
from django.db import IntegrityError, ProgrammingError

from builds.models import Build, Recipe
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory

pytestmark = pytest.mark.django_db


def test_recipe_is_never_changed(now: datetime) -> None:
    recipe = RecipeFactory(now)

    with pytest.raises(ProgrammingError, match="recipe_never_changed"):
        Recipe.objects.filter(pk=recipe.pk).update(dockerfile="FROM evil\n")


def test_an_approval_is_not_moved(now: datetime) -> None:
    recipe = RecipeFactory(now, approved_at=now)

    with pytest.raises(ProgrammingError, match="recipe_withdrawn_stays"):
        Recipe.objects.filter(pk=recipe.pk).update(approved_at=None)


def test_one_build_waits_a_source(now: datetime) -> None:
    source = SourceFactory(now)
    BuildFactory(now, source=source)

    with pytest.raises(IntegrityError, match="build_one_waiting"):
        BuildFactory(now, source=source)


def test_a_failed_build_says_why(now: datetime) -> None:
    build = BuildFactory(now)

    with pytest.raises(IntegrityError, match="build_end_told"):
        Build.objects.filter(pk=build.pk).update(state="failed", finished_at=now)
