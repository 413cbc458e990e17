"""Signing in and out, the password page, the colours."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from tests.factories.accounts import PASSWORD, PersonFactory, person_with

pytestmark = pytest.mark.django_db


class TestSignIn:
    def test_goes_where_the_person_wanted_to_go(self):
        person_with(Role.VIEWER, username="vic", password=PASSWORD)
        answer = Client().post("/signin", {"username": "vic", "password": PASSWORD, "next": "/jobs?state=failed"})
        assert (answer.status_code, answer["Location"]) == (302, "/jobs?state=failed")

    @pytest.mark.parametrize("wanted", ["//evil.example/x", "https://evil.example/", "javascript:alert(1)"])
    def test_never_leads_to_another_site(self, wanted):
        person_with(Role.VIEWER, username="vic", password=PASSWORD)
        answer = Client().post("/signin", {"username": "vic", "password": PASSWORD, "next": wanted})
        assert answer["Location"] == "/"

    def test_says_why_not_and_what_to_do(self):
        PersonFactory("vic", password=PASSWORD)
        answer = Client().post("/signin", {"username": "vic", "password": "wrong"})
        assert answer.status_code == 403
        assert "The name or the password is wrong" in answer.content.decode()

    def test_needs_the_token_of_the_form(self):
        PersonFactory("vic", password=PASSWORD)
        answer = Client(enforce_csrf_checks=True).post("/signin", {"username": "vic", "password": PASSWORD})
        assert answer.status_code == 403
        assert "The form is out of date" in answer.content.decode()

    def test_leads_to_the_password_first_when_it_is_a_one_time_one(self, signed_in):
        person_with(Role.VIEWER, username="vic", password=PASSWORD, must_change_password=True)
        client = Client()
        answer = client.post("/signin", {"username": "vic", "password": PASSWORD, "next": "/jobs"})
        assert answer["Location"] == "/password"
        assert client.get("/jobs")["Location"] == "/password"


class TestSignOut:
    def test_ends_the_session(self, viewer, signed_in):
        client = signed_in(viewer)
        client.post("/signout")
        assert client.get("/jobs").status_code == 302

    def test_is_no_link(self, viewer, signed_in):
        assert signed_in(viewer).get("/signout").status_code == 405


class TestPassword:
    def test_changes_and_the_session_goes_on(self):
        person_with(Role.VIEWER, username="vic", password=PASSWORD, must_change_password=True)
        client = Client()
        client.post("/signin", {"username": "vic", "password": PASSWORD})
        new = "nine purple gates at dawn"
        answer = client.post("/password", {"old_password": PASSWORD, "new_password": new, "again": new})
        assert answer["Location"] == "/"
        assert client.get("/jobs").status_code == 200

    def test_refuses_at_the_field(self):
        PersonFactory("vic", password=PASSWORD)
        client = Client()
        client.post("/signin", {"username": "vic", "password": PASSWORD})
        answer = client.post("/password", {"old_password": PASSWORD, "new_password": "a" * 14, "again": "b"})
        page = answer.content.decode()
        assert answer.status_code == 400
        assert 'aria-invalid="true"' in page
        assert "The two new passwords differ." in page


class TestTheme:
    def test_is_kept_and_written_by_the_server(self, viewer, signed_in):
        client = signed_in(viewer)
        client.post(reverse("web:theme"), {"theme": "dark", "next": "/jobs"})
        assert '<html lang="en" data-theme="dark" data-bs-theme="dark">' in client.get("/jobs").content.decode()

    def test_follows_the_system_when_it_is_none_of_ours(self, viewer, signed_in):
        client = signed_in(viewer)
        client.cookies["goldgate_theme"] = '"><script>'
        assert '<html lang="en" data-theme="system">' in client.get("/jobs").content.decode()
