"""Watched tags over REST."""

from datetime import datetime

import pytest
from rest_framework.test import APIClient

from accounts.roles import Role
from builds.models import Watch
from tests.factories.accounts import person_with
from tests.factories.catalog import VersionFactory
from tests.factories.registry import RegistryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> APIClient:
    client = APIClient()
    client.force_authenticate(person_with(Role.PLATFORM_ADMIN))
    return client


@pytest.fixture
def watch(admin: APIClient, now: datetime) -> dict:
    registry = RegistryFactory()
    given = {"version": str(VersionFactory(now)), "reference": f"{registry.host}/library/debian:12"}
    answer = admin.post("/api/v1/watches", given, format="json")
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/watches/{answer.json()['id']}"
    return answer.json()


class TestWatches:
    def test_are_added_and_listed(self, admin: APIClient, watch: dict) -> None:
        assert admin.get("/api/v1/watches").json()["results"] == [watch]
        assert admin.get("/api/v1/watches?stopped=true").json()["results"] == []
        assert admin.get("/api/v1/watches?stopped=false").json()["results"] == [watch]

    def test_are_paused(self, admin: APIClient, watch: dict) -> None:
        changed = admin.patch(f"/api/v1/watches/{watch['id']}", {"is_paused": True}, format="json")

        assert changed.json()["is_paused"] is True

    def test_are_looked_at(self, admin: APIClient, watch: dict) -> None:
        answer = admin.post(f"/api/v1/watches/{watch['id']}/look")

        assert answer.status_code == 202
        assert admin.get(answer.headers["Location"]).json()["kind"] == "builds.look"

    def test_go_on(self, admin: APIClient, watch: dict, now: datetime) -> None:
        Watch.objects.update(stopped_at=now)

        assert admin.post(f"/api/v1/watches/{watch['id']}/look").json()["code"] == "watch_state"
        assert admin.post(f"/api/v1/watches/{watch['id']}/resume").json()["stopped_at"] is None

    def test_are_removed(self, admin: APIClient, watch: dict) -> None:
        assert admin.delete(f"/api/v1/watches/{watch['id']}").status_code == 204
        assert admin.get(f"/api/v1/watches/{watch['id']}").status_code == 404
        assert admin.delete(f"/api/v1/watches/{watch['id']}").status_code == 404

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            pytest.param({"reference": "nowhere.example/a:1"}, "registry_unknown", id="unlisted-registry"),
            pytest.param({"version": "no/such"}, "no_such_image", id="no-such-version"),
            pytest.param({"every_seconds": 1}, "", id="too-often"),
            pytest.param({"surprise": 1}, "", id="unknown-member"),
        ],
    )
    def test_what_is_wrong_is_refused(self, admin: APIClient, watch: dict, change: dict, code: str) -> None:
        given = {"version": watch["version"], "reference": watch["reference"], **change}

        answer = admin.post("/api/v1/watches", given, format="json")

        assert answer.status_code in (400, 404)
        assert not code or answer.json()["code"] == code
