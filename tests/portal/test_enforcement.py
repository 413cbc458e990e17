"""The mechanism, on addresses of the tests' own. The real table is walked in test_access.py."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Person, RoleGrant, ServiceToken
from accounts.roles import Role, Scope
from tests.factories.accounts import PersonFactory, TeamFactory, person_with, token_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("probed")]

ECHO = "/api/v1/probe/echo"


class TestPages:
    def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(self, anonymous):
        answer = anonymous.get("/reviewers?state=open")
        assert (answer.status_code, answer["Location"]) == (302, "/signin?next=%2Freviewers%3Fstate%3Dopen")

    def test_a_form_sent_without_a_session_does_not_come_back(self, anonymous):
        answer = anonymous.post("/reviewers")
        assert (answer.status_code, answer["Location"]) == (303, "/signin")

    def test_a_part_of_a_page_moves_the_whole_page(self, anonymous):
        answer = anonymous.get("/reviewers", headers={"HX-Request": "true"})
        assert (answer.status_code, answer["HX-Redirect"]) == (200, "/signin")

    def test_the_role_opens(self, as_person):
        answer = as_person(person_with(Role.REVIEWER)).get("/reviewers")
        assert (answer.status_code, answer.content) == (200, b"GET ['reviewer']")

    def test_another_role_does_not(self, as_person):
        assert as_person(person_with(Role.PLATFORM_ADMIN)).get("/reviewers").status_code == 403

    def test_each_method_has_its_own_row(self, as_person):
        client = as_person(person_with(Role.SECURITY_REVIEWER))
        assert client.get("/reviewers").status_code == 200
        assert client.post("/reviewers").status_code == 403

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
    def test_a_method_that_the_row_does_not_name_is_refused(self, as_person, method):
        answer = as_person(person_with(Role.REVIEWER)).generic(method, "/reviewers")
        assert answer.status_code == 405
        assert answer["Allow"] == "GET, POST, HEAD"

    def test_head_is_get(self, as_person):
        assert as_person(person_with(Role.REVIEWER)).head("/reviewers").status_code == 200

    @pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    def test_no_header_makes_a_get_a_post(self, as_person, header):
        client = as_person(person_with(Role.REVIEWER))
        assert client.get("/reviewers", headers={header: "POST"}).content.startswith(b"GET")
        assert as_person(person_with(Role.VIEWER)).post("/reviewers", headers={header: "GET"}).status_code == 403
        assert client.post("/reviewers", {"_method": "GET"}).content.startswith(b"POST")

    def test_without_a_row_nobody_gets_in(self, as_person):
        assert as_person(person_with(*Role)).get("/no-row").status_code == 403

    def test_no_page_is_opened_by_a_token(self, with_token):
        _, secret = token_for(person_with(*Role))
        assert with_token(secret).get("/reviewers").status_code == 302

    @pytest.mark.parametrize("header", ["Remote-User", "X-Remote-User", "X-Forwarded-User", "X-Goldgate-Role"])
    def test_no_header_says_who_one_is(self, anonymous, header):
        person_with(*Role, username="ada")
        assert anonymous.get("/anybody", headers={header: "ada"}).status_code == 302

    def test_a_one_time_password_leads_to_its_change_alone(self, as_person):
        client = as_person(person_with(*Role, must_change_password=True))
        answer = client.get("/reviewers")
        assert (answer.status_code, answer["Location"]) == (302, "/password")
        assert client.get("/password").status_code == 200
        assert client.post("/signout").status_code == 200
        assert client.get(ECHO).json()["code"] == "password_change_needed"


class TestTheMoment:
    """Roles, accounts and tokens are looked at in every request."""

    def test_a_role_that_ran_out_opens_nothing(self, as_person):
        rita = person_with(Role.REVIEWER)
        client = as_person(rita)
        assert client.get("/reviewers").status_code == 200
        RoleGrant.objects.filter(person=rita).update(ends_at=timezone.now())
        assert client.get("/reviewers").status_code == 403
        assert client.get(ECHO).status_code == 403

    def test_a_role_of_tomorrow_opens_nothing_today(self, as_person):
        rita = PersonFactory()
        RoleGrant.objects.create(person=rita, role=Role.REVIEWER, starts_at=timezone.now() + timedelta(days=1))
        assert as_person(rita).get("/reviewers").status_code == 403

    def test_a_closed_account_with_a_living_session_is_nobody(self, as_person):
        rita = person_with(Role.REVIEWER)
        client = as_person(rita)
        Person.objects.filter(pk=rita.pk).update(is_active=False, deactivated_at=timezone.now())
        assert client.get("/reviewers").status_code == 302
        assert client.get(ECHO).status_code == 401

    def test_a_role_for_one_team_counts_only_where_the_row_says_so(self, as_person):
        client = as_person(person_with(Role.REVIEWER, team=TeamFactory()))
        assert client.get("/api/v1/probe/team").status_code == 200
        assert client.get("/api/v1/probe/not-team").status_code == 403


class TestTheApi:
    def test_nobody_is_401_and_told_how(self, anonymous):
        answer = anonymous.get(ECHO)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="goldgate"')
        assert answer["Content-Type"] == "application/problem+json"

    def test_the_wrong_role_is_403_and_told_which(self, as_person):
        answer = as_person(person_with(Role.VIEWER)).post(ECHO, {}, content_type="application/json")
        assert (answer.status_code, answer.json()["detail"]) == (403, "This needs the role reviewer.")

    def test_a_refused_body_is_not_even_read(self, as_person):
        answer = as_person(person_with(Role.VIEWER)).post(ECHO, "{", content_type="application/json")
        assert answer.status_code == 403

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_a_method_without_a_row_is_405(self, as_person, method):
        answer = as_person(person_with(*Role)).generic(method, ECHO)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, POST, HEAD")

    def test_head_is_get(self, as_person, anonymous):
        assert as_person(person_with(Role.VIEWER)).head(ECHO).status_code == 200
        assert anonymous.head(ECHO).status_code == 401

    def test_without_a_row_nobody_gets_in(self, as_person):
        answer = as_person(person_with(*Role)).get("/api/v1/probe/no-row")
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")

    def test_a_view_that_steps_around_the_table_is_refused(self, anonymous, as_person):
        assert anonymous.get("/api/v1/probe/steps-around").status_code == 403
        assert as_person(person_with(*Role)).get("/api/v1/probe/steps-around").status_code == 403

    def test_a_function_under_api_answers_in_json(self, anonymous, as_person):
        assert anonymous.get("/api/v1/probe/function").status_code == 401
        assert anonymous.get("/api/v1/probe/function")["Content-Type"] == "application/problem+json"
        refused = as_person(PersonFactory()).post("/api/v1/probe/function")
        assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json")

    def test_nothing_is_kept_by_caches(self, as_person):
        assert as_person(person_with(Role.VIEWER)).get(ECHO)["Cache-Control"] == "no-store"

    def test_a_session_writes_only_with_the_csrf_token(self, as_person):
        client = as_person(person_with(Role.REVIEWER), enforce_csrf_checks=True)
        assert client.get(ECHO).status_code == 200
        assert client.post(ECHO, {}, content_type="application/json").status_code == 403


class TestTokens:
    @pytest.fixture
    def owner(self):
        return person_with(Role.REVIEWER, Role.VIEWER, username="rita")

    def test_scope_and_role_together_open(self, owner, with_token):
        _, secret = token_for(owner, Scope.READ, Scope.PROPOSE)
        assert with_token(secret).get(ECHO).status_code == 200
        assert with_token(secret).post(ECHO, {}, content_type="application/json").status_code == 200

    def test_the_scope_alone_does_not(self, with_token):
        _, secret = token_for(person_with(Role.VIEWER), Scope.PROPOSE)
        assert with_token(secret).post(ECHO, {}, content_type="application/json").status_code == 403

    def test_the_role_alone_does_not(self, owner, with_token):
        _, secret = token_for(owner, Scope.READ)
        answer = with_token(secret).post(ECHO, {}, content_type="application/json")
        assert (answer.status_code, answer.json()["detail"]) == (403, "The token lacks the scope propose.")

    def test_a_row_without_a_scope_is_closed_to_every_token(self, with_token, probed):
        from portal.access import ROUTES, only

        ROUTES["probe:echo"] = {"GET": only(*Role)}
        _, secret = token_for(person_with(*Role))
        assert with_token(secret).get(ECHO).status_code == 403

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({"expires_at": datetime(2021, 1, 1, tzinfo=UTC)}, id="expired"),
            pytest.param({"ended_at": datetime(2021, 1, 1, tzinfo=UTC)}, id="ended"),
            pytest.param({"created_at": datetime(2098, 1, 1, tzinfo=UTC)}, id="not-yet"),
        ],
    )
    def test_a_token_that_is_over_reads_as_unknown(self, owner, with_token, fields):
        _, secret = token_for(owner, **fields)
        over, unknown = with_token(secret).get(ECHO), with_token("ggt_unknown").get(ECHO)
        assert over.status_code == unknown.status_code == 401
        assert {**over.json(), "instance": ""} == {**unknown.json(), "instance": ""}
        assert over["WWW-Authenticate"] == 'Bearer realm="goldgate"'

    @pytest.mark.parametrize(
        "header",
        [
            "Bearer",
            "Bearer ",
            "bearer x",
            "Bearer ggt_\x00",
            "Bearer ggt_é",
            "Bearer " + "ggt_" * 100_000,
            "Bearer a b",
        ],
    )
    def test_garbage_is_401(self, anonymous, header):
        assert anonymous.get(ECHO, headers={"Authorization": header}).status_code == 401

    def test_a_bad_token_does_not_fall_back_to_the_session(self, owner, as_person):
        client = as_person(owner)
        assert client.get(ECHO).status_code == 200
        assert client.get(ECHO, headers={"Authorization": "Bearer ggt_unknown"}).status_code == 401

    def test_another_scheme_is_no_token(self, owner, anonymous):
        _, secret = token_for(owner)
        assert anonymous.get(ECHO, headers={"Authorization": f"Basic {secret}"}).status_code == 401

    def test_the_scheme_is_read_whatever_its_case(self, owner, anonymous):
        _, secret = token_for(owner)
        assert anonymous.get(ECHO, headers={"Authorization": f"bearer {secret}"}).status_code == 200

    def test_the_secret_in_the_address_is_not_looked_at(self, owner, anonymous):
        _, secret = token_for(owner)
        assert anonymous.get(f"{ECHO}?token={secret}&access_token={secret}").status_code == 401

    def test_no_csrf_token_is_asked_of_a_program(self, owner, with_token):
        _, secret = token_for(owner)
        client = with_token(secret)
        client.handler.enforce_csrf_checks = True
        assert client.post(ECHO, {}, content_type="application/json").status_code == 200

    def test_its_use_is_noted(self, owner, with_token):
        token, secret = token_for(owner)
        with_token(secret).get(ECHO)
        assert ServiceToken.objects.get(pk=token.pk).last_used_at is not None


class TestGates:
    def test_a_gate_makes_a_gates_calls_and_no_others(self, with_token):
        gate = with_token("gate")
        assert gate.post("/api/v1/probe/gate-only", {}, content_type="application/json").status_code == 200
        assert gate.get("/api/v1/probe/gate-tries").status_code == 403
        assert gate.get(ECHO).status_code == 401

    def test_nobody_else_makes_them(self, as_person, with_token, anonymous):
        _, secret = token_for(person_with(*Role))
        for client in (as_person(person_with(*Role)), with_token(secret), anonymous):
            assert client.post("/api/v1/probe/gate-only").status_code == 401
