"""Builds over REST."""

from datetime import datetime

import pytest
from rest_framework.test import APIClient

from accounts.roles import Role
from builds.models import Build, Cause
from builds.services.causes import note_cause
from tests.factories.accounts import person_with
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory

pytestmark = pytest.mark.django_db


def client_of(*roles: Role) -> APIClient:
    client = APIClient()
    client.force_authenticate(person_with(*roles))
    return client


@pytest.fixture
def admin() -> APIClient:
    return client_of(Role.PLATFORM_ADMIN)


class TestStart:
    def test_answers_where_to_follow_it(self, admin: APIClient, now: datetime) -> None:
        source = SourceFactory(now)

        answer = admin.post(f"/api/v1/sources/{source.pk}/builds")

        assert answer.status_code == 202
        assert answer.json()["causes"][0]["reason"] == "by_hand"
        job = admin.get(answer.headers["Location"]).json()
        assert job["kind"] == "builds.begin"

    def test_a_viewer_may_not(self, now: datetime) -> None:
        source = SourceFactory(now)

        assert client_of(Role.VIEWER).post(f"/api/v1/sources/{source.pk}/builds").status_code == 403
        assert not Build.objects.exists()

    def test_a_source_that_is_not_there(self, admin: APIClient) -> None:
        answer = admin.post("/api/v1/sources/01980000-0000-7000-8000-000000000000/builds")

        assert (answer.status_code, answer.json()["code"]) == (404, "source_missing")

    def test_a_fourth_in_a_day_is_refused_with_the_time(self, admin: APIClient, now: datetime) -> None:
        source = SourceFactory(now)
        for _ in range(3):
            admin.post(f"/api/v1/sources/{source.pk}/builds")
            Build.objects.update(state="no_change", finished_at=now)

        answer = admin.post(f"/api/v1/sources/{source.pk}/builds")

        assert (answer.status_code, answer.json()["code"]) == (409, "builds_too_often")


class TestRead:
    def test_lists_by_source_and_state(self, admin: APIClient, now: datetime) -> None:
        failed = BuildFactory(now, state="failed", finished_at=now, failure="apt failed", failed_line=2)
        BuildFactory(now)

        rows = admin.get(f"/api/v1/builds?source={failed.source_id}&state=failed").json()["results"]

        assert [(row["id"], row["failure"], row["failed_line"]) for row in rows] == [(str(failed.pk), "apt failed", 2)]

    def test_names_version_and_recipe(self, admin: APIClient, now: datetime) -> None:
        recipe = RecipeFactory(now)
        build = BuildFactory(now, recipe=recipe)

        told = admin.get(f"/api/v1/builds/{build.pk}").json()

        assert (told["version"], told["commit"]) == (str(recipe.source.version), recipe.commit)

    def test_held_causes_are_shown(self, admin: APIClient, now: datetime) -> None:
        source = SourceFactory(now, is_paused=True)
        note_cause(source=source, reason=Cause.Reason.BASE_MOVED, key="d", detail={"base": "debian/12"}, now=now)

        rows = admin.get(f"/api/v1/sources/{source.pk}/causes").json()["results"]

        assert [(row["reason"], row["build"], row["detail"]) for row in rows] == [
            ("base_moved", None, {"base": "debian/12"})
        ]

    def test_renewals_say_what_is_red(self, admin: APIClient, now: datetime) -> None:
        source = SourceFactory(now)
        BuildFactory(now, source=source, state="failed", finished_at=now, failure="apt failed")

        rows = admin.get(f"/api/v1/renewals?image={source.version.image.name}").json()["results"]

        assert [(row["version"], row["light"]) for row in rows] == [(str(source.version), "red")]


class TestReproduction:
    def test_is_asked_for(self, admin: APIClient, now: datetime) -> None:
        build = BuildFactory(now, recipe=RecipeFactory(now), state="succeeded", finished_at=now)

        answer = admin.post(f"/api/v1/builds/{build.pk}/reproductions")

        assert answer.status_code == 202
        assert (answer.json()["purpose"], answer.json()["reproduces"]) == ("reproduction", str(build.pk))

    def test_of_a_build_that_made_nothing(self, admin: APIClient, now: datetime) -> None:
        answer = admin.post(f"/api/v1/builds/{BuildFactory(now).pk}/reproductions")

        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_reproduce")
