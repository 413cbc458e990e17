from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts import selectors, services
from accounts.errors import (
    BadName,
    LastAdministrator,
    LinkRefused,
    NameTaken,
    NotAnAdministrator,
    PersonInactive,
    WeakPassword,
)
from accounts.models import Person, RoleGrant
from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from tests.factories.accounts import PersonFactory, person_with, token_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return person_with(Role.PLATFORM_ADMIN, username="ada")


class TestCreatePerson:
    def test_the_one_time_password_works_and_must_be_changed(self, admin, now):
        made = services.create_person(username="rita", by=admin, now=now)
        assert made.person.check_password(made.one_time_password)
        assert made.person.must_change_password

    def test_who_made_the_account_is_kept(self, admin, now):
        made = services.create_person(username="rita", by=admin, now=now)
        assert selectors.created_by_of(Person.objects.get(pk=made.person.pk)) == admin

    def test_the_record_says_it_without_the_password(self, admin, now):
        made = services.create_person(username="rita", by=admin, now=now)
        record = Record.objects.get(verb=Verb.PERSON_CREATED)
        assert (record.actor_id, record.subject_id) == (str(admin.pk), str(made.person.pk))
        assert made.one_time_password not in str(record.body())

    def test_a_new_person_holds_no_role(self, admin, now):
        made = services.create_person(username="rita", by=admin, now=now)
        assert selectors.roles_of(made.person, now) == frozenset()

    @pytest.mark.parametrize("name", ["ADMIN", "ＡＤＭＩＮ", "admin"])
    def test_a_name_that_reads_like_another_is_refused(self, now, name):
        PersonFactory("admin")
        with pytest.raises(NameTaken):
            services.create_person(username=name, now=now)
        assert Person.objects.count() == 1

    def test_a_name_with_hidden_characters_is_refused(self, now):
        with pytest.raises(BadName):
            services.create_person(username="ri\u200bta", now=now)

    @pytest.mark.parametrize("password", ["short", "1qaz2wsx3edc", "rita-the-reviewer"])
    def test_a_password_that_would_be_guessed_is_refused(self, now, password):
        with pytest.raises(WeakPassword):
            services.create_person(username="rita-the-reviewer", password=password, now=now)
        assert not Person.objects.exists()

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_ADMIN])
    def test_nobody_but_an_administrator_makes_accounts(self, now, role):
        with pytest.raises(NotAnAdministrator):
            services.create_person(username="rita", by=person_with(role), now=now)
        assert not Person.objects.filter(username="rita").exists()
        assert not Record.objects.exists()

    def test_an_administrator_of_yesterday_makes_no_accounts(self, admin, now):
        RoleGrant.objects.filter(person=admin).update(ends_at=now)
        with pytest.raises(NotAnAdministrator):
            services.create_person(username="rita", by=admin, now=now)


class TestDeactivatePerson:
    def test_roles_tokens_and_sessions_end(self, admin, now):
        rita = person_with(Role.REVIEWER, username="rita")
        _, secret = token_for(rita)
        before = rita.get_session_auth_hash()
        services.deactivate_person(person=rita, by=admin, now=now)
        rita.refresh_from_db()
        assert not rita.is_active
        assert selectors.roles_of(rita, now) == frozenset()
        assert selectors.live_token(secret, now) is None
        assert rita.get_session_auth_hash() != before

    def test_an_account_opened_again_has_no_roles_and_a_new_password(self, admin, now):
        rita = person_with(Role.REVIEWER, username="rita", password="old password of rita")
        services.deactivate_person(person=rita, by=admin, now=now)
        made = services.reactivate_person(person=rita, by=admin, now=now + timedelta(days=1))
        assert selectors.roles_of(made.person, now + timedelta(days=1)) == frozenset()
        assert not made.person.check_password("old password of rita")
        assert made.person.check_password(made.one_time_password)

    def test_a_role_that_has_not_begun_never_does(self, admin, now):
        rita = PersonFactory("rita")
        later = now + timedelta(days=7)
        services.grant_role(person=rita, role=Role.REVIEWER, by=admin, now=now, starts_at=later)
        services.deactivate_person(person=rita, by=admin, now=now)
        services.reactivate_person(person=rita, by=admin, now=now)
        rita.refresh_from_db()
        assert not selectors.has_role(rita, Role.REVIEWER, later + timedelta(days=1))

    def test_the_last_administrator_stays(self, admin, now):
        with pytest.raises(LastAdministrator):
            services.deactivate_person(person=admin, by=admin, now=now)
        admin.refresh_from_db()
        assert admin.is_active

    def test_an_administrator_for_a_time_is_not_enough(self, admin, now):
        other = PersonFactory("bob")
        services.grant_role(person=other, role=Role.PLATFORM_ADMIN, by=admin, now=now, ends_at=now + timedelta(days=1))
        with pytest.raises(LastAdministrator):
            services.deactivate_person(person=admin, by=admin, now=now)

    def test_with_another_administrator_one_may_go(self, admin, now):
        other = person_with(Role.PLATFORM_ADMIN)
        services.deactivate_person(person=admin, by=other, now=now)
        assert selectors.roles_of(Person.objects.get(pk=admin.pk), now) == frozenset()

    def test_twice_is_refused(self, admin, now):
        rita = PersonFactory("rita", is_active=False)
        with pytest.raises(PersonInactive):
            services.deactivate_person(person=rita, by=admin, now=now)

    def test_a_reviewer_closes_no_account(self, now):
        with pytest.raises(NotAnAdministrator):
            services.deactivate_person(person=PersonFactory("rita"), by=person_with(Role.REVIEWER), now=now)


class TestLinkAccounts:
    def test_linked_accounts_are_one_person(self, admin, now):
        rita, second = PersonFactory("rita"), PersonFactory("rita-second")
        services.link_accounts(person=second, same_person_as=rita, by=admin, now=now)
        second.refresh_from_db()
        assert selectors.identity_of(second) == selectors.identity_of(rita)

    def test_accounts_linked_to_a_linked_one_follow(self, admin, now):
        one, two, three = PersonFactory("one"), PersonFactory("two"), PersonFactory("three")
        services.link_accounts(person=three, same_person_as=two, by=admin, now=now)
        services.link_accounts(person=Person.objects.get(pk=two.pk), same_person_as=one, by=admin, now=now)
        people = Person.objects.select_related("same_person_as")
        assert len(selectors.identities_of(people.exclude(pk=admin.pk))) == 1

    def test_an_account_is_not_linked_to_itself(self, admin, now):
        rita = PersonFactory("rita")
        with pytest.raises(LinkRefused):
            services.link_accounts(person=rita, same_person_as=rita, by=admin, now=now)

    def test_a_ring_is_refused(self, admin, now):
        one, two = PersonFactory("one"), PersonFactory("two")
        services.link_accounts(person=two, same_person_as=one, by=admin, now=now)
        with pytest.raises(LinkRefused):
            services.link_accounts(person=one, same_person_as=Person.objects.get(pk=two.pk), by=admin, now=now)

    def test_a_linked_account_is_not_linked_elsewhere(self, admin, now):
        one, two, three = PersonFactory("one"), PersonFactory("two"), PersonFactory("three")
        services.link_accounts(person=two, same_person_as=one, by=admin, now=now)
        with pytest.raises(LinkRefused):
            services.link_accounts(person=Person.objects.get(pk=two.pk), same_person_as=three, by=admin, now=now)

    def test_only_an_administrator_links(self, now):
        with pytest.raises(NotAnAdministrator):
            services.link_accounts(
                person=PersonFactory(), same_person_as=PersonFactory(), by=person_with(Role.AUDITOR), now=now
            )


class TestTheDatabaseItself:
    """Legality that does not depend on the services (each writes past them)."""

    def test_two_names_that_fold_together_cannot_both_exist(self):
        PersonFactory("admin")
        with pytest.raises(IntegrityError, match="person_name_unique"), transaction.atomic():
            PersonFactory("ADMIN")

    def test_a_role_that_is_none_cannot_be_granted(self, now):
        with pytest.raises(IntegrityError, match="role_grant_role_known"), transaction.atomic():
            RoleGrant.objects.create(person=PersonFactory(), role="superuser", starts_at=now)

    def test_a_role_does_not_end_before_it_begins(self, now):
        with pytest.raises(IntegrityError, match="role_grant_ends_after_start"), transaction.atomic():
            RoleGrant.objects.create(
                person=PersonFactory(), role=Role.VIEWER, starts_at=now, ends_at=now - timedelta(seconds=1)
            )

    def test_a_person_is_not_linked_to_itself(self):
        rita = PersonFactory("rita")
        with pytest.raises(IntegrityError, match="person_not_linked_to_itself"), transaction.atomic():
            Person.objects.filter(pk=rita.pk).update(same_person_as=rita)

    def test_a_closed_account_says_since_when(self):
        rita = PersonFactory("rita")
        with pytest.raises(IntegrityError, match="person_inactive_since"), transaction.atomic():
            Person.objects.filter(pk=rita.pk).update(is_active=False)

    def test_two_accounts_of_one_directory_entry_cannot_exist(self):
        PersonFactory("a", source="ldap", identity="ldap:1")
        with pytest.raises(IntegrityError, match="person_ldap_identity_unique"), transaction.atomic():
            PersonFactory("b", source="ldap", identity="ldap:1")
