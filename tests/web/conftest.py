"""People to sign in as, and a client for each."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Person
from accounts.roles import Role
from tests.factories.accounts import PersonFactory, person_with
from tests.web.world import World, build


@pytest.fixture
def admin(db) -> Person:
    return person_with(Role.PLATFORM_ADMIN, username="ada")


@pytest.fixture
def reviewer(db) -> Person:
    return person_with(Role.REVIEWER, username="rita")


@pytest.fixture
def viewer(db) -> Person:
    return person_with(Role.VIEWER, username="vic")


@pytest.fixture
def nobody(db) -> Person:
    return PersonFactory("nora")


@pytest.fixture
def signed_in() -> Callable[[Person], Client]:
    """A client with the session of a person."""

    def make(person: Person) -> Client:
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def world(db) -> World:
    return build()
