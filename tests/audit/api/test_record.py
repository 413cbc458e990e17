import json
from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.roles import Role, Scope
from audit.actor import Actor, Subject
from audit.adapters.key_file import create_key
from audit.services import seal_pending, sign_checkpoint
from audit.verbs import Verb
from tests.factories.accounts import person_with, token_for
from tests.factories.audit import RecordFactory

pytestmark = pytest.mark.django_db


def client_of(*roles: Role) -> APIClient:
    client = APIClient()
    client.force_login(person_with(*roles))
    return client


@pytest.fixture
def viewer() -> APIClient:
    return client_of(Role.VIEWER)


def ids(response) -> list[int]:
    return [row["id"] for row in response.json()["results"]]


class TestList:
    def test_newest_first_in_pages(self, viewer):
        written = [RecordFactory().pk for _ in range(5)]
        first = viewer.get("/api/v1/record", {"limit": 3, "verb": "team.created"})
        second = viewer.get(first.json()["next"])
        assert ids(first) + ids(second) == written[::-1]
        assert second.json()["next"] is None

    def test_shows_the_position_once_sealed(self, viewer, now):
        sealed = RecordFactory(actor=Actor("person", "1", "Ada"), subject=Subject("team", "9", "Blue"))
        seal_pending(now)
        row = viewer.get("/api/v1/record", {"subject": "team:9"}).json()["results"][0]
        assert row["position"] == sealed.leaf.position
        assert row["actor"] == {"kind": "person", "id": "1", "name": "Ada"}
        assert row["subject"] == {"kind": "team", "id": "9", "label": "Blue"}

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            pytest.param({"verb": "member.added"}, "member", id="verb"),
            pytest.param({"actor": "Eve"}, "eve", id="actor-name"),
            pytest.param({"actor": "p-eve"}, "eve", id="actor-id"),
            pytest.param({"subject": "gate"}, "gate", id="subject-kind"),
            pytest.param({"subject": "gate:g:1"}, "gate", id="subject-id-with-colon"),
            pytest.param({"since": "2026-11-25T00:00:00Z"}, "late", id="since"),
        ],
    )
    def test_filters(self, viewer, now, filters, found):
        written = {
            "member": RecordFactory(Verb.MEMBER_ADDED),
            "eve": RecordFactory(actor=Actor("person", "p-eve", "Eve")),
            "gate": RecordFactory(subject=Subject("gate", "g:1", "gate")),
            "late": RecordFactory(at=now + timedelta(days=1)),
        }
        assert ids(viewer.get("/api/v1/record", filters)) == [written[found].pk]

    @pytest.mark.parametrize("filters", [{"verb": "made.up"}, {"colour": "red"}, {"cursor": "x"}, {"since": "soon"}])
    def test_refuses_what_it_does_not_know(self, viewer, filters):
        assert viewer.get("/api/v1/record", filters).status_code == 400

    def test_queries_do_not_grow_with_rows(self, viewer, now, django_assert_max_num_queries):
        for _ in range(40):
            RecordFactory()
        seal_pending(now)
        with django_assert_max_num_queries(8):
            viewer.get("/api/v1/record")

    def test_refuses_strangers(self):
        RecordFactory()
        assert APIClient().get("/api/v1/record").status_code in (401, 403)


class TestExport:
    def test_streams_lines_to_an_auditor(self):
        RecordFactory()
        response = client_of(Role.AUDITOR).get("/api/v1/record/export")
        body = b"".join(response.streaming_content)
        assert response["Content-Type"] == "application/x-ndjson"
        assert json.loads(body.splitlines()[0])["format"] == "goldgate-record/1"
        assert json.loads(body.splitlines()[-1])["type"] == "end"

    def test_names_the_token_that_took_it(self):
        _, secret = token_for(person_with(Role.AUDITOR), Scope.AUDIT)
        response = APIClient().get("/api/v1/record/export", HTTP_AUTHORIZATION=f"Bearer {secret}")
        lines = [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]
        exported = [line["record"] for line in lines if line.get("record", {}).get("verb") == "record.exported"]
        assert exported[-1]["actor"]["kind"] == "token"

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.REQUESTER])
    def test_is_not_for_everyone(self, role):
        assert client_of(role).get("/api/v1/record/export").status_code == 403

    @pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "٣"])
    def test_refuses_a_seal_that_cannot_be(self, after):
        assert client_of(Role.AUDITOR).get("/api/v1/record/export", {"after": after}).status_code == 400


class TestCheckpoints:
    def test_list_and_keys(self, viewer, now, tmp_path):
        signer = create_key(tmp_path / "key.pem")
        RecordFactory()
        seal = seal_pending(now)[-1]
        sign_checkpoint(signer=signer, now=now)
        row = viewer.get("/api/v1/record/checkpoints").json()["results"][0]
        assert (row["number"], row["size"], row["head"], row["sinks"]) == (seal.number, seal.last, seal.hash, [])
        keys = APIClient().get("/api/v1/record/keys").json()
        assert [key["public_key"] for key in keys] == [signer.public_key.hex()]
