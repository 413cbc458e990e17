from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.roles import Role, Scope
from tests.factories.accounts import person_with, token_for
from tests.factories.catalog import VersionFactory

pytestmark = pytest.mark.django_db


def as_person(*roles):
    client = Client()
    client.force_login(person_with(*roles), backend="django.contrib.auth.backends.ModelBackend")
    return client


def post(client, path, body=None, **options):
    return client.post(path, body, content_type="application/json", **options)


@pytest.fixture
def body():
    now = timezone.now()
    return {
        "rule": "GG1004",
        "scope_kind": "version",
        "scope": str(VersionFactory(now)),
        "reason": "The installer needs it.",
        "ends_at": (now + timedelta(days=30)).isoformat(),
    }


class TestAWaiversLife:
    def test_from_the_question_to_its_end(self, body):
        asker = as_person(Role.REQUESTER)
        asked = post(asker, "/api/v1/waivers", body)
        assert asked.status_code == 201, asked.json()
        grant = asked.json()
        assert asked["Location"] == f"/api/v1/grants/{grant['id']}"
        assert (grant["state"], grant["starts_at"], grant["given_by"]) == ("asked", None, None)
        given = post(as_person(Role.REVIEWER), f"/api/v1/waivers/{grant['id']}/give")
        assert (given.status_code, given.json()["state"]) == (200, "in_force")
        ended = post(as_person(Role.SECURITY_REVIEWER), f"/api/v1/waivers/{grant['id']}/end", {"reason": "Mended."})
        assert (ended.status_code, ended.json()["state"], ended.json()["answer"]) == (200, "ended", "Mended.")

    def test_who_asked_does_not_give(self, body):
        reviewer = as_person(Role.REVIEWER)
        grant = post(reviewer, "/api/v1/waivers", body).json()
        refused = post(reviewer, f"/api/v1/waivers/{grant['id']}/give")
        assert (refused.status_code, refused.json()["code"]) == (403, "own_waiver")

    @pytest.mark.parametrize("deed", ["give", "refuse", "end"])
    def test_a_token_asks_and_answers_nothing(self, body, deed):
        _, secret = token_for(person_with(Role.REVIEWER), *Scope)
        header = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
        grant = post(Client(), "/api/v1/waivers", body, **header)
        assert grant.status_code == 201
        answer = post(Client(), f"/api/v1/waivers/{grant.json()['id']}/{deed}", {"reason": "Yes."}, **header)
        assert answer.status_code == 403
        assert as_person(Role.VIEWER).get(f"/api/v1/grants/{grant.json()['id']}").json()["state"] == "asked"

    @pytest.mark.parametrize(
        ("changed", "code", "pointer"),
        [
            pytest.param({"ends_at": "2199-01-01T00:00:00Z"}, "bad_end", "/ends_at", id="no-end-in-sight"),
            pytest.param({"rule": "everything"}, "bad_rule", "/rule", id="no-rule"),
            pytest.param({"scope": "debian"}, "bad_scope", "/scope", id="no-version"),
        ],
    )
    def test_a_wrong_field_is_named(self, body, changed, code, pointer):
        answer = post(as_person(Role.REQUESTER), "/api/v1/waivers", {**body, **changed})
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert [row["pointer"] for row in answer.json()["errors"]] == [pointer]

    def test_an_unknown_member_is_refused(self, body):
        answer = post(as_person(Role.REQUESTER), "/api/v1/waivers", {**body, "starts_at": body["ends_at"]})
        assert answer.status_code == 400


class TestTheOneList:
    def test_it_is_filtered_by_what_people_ask(self, body):
        asker, reader = as_person(Role.REQUESTER), as_person(Role.VIEWER)
        first = post(asker, "/api/v1/waivers", body).json()
        second = post(asker, "/api/v1/waivers", {**body, "rule": "DL3008"}).json()
        post(as_person(Role.REVIEWER), f"/api/v1/waivers/{second['id']}/give")

        def found(query):
            answer = reader.get(f"/api/v1/grants?{query}")
            assert answer.status_code == 200, answer.json()
            return [row["id"] for row in answer.json()["results"]]

        assert found("") == [second["id"], first["id"]]
        assert found("state=asked") == [first["id"]]
        assert found("state=in_force&kind=waiver") == [second["id"]]
        assert found("state=expiring") == []
        assert found("rule=DL3008&scope_kind=version") == [second["id"]]
        assert found(f"scope={body['scope']}&limit=1") == [second["id"]]

    def test_an_unknown_state_is_an_error(self):
        assert as_person(Role.VIEWER).get("/api/v1/grants?state=open").status_code == 400

    def test_its_queries_do_not_grow_with_its_rows(self, body):
        asker, reader = as_person(Role.REQUESTER), as_person(Role.VIEWER)
        counted = []
        for number in range(5):
            post(asker, "/api/v1/waivers", {**body, "rule": f"GG200{number + 1}"})
            with CaptureQueriesContext(connection) as queries:
                assert len(reader.get("/api/v1/grants").json()["results"]) == number + 1
            counted.append(len(queries))
        assert counted[1] == counted[4]
