from datetime import timedelta

import pytest

from accounts import selectors, services
from accounts.errors import (
    BadPeriod,
    LastAdministrator,
    NotAnAdministrator,
    OwnRole,
    PersonInactive,
    RoleAlreadyHeld,
    RoleKeptElsewhere,
    RoleOver,
    UnknownRole,
)
from accounts.models import Person, RoleGrant
from accounts.models.role_grant import GrantSource
from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from tests.factories.accounts import PersonFactory, TeamFactory, person_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return person_with(Role.PLATFORM_ADMIN, username="ada")


@pytest.fixture
def rita():
    return PersonFactory("rita")


class TestGrantRole:
    def test_it_holds_from_the_first_moment(self, admin, rita, now):
        services.grant_role(person=rita, role=Role.REVIEWER, by=admin, now=now)
        assert selectors.has_role(rita, Role.REVIEWER, now)
        assert not selectors.has_role(rita, Role.REVIEWER, now - timedelta(microseconds=1))

    def test_it_no_longer_holds_at_its_end(self, admin, rita, now):
        end = now + timedelta(days=30)
        services.grant_role(person=rita, role=Role.REVIEWER, by=admin, now=now, ends_at=end)
        assert selectors.has_role(rita, Role.REVIEWER, end - timedelta(microseconds=1))
        assert not selectors.has_role(rita, Role.REVIEWER, end)

    def test_a_role_for_one_team_holds_for_that_team_alone(self, admin, rita, now):
        payments, search = TeamFactory("payments"), TeamFactory("search")
        services.grant_role(person=rita, role=Role.REVIEWER, team=payments, by=admin, now=now)
        assert selectors.has_role(rita, Role.REVIEWER, now, team=payments)
        assert not selectors.has_role(rita, Role.REVIEWER, now, team=search)
        assert not selectors.has_role(rita, Role.REVIEWER, now)
        assert selectors.roles_in_any_team(rita, now) == {Role.REVIEWER}

    def test_the_record_names_role_and_giver(self, admin, rita, now):
        services.grant_role(person=rita, role=Role.REVIEWER, by=admin, now=now)
        record = Record.objects.get(verb=Verb.ROLE_GRANTED)
        assert (record.actor_id, record.subject_label, record.data["role"]) == (str(admin.pk), "rita", "reviewer")

    def test_nobody_grants_themselves_a_role(self, admin, now):
        with pytest.raises(OwnRole):
            services.grant_role(person=admin, role=Role.REVIEWER, by=admin, now=now)
        assert selectors.roles_of(admin, now) == {Role.PLATFORM_ADMIN}

    def test_nor_another_account_of_theirs(self, admin, now):
        second = PersonFactory("ada-second", same_person_as=admin)
        with pytest.raises(OwnRole):
            services.grant_role(person=second, role=Role.REVIEWER, by=admin, now=now)

    def test_one_person_alone_may(self, admin, now, settings):
        settings.GOLDGATE_ONE_PERSON = True
        services.grant_role(person=admin, role=Role.REVIEWER, by=admin, now=now)
        assert selectors.has_role(admin, Role.REVIEWER, now)

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_ADMIN])
    def test_only_an_administrator_grants(self, rita, now, role):
        with pytest.raises(NotAnAdministrator):
            services.grant_role(person=rita, role=Role.VIEWER, by=person_with(role), now=now)
        assert not RoleGrant.objects.filter(person=rita).exists()

    def test_an_administrator_for_one_team_is_none(self, rita, now):
        with pytest.raises(NotAnAdministrator):
            services.grant_role(
                person=rita, role=Role.VIEWER, by=person_with(Role.PLATFORM_ADMIN, team=TeamFactory()), now=now
            )

    def test_a_role_held_until_further_notice_is_not_granted_twice(self, admin, rita, now):
        services.grant_role(person=rita, role=Role.REVIEWER, by=admin, now=now)
        with pytest.raises(RoleAlreadyHeld):
            services.grant_role(person=rita, role=Role.REVIEWER, by=admin, now=now)

    @pytest.mark.parametrize("days", [0, -1])
    def test_an_end_that_is_not_ahead_is_refused(self, admin, rita, now, days):
        with pytest.raises(BadPeriod):
            services.grant_role(person=rita, role=Role.REVIEWER, by=admin, now=now, ends_at=now + timedelta(days=days))

    def test_an_unknown_role_is_refused(self, admin, rita, now):
        with pytest.raises(UnknownRole):
            services.grant_role(person=rita, role="superuser", by=admin, now=now)

    def test_a_closed_account_gets_none(self, admin, now):
        with pytest.raises(PersonInactive):
            services.grant_role(person=PersonFactory(is_active=False), role=Role.VIEWER, by=admin, now=now)


class TestEndRole:
    def test_it_takes_effect_at_once_and_ends_the_sessions(self, admin, now):
        rita = person_with(Role.REVIEWER, username="rita")
        before = rita.get_session_auth_hash()
        services.end_role(grant=rita.role_grants.get(), by=admin, now=now)
        assert not selectors.has_role(rita, Role.REVIEWER, now)
        assert Person.objects.get(pk=rita.pk).get_session_auth_hash() != before

    def test_the_grant_stays_on_view_with_its_end(self, admin, now):
        rita = person_with(Role.REVIEWER)
        services.end_role(grant=rita.role_grants.get(), by=admin, now=now)
        grant = rita.role_grants.get()
        assert (grant.ends_at, grant.ended_by) == (now, admin)
        assert Record.objects.filter(verb=Verb.ROLE_ENDED, subject_id=str(rita.pk)).exists()

    def test_twice_is_refused(self, admin, now):
        grant = person_with(Role.REVIEWER).role_grants.get()
        services.end_role(grant=grant, by=admin, now=now)
        with pytest.raises(RoleOver):
            services.end_role(grant=grant, by=admin, now=now)

    def test_the_last_administrator_stays(self, admin, now):
        with pytest.raises(LastAdministrator):
            services.end_role(grant=admin.role_grants.get(), by=admin, now=now)
        assert selectors.has_role(admin, Role.PLATFORM_ADMIN, now)

    def test_a_role_from_a_directory_group_is_not_ended_here(self, admin, rita, now):
        grant = RoleGrant.objects.create(person=rita, role=Role.VIEWER, starts_at=now, source=GrantSource.LDAP)
        with pytest.raises(RoleKeptElsewhere):
            services.end_role(grant=grant, by=admin, now=now + timedelta(days=1))

    def test_only_an_administrator_ends(self, rita, now):
        other = person_with(Role.REVIEWER)
        with pytest.raises(NotAnAdministrator):
            services.end_role(grant=other.role_grants.get(), by=rita, now=now)
        assert selectors.has_role(other, Role.REVIEWER, now)
