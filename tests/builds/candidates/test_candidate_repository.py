from datetime import datetime

import pytest

from builds.errors import SourceInvalid
from builds.services.repositories import candidate_repository
from registry.models import Registry
from tests.factories.registry import RegistryFactory

pytestmark = pytest.mark.django_db


def test_a_new_repository_of_the_source_side_is_written_down(now: datetime):
    RegistryFactory(host="source.example")
    made = candidate_repository(name="source.example/builds/debian", now=now)
    assert made is not None
    assert made.name == "source.example/builds/debian"
    assert candidate_repository(name="source.example/builds/debian", now=now) == made


def test_nothing_named_is_nowhere(now: datetime):
    assert candidate_repository(name="", now=now) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("unlisted.example/builds/debian", "registry_unknown"),
        ("source.example", "path_missing"),
        ("certified.example/builds/debian", "side_certified"),
        # One host on both sides: what lies below the certified prefix is certified ground.
        ("source.example/golden/debian", "side_certified"),
        ("source.example/golden", "side_certified"),
    ],
)
def test_any_other_place_is_refused(now: datetime, name: str, code: str):
    RegistryFactory(host="source.example")
    RegistryFactory(host="certified.example", side=Registry.Side.CERTIFIED)
    RegistryFactory(host="source.example", name="golden", side=Registry.Side.CERTIFIED, path_prefix="golden")
    with pytest.raises(SourceInvalid) as refused:
        candidate_repository(name=name, now=now)
    assert [(one.pointer, one.code) for one in refused.value.errors] == [("/candidate_repository", code)]


def test_a_prefix_is_no_part_of_a_word(now: datetime):
    RegistryFactory(host="source.example")
    RegistryFactory(host="source.example", name="golden", side=Registry.Side.CERTIFIED, path_prefix="golden")
    assert candidate_repository(name="source.example/golden-builds/debian", now=now) is not None
