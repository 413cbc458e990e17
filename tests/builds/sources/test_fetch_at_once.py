"""Two fetches of one source at once, on a real database: one recipe, one number, told as new at least once."""

import pytest
from django.utils import timezone

from audit.models import Record
from builds.models import Recipe
from builds.services.sources import fetch_source

pytestmark = pytest.mark.django_db(transaction=True)


def test_make_one_recipe(source, at_once):
    outcomes = at_once(*[lambda: fetch_source(source.pk, now=timezone.now())] * 3)
    assert {one.pk for one in outcomes} == {Recipe.objects.get().pk}
    assert Record.objects.filter(verb="recipe.found").count() == 1
    told = list(Record.objects.filter(verb="source.fetched").values_list("data__is_new", flat=True))
    assert True in told
