"""Another person answers for a source: who may, what is kept, and that nobody comes to review their own by it."""

from datetime import timedelta

import pytest

from accounts.roles import Role
from approvals.selectors.recipes import is_own_recipe
from audit.models import Record
from builds.errors import SourceInvalid
from builds.models import Source
from builds.services.sources import hand_over_source
from tests.factories.accounts import PersonFactory, person_with
from tests.factories.builds import RecipeFactory, SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(now) -> Source:
    """Olga's, added by Reg. Where it lies is listed no more: that is no hindrance."""
    olga = person_with(Role.PLATFORM_ADMIN, Role.REVIEWER, username="olga")
    registrar = person_with(Role.PLATFORM_ADMIN, username="reg")
    return SourceFactory(now, owner=olga, created_by=registrar, url="/nowhere/base.git")


def hand_over(source: Source, now, *, owner=None, actor=None, reason="Olga leaves.") -> Source:
    owner = owner or person_with(Role.PLATFORM_ADMIN, username="newt")
    actor = actor or source.created_by.as_actor()
    return hand_over_source(source=source, owner=owner, reason=reason, actor=actor, now=now)


class TestHandOverSource:
    def test_says_who_did_who_does_and_why(self, now, source):
        assert hand_over(source, now).owner.username == "newt"
        told = Record.objects.get(verb="source.changed")
        assert told.actor_name == "reg"
        assert told.data["changed"] == ["owner"]
        assert (told.data["former_owner"], told.data["owner"], told.data["reason"]) == ("olga", "newt", "Olga leaves.")

    @pytest.mark.parametrize(
        ("closed", "same", "reason", "pointer"),
        [
            pytest.param(True, False, "x", "/owner", id="a-closed-account"),
            pytest.param(False, True, "x", "/owner", id="who-owns-it"),
            pytest.param(False, False, " ", "/reason", id="no-reason"),
        ],
    )
    def test_refused_changes_nothing(self, now, source, closed, same, reason, pointer):
        newt = PersonFactory("newt", is_active=not closed)
        owner = source.owner if same else newt
        with pytest.raises(SourceInvalid) as refused:
            hand_over(source, now, owner=owner, reason=reason)
        assert [one.pointer for one in refused.value.errors] == [pointer]
        assert Source.objects.get().owner.username == "olga"
        assert not Record.objects.filter(verb="source.changed").exists()

    def test_who_owned_it_when_a_recipe_was_found_reviews_it_never(self, now, source):
        olga, before = source.owner, RecipeFactory(now - timedelta(hours=1), source=source)
        hand_over(source, now)
        after = RecipeFactory(now + timedelta(hours=1), source=source)
        assert is_own_recipe(before, olga)
        assert not is_own_recipe(after, olga)

    def test_nor_does_who_handed_it_over_review_the_next_one(self, now, source):
        other = person_with(Role.PLATFORM_ADMIN, Role.REVIEWER, username="zoe")
        hand_over(source, now, actor=other.as_actor())
        assert is_own_recipe(RecipeFactory(now + timedelta(hours=1), source=source), other)
