from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import selectors
from accounts.models import Person, RoleGrant
from accounts.roles import Role, Scope
from tests.factories.accounts import PASSWORD, PersonFactory, TeamFactory, person_with, token_for

pytestmark = pytest.mark.django_db


def as_person(person, **options):
    client = Client(**options)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def admin():
    return person_with(Role.PLATFORM_ADMIN, username="ada")


@pytest.fixture
def api(admin):
    return as_person(admin)


def post(client, path, body=None):
    return client.post(path, body, content_type="application/json")


class TestMe:
    def test_a_session_says_who_and_which_roles(self):
        rita = person_with(Role.REVIEWER, Role.VIEWER, username="rita")
        body = as_person(rita).get("/api/v1/me").json()
        assert (body["username"], body["roles"], body["scopes"]) == ("rita", ["reviewer", "viewer"], None)

    def test_a_token_says_its_scopes(self):
        _, secret = token_for(PersonFactory("rita"), Scope.READ)
        body = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).json()
        assert (body["username"], body["scopes"]) == ("rita", ["read"])


class TestPeople:
    def test_made_and_read_back(self, api, admin):
        made = post(api, "/api/v1/people", {"username": "rita", "display_name": "Rita Roe"})
        assert made.status_code == 201
        read = api.get(made["Location"]).json()
        assert read["created_by"]["username"] == "ada"
        assert Person.objects.get(username="rita").check_password(made.json()["one_time_password"])

    def test_the_one_time_password_is_nowhere_else(self, api):
        made = post(api, "/api/v1/people", {"username": "rita"})
        assert made.json()["one_time_password"] not in api.get(made["Location"]).content.decode()

    @pytest.mark.parametrize(
        "member", ["is_superuser", "is_active", "roles", "password", "created_by", "identity", "same_person_as", "id"]
    )
    def test_a_member_that_nobody_may_set_is_refused_by_name(self, api, member):
        answer = post(api, "/api/v1/people", {"username": "rita", member: True})
        assert answer.status_code == 400
        assert answer.json()["errors"] == [
            {"pointer": f"/{member}", "code": "unknown_member", "detail": "There is no such member here."}
        ]
        assert not Person.objects.filter(username="rita").exists()

    def test_a_taken_name_is_a_conflict(self, api):
        PersonFactory("rita")
        answer = post(api, "/api/v1/people", {"username": "ＲＩＴＡ"})
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")

    def test_filters_narrow_the_list(self, api):
        person_with(Role.REVIEWER, username="rita")
        PersonFactory("gone", is_active=False)

        def names(query):
            return [row["username"] for row in api.get(f"/api/v1/people?{query}").json()["results"]]

        assert names("") == ["ada", "gone", "rita"]
        assert names("active=false") == ["gone"]
        assert names("role=reviewer") == ["rita"]
        assert names("name=RIT") == ["rita"]
        assert names("role=reviewer&active=false") == []

    @pytest.mark.parametrize(
        "query",
        ["ordering=password", "password=x", "role=superuser", "active=1", "created_by__password=x", "name=a&name=b"],
    )
    def test_an_unknown_or_bad_filter_is_named(self, api, query):
        answer = api.get(f"/api/v1/people?{query}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/" + query.partition("=")[0]

    def test_a_longer_list_costs_no_more_queries(self, api, django_assert_num_queries):
        api.get("/api/v1/people")
        for _ in range(2):
            for _ in range(10):
                person_with(Role.VIEWER, created_by=PersonFactory())
            # session, person, grants of the caller; people, grants, no team is asked for
            with django_assert_num_queries(5):
                api.get("/api/v1/people?limit=200")

    def test_deactivate_ends_everything_at_once(self, api):
        rita = person_with(Role.REVIEWER, username="rita")
        theirs = as_person(rita)
        _, secret = token_for(rita)
        answer = post(api, f"/api/v1/people/{rita.pk}/deactivate")
        assert (answer.status_code, answer.json()["is_active"], answer.json()["roles"]) == (200, False, [])
        assert theirs.get("/api/v1/me").status_code == 401
        assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401

    def test_reactivate(self, api):
        rita = PersonFactory("rita", is_active=False)
        answer = post(api, f"/api/v1/people/{rita.pk}/reactivate").json()
        assert Person.objects.get(pk=rita.pk).check_password(answer["one_time_password"])

    def test_reset_password(self, api):
        rita = PersonFactory("rita")
        answer = post(api, f"/api/v1/people/{rita.pk}/reset-password").json()
        assert Person.objects.get(pk=rita.pk).check_password(answer["one_time_password"])

    def test_link(self, api):
        rita, second = PersonFactory("rita"), PersonFactory("second")
        answer = post(api, f"/api/v1/people/{second.pk}/link", {"same_person_as": str(rita.pk)})
        assert answer.json()["same_person_as"]["username"] == "rita"

    def test_absent_is_404(self, api):
        absent = "0190a1b0-0000-7000-8000-000000000000"
        assert api.get(f"/api/v1/people/{absent}").status_code == 404
        assert api.get("/api/v1/people/1").status_code == 404


class TestRoles:
    def test_granted_listed_ended(self, api):
        rita = PersonFactory("rita")
        path = f"/api/v1/people/{rita.pk}/roles"
        made = post(api, path, {"role": "reviewer"})
        assert made.status_code == 201
        rows = api.get(path).json()["results"]
        assert [(row["role"], row["is_in_force"], row["granted_by"]["username"]) for row in rows] == [
            ("reviewer", True, "ada")
        ]
        assert api.delete(f"{path}/{made.json()['id']}").status_code == 204
        assert [row["is_in_force"] for row in api.get(path).json()["results"]] == [False]
        assert selectors.roles_of(rita, timezone.now()) == frozenset()

    def test_for_one_team_and_a_time(self, api):
        rita, team = PersonFactory("rita"), TeamFactory("payments")
        end = timezone.now() + timedelta(days=30)
        body = {"role": "reviewer", "team": str(team.pk), "ends_at": end.isoformat()}
        made = post(api, f"/api/v1/people/{rita.pk}/roles", body).json()
        assert (made["team"]["name"], made["ends_at"]) == ("payments", end.isoformat().replace("+00:00", "Z"))

    def test_nobody_grants_themselves(self, api, admin):
        answer = post(api, f"/api/v1/people/{admin.pk}/roles", {"role": "reviewer"})
        assert (answer.status_code, answer.json()["code"]) == (403, "own_role")

    def test_a_grant_of_somebody_else_is_not_ended_under_this_name(self, api):
        rita, other = person_with(Role.VIEWER), person_with(Role.VIEWER)
        grant = RoleGrant.objects.get(person=other)
        assert api.delete(f"/api/v1/people/{rita.pk}/roles/{grant.pk}").status_code == 404
        assert selectors.has_role(other, Role.VIEWER, timezone.now())


class TestTeams:
    def test_made_filled_emptied(self, api):
        rita = PersonFactory("rita")
        made = post(api, "/api/v1/teams", {"name": "payments"})
        members = f"{made['Location']}/members"
        assert post(api, members, {"person": str(rita.pk)}).status_code == 201
        assert [row["person"]["username"] for row in api.get(members).json()["results"]] == ["rita"]
        assert api.delete(f"{members}/{rita.pk}").status_code == 204
        assert api.get(members).json()["results"] == []
        assert [row["name"] for row in api.get("/api/v1/teams").json()["results"]] == ["payments"]


class TestTokens:
    @pytest.fixture
    def rita(self):
        return person_with(Role.REVIEWER, username="rita", password=PASSWORD)

    def body(self, **changes):
        end = (timezone.now() + timedelta(days=30)).isoformat()
        return {"name": "laptop", "scopes": ["read"], "expires_at": end} | changes

    def test_made_used_ended(self, rita):
        mine = as_person(rita)
        made = post(mine, "/api/v1/tokens", self.body())
        assert made.status_code == 201
        headers = {"Authorization": f"Bearer {made.json()['secret']}"}
        assert Client().get("/api/v1/me", headers=headers).json()["username"] == "rita"
        assert mine.get("/api/v1/tokens").json()["results"][0]["last_used_at"] is not None
        assert mine.delete(f"/api/v1/tokens/{made.json()['token']['id']}").status_code == 204
        assert Client().get("/api/v1/me", headers=headers).status_code == 401

    def test_the_secret_is_in_no_other_answer(self, rita):
        mine = as_person(rita)
        secret = post(mine, "/api/v1/tokens", self.body()).json()["secret"]
        assert secret not in mine.get("/api/v1/tokens").content.decode()

    def test_no_token_makes_or_sees_tokens(self, rita):
        token, secret = token_for(rita)
        robot = Client(headers={"Authorization": f"Bearer {secret}"})
        assert post(robot, "/api/v1/tokens", self.body()).status_code == 403
        assert robot.get("/api/v1/tokens").status_code == 403
        assert robot.delete(f"/api/v1/tokens/{token.pk}").status_code == 403
        assert rita.tokens.count() == 1

    def test_only_ones_own_are_listed(self, rita):
        token_for(PersonFactory("other"))
        assert as_person(rita).get("/api/v1/tokens").json()["results"] == []

    def test_absent_and_somebody_elses_read_the_same(self, rita):
        theirs, secret = token_for(PersonFactory("other"))
        answers = [
            as_person(rita).delete(f"/api/v1/tokens/{pk}") for pk in (theirs.pk, "0190a1b0-0000-7000-8000-000000000000")
        ]
        bodies = [{**answer.json(), "instance": ""} for answer in answers]
        assert bodies[0] == bodies[1]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert selectors.live_token(secret, timezone.now()) is not None

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"scopes": []}, id="no-scope"),
            pytest.param({"scopes": ["review"]}, id="unknown-scope"),
            pytest.param({"expires_at": None}, id="no-expiry"),
            pytest.param({"expires_at": "2020-01-01T00:00:00Z"}, id="past"),
            pytest.param({"owner": "ada"}, id="for-somebody-else"),
            pytest.param({"sha256": "0" * 64}, id="own-hash"),
        ],
    )
    def test_refused(self, rita, changes):
        assert post(as_person(rita), "/api/v1/tokens", self.body(**changes)).status_code == 400
        assert not rita.tokens.exists()

    def test_a_session_without_the_csrf_token_makes_none(self, rita):
        strict = as_person(rita, enforce_csrf_checks=True)
        assert post(strict, "/api/v1/tokens", self.body()).status_code == 403
        assert not rita.tokens.exists()
