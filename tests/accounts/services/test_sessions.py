from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.errors import ForeignPassword, SignInRefused, TooManyAttempts, WeakPassword, WrongPassword
from accounts.models import Person
from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from tests.factories.accounts import PASSWORD, PersonFactory, person_with, token_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita():
    return person_with(Role.REVIEWER, username="rita", password=PASSWORD)


@pytest.fixture
def request_of(rf, client):
    """A request with a session, from ``address``."""

    def make(address="192.0.2.1"):
        request = rf.post("/signin", REMOTE_ADDR=address)
        request.session = client.session
        request.user = AnonymousUser()
        return request

    return make


def signed_in(person):
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/me").status_code == 200
    return client


class TestSignIn:
    def test_name_and_password_begin_a_session(self, rita, request_of):
        request = request_of()
        assert services.sign_in(request=request, username="rita", password=PASSWORD, now=timezone.now()) == rita
        assert request.user == rita
        assert request.session.get_expiry_date() <= timezone.now() + timedelta(hours=12)
        assert Record.objects.filter(verb=Verb.SIGNED_IN, actor_id=str(rita.pk)).count() == 1

    def test_the_name_is_read_as_it_looks(self, rita, request_of):
        found = services.sign_in(request=request_of(), username="ＲＩＴＡ", password=PASSWORD, now=timezone.now())
        assert found == rita

    def test_the_session_key_changes_so_that_a_planted_one_is_worth_nothing(self, rita, request_of):
        request = request_of()
        request.session["seen"] = True
        request.session.save()
        before = request.session.session_key
        services.sign_in(request=request, username="rita", password=PASSWORD, now=timezone.now())
        assert request.session.session_key != before
        assert not Session.objects.filter(session_key=before).exists()

    @pytest.mark.parametrize(
        ("username", "password"),
        [
            pytest.param("rita", "wrong", id="wrong-password"),
            pytest.param("rita", "", id="empty-password"),
            pytest.param("rita", "\0", id="nul-password"),
            pytest.param("nobody", PASSWORD, id="unknown-name"),
            pytest.param("", PASSWORD, id="empty-name"),
            pytest.param("rita\0", PASSWORD, id="nul-name"),
            pytest.param("*", PASSWORD, id="star"),
            pytest.param(")(uid=*", PASSWORD, id="filter"),
            pytest.param("r" * 10_000, PASSWORD, id="long-name"),
        ],
    )
    def test_refused_with_one_sentence_and_recorded(self, rita, request_of, username, password):
        request = request_of()
        with pytest.raises(SignInRefused) as refusal:
            services.sign_in(request=request, username=username, password=password, now=timezone.now())
        assert str(refusal.value) == "The name or the password is wrong, or the account is closed."
        assert "_auth_user_id" not in request.session
        assert Record.objects.filter(verb=Verb.SIGN_IN_REFUSED).count() == 1

    def test_a_closed_account_reads_the_same_as_a_wrong_password(self, request_of):
        PersonFactory("gone", password=PASSWORD, is_active=False)
        with pytest.raises(SignInRefused):
            services.sign_in(request=request_of(), username="gone", password=PASSWORD, now=timezone.now())

    def test_a_person_without_a_password_never_signs_in(self, request_of):
        PersonFactory("robot")
        with pytest.raises(SignInRefused):
            services.sign_in(request=request_of(), username="robot", password="!", now=timezone.now())

    def test_ten_failures_lock_this_name_from_this_address_alone(self, rita, request_of, settings):
        for name in ["rita", "RITA"] * (settings.AXES_FAILURE_LIMIT // 2):
            with pytest.raises((SignInRefused, TooManyAttempts)):
                services.sign_in(request=request_of(), username=name, password="wrong", now=timezone.now())
        with pytest.raises(TooManyAttempts):
            services.sign_in(request=request_of(), username="rita", password=PASSWORD, now=timezone.now())
        elsewhere = request_of("192.0.2.2")
        assert services.sign_in(request=elsewhere, username="rita", password=PASSWORD, now=timezone.now()) == rita


class TestTheEndOfASession:
    def test_use_does_not_move_it(self, rita, settings):
        client = signed_in(rita)
        end = client.session.get_expiry_date()
        assert end - timezone.now() <= timedelta(seconds=settings.SESSION_COOKIE_AGE)
        session = client.session
        session["touched"] = 1
        session.save()
        assert Session.objects.get().expire_date == end

    def test_at_its_end_nobody_is_signed_in(self, rita):
        client = signed_in(rita)
        session = client.session
        session.set_expiry(timezone.now() - timedelta(seconds=1))
        session.save()
        assert client.get("/api/v1/me").status_code == 401

    @pytest.mark.parametrize(
        "deed",
        [
            pytest.param(lambda rita, now: services.deactivate_person(person=rita, by=None, now=now), id="deactivated"),
            pytest.param(
                lambda rita, now: services.end_role(grant=rita.role_grants.get(), by=None, now=now), id="role-ended"
            ),
            pytest.param(
                lambda rita, now: services.change_password(
                    person=rita, old_password=PASSWORD, new_password="another long sentence", now=now
                ),
                id="password-changed",
            ),
            pytest.param(lambda rita, now: services.reset_password(person=rita, by=None, now=now), id="password-reset"),
        ],
    )
    def test_every_session_ends_with(self, rita, deed):
        clients = [signed_in(rita), signed_in(rita)]
        deed(rita, timezone.now())
        assert [client.get("/api/v1/me").status_code for client in clients] == [401, 401]

    def test_sessions_of_others_go_on(self, rita):
        other = signed_in(person_with(Role.VIEWER))
        services.reset_password(person=rita, by=None, now=timezone.now())
        assert other.get("/api/v1/me").status_code == 200


class TestSignOut:
    def test_the_session_is_gone_and_the_record_says_so(self, rita, request_of):
        request = request_of()
        services.sign_in(request=request, username="rita", password=PASSWORD, now=timezone.now())
        key = request.session.session_key
        services.sign_out(request=request, now=timezone.now())
        assert not Session.objects.filter(session_key=key).exists()
        assert Record.objects.filter(verb=Verb.SIGNED_OUT, actor_id=str(rita.pk)).exists()


class TestChangePassword:
    NEW = "another long sentence"

    def test_the_new_one_holds_and_is_no_longer_one_time(self, rita, now):
        Person.objects.filter(pk=rita.pk).update(must_change_password=True)
        services.change_password(person=rita, old_password=PASSWORD, new_password=self.NEW, now=now)
        rita.refresh_from_db()
        assert rita.check_password(self.NEW)
        assert not rita.must_change_password

    @pytest.mark.parametrize(
        ("old", "new", "error"),
        [
            pytest.param("wrong", NEW, WrongPassword, id="wrong"),
            pytest.param(PASSWORD, PASSWORD, WeakPassword, id="the-same"),
            pytest.param(PASSWORD, "short", WeakPassword, id="short"),
            pytest.param(PASSWORD, "", WeakPassword, id="empty"),
        ],
    )
    def test_refused_and_nothing_changed(self, rita, now, old, new, error):
        with pytest.raises(error):
            services.change_password(person=rita, old_password=old, new_password=new, now=now)
        rita.refresh_from_db()
        assert rita.check_password(PASSWORD)
        assert not Record.objects.exists()

    def test_what_the_directory_keeps_is_not_changed_here(self, now):
        rita = PersonFactory("rita", source="ldap", identity="ldap:1")
        with pytest.raises(ForeignPassword):
            services.change_password(person=rita, old_password="x", new_password=self.NEW, now=now)
        with pytest.raises(ForeignPassword):
            services.reset_password(person=rita, by=None, now=now)


class TestResetPassword:
    def test_tokens_end_too(self, rita):
        _, secret = token_for(rita)
        one_time = services.reset_password(person=rita, by=None, now=timezone.now())
        rita.refresh_from_db()
        assert rita.check_password(one_time)
        assert rita.must_change_password
        assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
