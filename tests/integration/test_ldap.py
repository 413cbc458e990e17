"""Sign-in by LDAP against a real slapd over StartTLS."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

pytest.importorskip("django_auth_ldap", reason="requirements-ldap.txt is not installed")

from accounts import selectors, services
from accounts.errors import SignInRefused
from accounts.models import Person, RoleGrant
from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from portal.settings.environment import SettingMissing
from portal.settings.integrations import ldap as integration
from tests.factories.accounts import PASSWORD, PersonFactory, person_with, token_for
from tests.integration import slapd as real

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

RITAS = "the password of rita"
REVIEWERS = f"cn=reviewers,{real.GROUPS}"
VIEWERS = f"cn=viewers,{real.GROUPS}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = real.new_slapd(tmp_path_factory.mktemp("slapd"))
    yield server
    server.stop()


@pytest.fixture
def rita_dn(server):
    """One person in both groups; gone again after the test, whatever it did."""
    cache.clear()
    dn = server.add_person("rita", RITAS, displayName="Rita Roe")
    server.add(REVIEWERS, objectClass="groupOfNames", cn="reviewers", member=dn)
    server.add(VIEWERS, objectClass="groupOfUniqueNames", cn="viewers", uniqueMember=dn)
    yield dn
    if server.process is None:
        server.start()
    for entry in (REVIEWERS, VIEWERS, dn, f"uid=rita.roe,{real.PEOPLE}"):
        try:
            server.delete(entry)
        except real.ldap.NO_SUCH_OBJECT:
            continue


@pytest.fixture
def variables(server, monkeypatch, tmp_path):
    """The environment as docs/how-to/ldap.md sets it."""
    password = tmp_path / "bind-password"
    password.write_text(real.READER_PASSWORD + "\n")
    values = {
        "GOLDGATE_LDAP_URI": server.uri,
        "GOLDGATE_LDAP_BIND_DN": real.READER_DN,
        "GOLDGATE_LDAP_BIND_PASSWORD_FILE": str(password),
        "GOLDGATE_LDAP_USER_BASE": real.PEOPLE,
        "GOLDGATE_LDAP_CA_FILE": str(server.home / "ca.pem"),
        "GOLDGATE_LDAP_GROUP_ROLES": json.dumps({REVIEWERS: "reviewer", VIEWERS: ["viewer"]}),
        "GOLDGATE_LDAP_REFRESH_SECONDS": "300",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def configured(variables, settings):
    for name, value in integration.configured().items():
        setattr(settings, name, value)
    return settings


def sign_in(username, password):
    """A browser that sends name and password; signed in afterwards, or SignInRefused."""
    client = Client(raise_request_exception=False)
    request = client.get("/livez").wsgi_request
    request.session = client.session
    services.sign_in(request=request, username=username, password=password, now=timezone.now())
    request.session.save()
    client.cookies["goldgate_session"] = request.session.session_key
    return client


def pass_time(person, **age):
    """As if the directory had been asked this long ago."""
    Person.objects.filter(pk=person.pk).update(directory_checked_at=timezone.now() - timedelta(**age))


@pytest.mark.usefixtures("configured", "rita_dn")
class TestSignIn:
    def test_the_directorys_password_signs_in_and_brings_name_mail_and_roles(self):
        client = sign_in("rita", RITAS)
        body = client.get("/api/v1/me").json()
        assert (body["username"], body["display_name"], body["email"]) == ("rita", "Rita Roe", "rita@example.org")
        assert (body["source"], body["roles"]) == ("ldap", ["reviewer", "viewer"])

    def test_no_password_of_the_directory_is_kept_here(self):
        sign_in("rita", RITAS)
        assert not Person.objects.get().has_usable_password()

    def test_who_it_is_follows_from_what_never_changes_in_the_directory(self):
        sign_in("rita", RITAS)
        assert selectors.identity_of(Person.objects.get()).startswith("ldap:")
        assert "rita" not in selectors.identity_of(Person.objects.get())

    def test_a_second_time_it_is_the_same_account(self):
        sign_in("rita", RITAS)
        sign_in("RITA", RITAS)
        assert Person.objects.count() == 1
        assert Record.objects.filter(verb=Verb.ROLE_GRANTED).count() == 2

    @pytest.mark.parametrize(
        ("username", "password"),
        [
            pytest.param("rita", "wrong", id="wrong"),
            pytest.param("rita", "", id="empty-password-binds-as-nobody"),
            pytest.param("rita", "\0", id="nul-password"),
            pytest.param("", RITAS, id="empty-name"),
            pytest.param("*", RITAS, id="star"),
            pytest.param("r*", RITAS, id="prefix-star"),
            pytest.param(")(uid=*", RITAS, id="filter"),
            pytest.param("rita)(|(uid=*", RITAS, id="filter-or"),
            pytest.param("rita\\2a", RITAS, id="escape"),
            pytest.param("%(user)s", RITAS, id="format"),
            pytest.param("nobody", RITAS, id="unknown"),
            pytest.param(f"uid=rita,{real.PEOPLE}", RITAS, id="dn"),
            pytest.param("goldgate", real.READER_PASSWORD, id="outside-the-base"),
        ],
    )
    def test_refused_and_no_account_made(self, username, password):
        with pytest.raises(SignInRefused):
            sign_in(username, password)
        assert not Person.objects.exists()

    def test_two_entries_of_one_name_are_nobody(self, server):
        dn = f"cn=double,{real.PEOPLE}"
        server.add(dn, objectClass="inetOrgPerson", cn="double", sn="x", uid="rita", userPassword=RITAS)
        try:
            with pytest.raises(SignInRefused):
                sign_in("rita", RITAS)
        finally:
            server.delete(dn)


@pytest.mark.usefixtures("configured")
class TestAccountsOfTheSameName:
    @pytest.mark.parametrize("name", ["rita", "RITA", "ｒｉｔａ"])
    def test_an_account_kept_here_is_not_taken_over(self, rita_dn, name):
        local = PersonFactory("rita", password=PASSWORD)
        with pytest.raises(SignInRefused):
            sign_in(name, RITAS)
        local.refresh_from_db()
        assert (Person.objects.count(), local.source, local.identity) == (1, "local", "")

    def test_its_own_password_still_signs_in_and_is_not_shown_to_the_directory(self, server, rita_dn):
        PersonFactory("rita", password=PASSWORD)
        server.stop()
        sign_in("rita", PASSWORD)

    def test_a_new_person_of_an_old_name_is_somebody_else(self, server, rita_dn):
        """Rita leaves, another Rita gets her uid: not her account, nor her roles."""
        sign_in("rita", RITAS)
        server.delete(rita_dn)
        server.add_person("rita", "the new one's password")
        with pytest.raises(SignInRefused):
            sign_in("rita", "the new one's password")
        assert Person.objects.count() == 1

    def test_a_person_renamed_in_the_directory_stays_the_same(self, server, rita_dn):
        sign_in("rita", RITAS)
        before = Person.objects.get()
        server.rename(rita_dn, "uid=rita.roe")
        sign_in("rita.roe", RITAS)
        after = Person.objects.get()
        assert (after.pk, after.username) == (before.pk, "rita.roe")

    def test_a_mail_of_somebody_else_links_nothing(self, server, rita_dn):
        PersonFactory("boss", email="rita@example.org")
        sign_in("rita", RITAS)
        assert Person.objects.count() == 2

    def test_an_account_that_an_administrator_closed_stays_closed(self, rita_dn):
        sign_in("rita", RITAS)
        services.deactivate_person(person=Person.objects.get(), by=None, now=timezone.now())
        with pytest.raises(SignInRefused):
            sign_in("rita", RITAS)


@pytest.mark.usefixtures("configured")
class TestWhatChangesInTheDirectory:
    def test_a_group_left_ends_the_role_at_the_next_sign_in(self, server, rita_dn):
        sign_in("rita", RITAS)
        server.delete(REVIEWERS)
        sign_in("rita", RITAS)
        assert selectors.roles_of(Person.objects.get(), timezone.now()) == {Role.VIEWER}

    def test_and_at_the_next_request_once_the_time_is_up(self, server, rita_dn):
        client = sign_in("rita", RITAS)
        server.delete(REVIEWERS)
        assert client.get("/api/v1/me").json()["roles"] == ["reviewer", "viewer"]
        pass_time(Person.objects.get(), seconds=301)
        assert client.get("/api/v1/me").status_code == 401
        assert selectors.roles_of(Person.objects.get(), timezone.now()) == {Role.VIEWER}

    def test_and_for_a_token_that_never_signs_in(self, server, rita_dn):
        sign_in("rita", RITAS)
        rita = Person.objects.get()
        _, secret = token_for(rita)
        robot = Client(headers={"Authorization": f"Bearer {secret}"})
        assert robot.get("/api/v1/people").status_code == 200
        server.delete(REVIEWERS)
        server.delete(VIEWERS)
        pass_time(rita, seconds=301)
        robot.get("/api/v1/people")
        assert robot.get("/api/v1/people").status_code == 403

    def test_a_group_joined_gives_the_role_without_ending_the_session(self, server, rita_dn):
        server.delete(REVIEWERS)
        client = sign_in("rita", RITAS)
        server.add(REVIEWERS, objectClass="groupOfNames", cn="reviewers", member=rita_dn)
        pass_time(Person.objects.get(), seconds=301)
        assert client.get("/api/v1/me").json()["roles"] == ["reviewer", "viewer"]

    def test_a_role_granted_here_is_left_alone(self, server, rita_dn):
        sign_in("rita", RITAS)
        rita = Person.objects.get()
        services.grant_role(person=rita, role=Role.AUDITOR, by=None, now=timezone.now())
        server.delete(REVIEWERS)
        sign_in("rita", RITAS)
        assert selectors.roles_of(rita, timezone.now()) == {Role.VIEWER, Role.AUDITOR}

    def test_whoever_left_is_deactivated(self, server, rita_dn):
        client = sign_in("rita", RITAS)
        rita = Person.objects.get()
        _, secret = token_for(rita)
        server.delete(rita_dn)
        pass_time(rita, seconds=301)
        assert client.get("/api/v1/me").status_code == 401
        rita.refresh_from_db()
        assert not rita.is_active
        assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401

    def test_nothing_is_asked_before_the_time_is_up(self, server, rita_dn):
        client = sign_in("rita", RITAS)
        server.stop()
        assert client.get("/api/v1/me").status_code == 200

    def test_while_it_does_not_answer_its_last_word_holds_for_a_day(self, server, rita_dn):
        client = sign_in("rita", RITAS)
        rita = Person.objects.get()
        server.stop()
        pass_time(rita, hours=23)
        assert client.get("/api/v1/me").json()["roles"] == ["reviewer", "viewer"]
        pass_time(rita, hours=25)
        assert client.get("/api/v1/me").status_code == 401
        rita.refresh_from_db()
        assert rita.is_active

    def test_and_nobody_signs_in_by_it(self, server, rita_dn):
        server.stop()
        with pytest.raises(SignInRefused):
            sign_in("rita", RITAS)

    def test_an_account_of_the_portal_that_may_read_nothing_closes_nobody_by_mistake(self, server, rita_dn, configured):
        client = sign_in("rita", RITAS)
        rita = Person.objects.get()
        configured.AUTH_LDAP_BIND_PASSWORD = "no longer right"
        pass_time(rita, hours=1)
        assert client.get("/api/v1/me").status_code == 200
        rita.refresh_from_db()
        assert rita.is_active

    def test_switched_off_nobody_is_vouched_for(self, rita_dn, configured):
        client = sign_in("rita", RITAS)
        _, secret = token_for(Person.objects.get())
        configured.GOLDGATE_LDAP_URI = ""
        configured.AUTHENTICATION_BACKENDS = configured.AUTHENTICATION_BACKENDS[:2]
        assert client.get("/api/v1/me").status_code == 401
        assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401

    def test_the_last_administrator_who_leaves_gets_in_no_more_and_is_not_lost(self, server, rita_dn):
        client = sign_in("rita", RITAS)
        rita = Person.objects.get()
        RoleGrant.objects.create(person=rita, role=Role.PLATFORM_ADMIN, starts_at=timezone.now())
        server.delete(rita_dn)
        pass_time(rita, seconds=301)
        assert client.get("/api/v1/me").status_code == 401
        person_with(Role.PLATFORM_ADMIN)
        with pytest.raises(SignInRefused):
            sign_in("rita", RITAS)


class TestTransport:
    def test_a_certificate_that_nobody_we_know_signed_is_refused(self, variables, settings, rita_dn, tmp_path):
        other = tmp_path / "other"
        other.mkdir()
        real._certificates(other)
        variables.setenv("GOLDGATE_LDAP_CA_FILE", str(other / "ca.pem"))
        for name, value in integration.configured().items():
            setattr(settings, name, value)
        with pytest.raises(SignInRefused):
            sign_in("rita", RITAS)

    def test_referrals_are_not_followed(self, configured):
        import ldap

        assert configured.AUTH_LDAP_CONNECTION_OPTIONS[ldap.OPT_REFERRALS] == 0


class TestConfigured:
    def test_starttls_is_on_unless_the_address_brings_tls_itself(self, variables):
        assert integration.configured()["AUTH_LDAP_START_TLS"] is True
        variables.setenv("GOLDGATE_LDAP_URI", "ldaps://directory.example")
        assert integration.configured()["AUTH_LDAP_START_TLS"] is False

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            pytest.param("GOLDGATE_LDAP_USER_FILTER", "(objectClass=*)", id="finds-everybody"),
            pytest.param("GOLDGATE_LDAP_USER_FILTER", "(uid=%s)", id="unnamed-place"),
            pytest.param("GOLDGATE_LDAP_GROUP_ROLES", "reviewers=reviewer", id="not-json"),
            pytest.param("GOLDGATE_LDAP_GROUP_ROLES", "[]", id="no-object"),
            pytest.param("GOLDGATE_LDAP_GROUP_ROLES", '{"cn=a": "superuser"}', id="no-such-role"),
            pytest.param("GOLDGATE_LDAP_BIND_PASSWORD_FILE", "/nowhere", id="no-password-file"),
            pytest.param("GOLDGATE_LDAP_START_TLS", "yes", id="no-flag"),
        ],
    )
    def test_a_setting_that_cannot_be_right_stops_the_start(self, variables, name, value):
        variables.setenv(name, value)
        with pytest.raises(SettingMissing, match=name.removesuffix("_FILE")):
            integration.configured()

    def test_without_a_base_nothing_starts(self, variables):
        variables.delenv("GOLDGATE_LDAP_USER_BASE")
        with pytest.raises(SettingMissing, match="GOLDGATE_LDAP_USER_BASE"):
            integration.configured()
