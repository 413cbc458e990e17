import pytest
from django.test import Client

from portal import access
from tests.portal import probe


@pytest.fixture
def probed(monkeypatch, settings):
    """The addresses of ``tests/portal/probe.py`` in place of the portal's."""
    settings.ROOT_URLCONF = "tests.portal.probe"
    # Pages of errors without the portal's frame, whose links lead to pages that are not here.
    errors = {"400.html": "unreadable", "403.html": "refused", "404.html": "nothing here", "500.html": "went wrong"}
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", errors)]},
        }
    ]
    for name in list(access.ROUTES):
        monkeypatch.delitem(access.ROUTES, name)
    for name, row in probe.ROWS.items():
        monkeypatch.setitem(access.ROUTES, name, row)


@pytest.fixture
def as_person():
    """A browser in which somebody is signed in."""

    def make(person, **options):
        client = Client(raise_request_exception=False, **options)
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def with_token():
    """A program that calls with a bearer secret."""

    def make(secret):
        return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def anonymous():
    return Client(raise_request_exception=False)
