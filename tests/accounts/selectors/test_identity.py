import pytest

from accounts import selectors
from accounts.models import Person
from tests.factories.accounts import PersonFactory

pytestmark = pytest.mark.django_db


class TestIdentityOf:
    def test_two_accounts_are_two_people_unless_said_otherwise(self):
        assert selectors.identity_of(PersonFactory()) != selectors.identity_of(PersonFactory())

    def test_the_directory_names_the_person(self):
        rita = PersonFactory("rita", source="ldap", identity="ldap:5f0c")
        assert selectors.identity_of(rita) == "ldap:5f0c"

    def test_a_local_account_with_a_directory_identity_is_the_same_person(self):
        rita = PersonFactory("rita", source="ldap", identity="ldap:5f0c")
        second = PersonFactory("rita-local", identity="ldap:5f0c")
        assert selectors.is_same_person(rita, second)

    def test_a_linked_account_has_the_identity_of_the_first(self):
        rita = PersonFactory("rita", source="ldap", identity="ldap:5f0c")
        second = PersonFactory("rita-local", same_person_as=rita)
        assert selectors.identity_of(second) == "ldap:5f0c"

    def test_a_changed_name_or_mail_changes_nobody(self):
        rita = PersonFactory("rita", email="rita@example.com")
        before = selectors.identity_of(rita)
        Person.objects.filter(pk=rita.pk).update(username="r", username_folded="r", email="other@example.com")
        assert selectors.identity_of(Person.objects.get(pk=rita.pk)) == before


class TestIsCreationOf:
    def test_an_account_is_a_creation_of_its_maker(self):
        ada = PersonFactory("ada")
        rita = PersonFactory("rita", created_by=ada)
        assert selectors.is_creation_of(rita, ada)
        assert not selectors.is_creation_of(ada, rita)

    def test_through_an_account_in_between(self):
        ada = PersonFactory("ada")
        between = PersonFactory("between", created_by=ada)
        rita = PersonFactory("rita", created_by=between)
        assert selectors.is_creation_of(rita, ada)

    def test_strangers_are_not(self):
        assert not selectors.is_creation_of(PersonFactory(), PersonFactory())
