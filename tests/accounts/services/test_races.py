"""What two people do at the same moment, on real connections."""

import pytest
from django.utils import timezone

from accounts import selectors, services
from accounts.errors import LastAdministrator, NameTaken, NotAnAdministrator, RoleAlreadyHeld
from accounts.models import Person, RoleGrant
from accounts.roles import Role
from tests.factories.accounts import PersonFactory, person_with

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 10
REFUSALS = (LastAdministrator, NotAnAdministrator)


class TestTheLastAdministrator:
    def test_two_who_end_each_others_role_leave_one(self, at_once):
        for round_ in range(ROUNDS):
            RoleGrant.objects.filter(ends_at__isnull=True).update(ends_at=timezone.now())
            one, two = (person_with(Role.PLATFORM_ADMIN, username=f"{name}-{round_}") for name in ("one", "two"))
            grants = [RoleGrant.objects.get(person=person) for person in (two, one)]
            results = at_once(
                lambda one=one, grant=grants[0]: services.end_role(grant=grant, by=one, now=timezone.now()),
                lambda two=two, grant=grants[1]: services.end_role(grant=grant, by=two, now=timezone.now()),
            )
            assert sum(isinstance(result, REFUSALS) for result in results) == 1
            assert sum(isinstance(result, Exception) for result in results) == 1
            assert selectors.holders_of(Role.PLATFORM_ADMIN, timezone.now()).count() == 1

    def test_two_who_close_each_other_leave_one(self, at_once):
        for round_ in range(ROUNDS):
            RoleGrant.objects.filter(ends_at__isnull=True).update(ends_at=timezone.now())
            one, two = (person_with(Role.PLATFORM_ADMIN, username=f"{name}-{round_}") for name in ("one", "two"))
            results = at_once(
                lambda one=one, two=two: services.deactivate_person(person=two, by=one, now=timezone.now()),
                lambda one=one, two=two: services.deactivate_person(person=one, by=two, now=timezone.now()),
            )
            assert sum(isinstance(result, REFUSALS) for result in results) == 1
            assert selectors.holders_of(Role.PLATFORM_ADMIN, timezone.now()).count() == 1


class TestNames:
    def test_of_names_that_read_the_same_one_is_made(self, at_once):
        for round_ in range(ROUNDS):
            results = at_once(
                lambda r=round_: services.create_person(username=f"rita{r}", now=timezone.now()),
                lambda r=round_: services.create_person(username=f"RITA{r}", now=timezone.now()),
            )
            assert sum(isinstance(result, NameTaken) for result in results) == 1
        assert Person.objects.count() == ROUNDS


class TestRoles:
    def test_a_role_granted_twice_is_held_once(self, at_once):
        rita = PersonFactory("rita")
        grant = lambda: services.grant_role(person=rita, role=Role.REVIEWER, now=timezone.now())  # noqa: E731
        results = at_once(grant, grant, grant, grant)
        assert sum(isinstance(result, RoleAlreadyHeld) for result in results) == 3
        assert RoleGrant.objects.filter(person=rita).count() == 1


class TestTheFirstAdministrator:
    def test_two_starts_at_once_make_one(self, tmp_path, at_once):
        start = lambda name: services.create_first_administrator(  # noqa: E731
            username=name, password_file=tmp_path / name, now=timezone.now()
        )
        made = at_once(lambda: start("one"), lambda: start("two"))
        assert sum(result is not None for result in made) == 1
        assert Person.objects.count() == 1
