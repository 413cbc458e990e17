import pytest

from accounts import selectors, services
from accounts.errors import AlreadyMember, NameTaken, NotAnAdministrator, NotMember, PersonInactive
from accounts.models import Membership, Team
from accounts.roles import Role
from audit.models import Record
from tests.factories.accounts import PersonFactory, TeamFactory, person_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return person_with(Role.PLATFORM_ADMIN)


class TestTeams:
    def test_made_joined_and_left(self, admin, now):
        rita = PersonFactory("rita")
        team = services.create_team(name="Payments", by=admin, now=now)
        services.add_member(team=team, person=rita, by=admin, now=now)
        assert selectors.is_member(rita, team)
        services.remove_member(team=team, person=rita, by=admin, now=now)
        assert not selectors.is_member(rita, team)
        verbs = list(Record.objects.order_by("id").values_list("verb", flat=True))
        assert verbs == ["team.created", "member.added", "member.removed"]

    def test_a_name_that_reads_the_same_is_taken(self, admin, now):
        TeamFactory("payments")
        with pytest.raises(NameTaken):
            services.create_team(name="PAYMENTS", by=admin, now=now)
        assert Team.objects.count() == 1

    def test_nobody_is_in_a_team_twice(self, admin, now):
        rita = PersonFactory("rita")
        team = TeamFactory("payments", rita)
        with pytest.raises(AlreadyMember):
            services.add_member(team=team, person=rita, by=admin, now=now)
        assert Membership.objects.count() == 1

    def test_who_is_not_in_it_cannot_be_removed(self, admin, now):
        with pytest.raises(NotMember):
            services.remove_member(team=TeamFactory(), person=PersonFactory(), by=admin, now=now)
        assert not Record.objects.exists()

    def test_a_closed_account_joins_none(self, admin, now):
        with pytest.raises(PersonInactive):
            services.add_member(team=TeamFactory(), person=PersonFactory(is_active=False), by=admin, now=now)

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_ADMIN])
    def test_only_an_administrator_changes_teams(self, now, role):
        somebody = person_with(role)
        rita = PersonFactory()
        team = TeamFactory("payments", rita)
        with pytest.raises(NotAnAdministrator):
            services.create_team(name="search", by=somebody, now=now)
        with pytest.raises(NotAnAdministrator):
            services.add_member(team=team, person=somebody, by=somebody, now=now)
        with pytest.raises(NotAnAdministrator):
            services.remove_member(team=team, person=rita, by=somebody, now=now)
        assert list(Membership.objects.values_list("person", flat=True)) == [rita.pk]
