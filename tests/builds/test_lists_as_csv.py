"""Lists of supply as files: whole, filtered as the list is, and nothing in them runs."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.roles import Role
from approvals.services import ask_waiver
from builds.models import Cause, Wave
from tests.factories.accounts import person_with
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory

pytestmark = pytest.mark.django_db
HOSTILE = "=cmd|'/c calc'!A0"


@pytest.fixture
def source(now):
    source = SourceFactory(now, name="debian-12", last_failure=HOSTILE)
    build = BuildFactory(now, recipe=RecipeFactory(now, source=source, author_name=HOSTILE), failure=HOSTILE)
    Cause.objects.create(source=source, build=build, reason="by_hand", key="1", detail={"by": "ada"}, at=now)
    Wave.objects.create(reason="by_hand", title=HOSTILE, detail={"root": "x"}, opened_at=now)
    asker = person_with(Role.REQUESTER)
    ends_at = now + timedelta(days=9)
    ask_waiver(
        rule="DL3008", scope_kind="source", scope="debian-12", reason=HOSTILE, ends_at=ends_at, asked_by=asker, now=now
    )
    return source


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def viewer():
    client = APIClient()
    client.force_login(person_with(Role.VIEWER), backend="django.contrib.auth.backends.ModelBackend")
    return client


def rows_of(answer):
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def addresses(source):
    return {
        "sources": "/api/v1/sources",
        "recipes": f"/api/v1/sources/{source.pk}/recipes",
        "builds": "/api/v1/builds",
        "waves": "/api/v1/waves",
        "grants": "/api/v1/grants",
    }


class TestCsv:
    @pytest.mark.parametrize("name", ["sources", "recipes", "builds", "waves", "grants"])
    @pytest.mark.parametrize("asked", [{"QUERY_STRING": "format=csv"}, {"HTTP_ACCEPT": "text/csv"}])
    def test_has_the_members_of_the_list_and_no_formula(self, viewer, source, name, asked):
        address = addresses(source)[name]
        answer = viewer.get(address, **asked)
        assert answer["Content-Disposition"] == f'attachment; filename="{name}.csv"'
        (row,) = rows_of(answer)
        (shown,) = viewer.get(address).json()["results"]
        assert list(row) == list(shown)
        assert row["id"] == shown["id"]
        assert f"'{HOSTILE}" in row.values()
        assert HOSTILE not in row.values()

    def test_says_what_is_a_list_as_json(self, viewer, source):
        (row,) = rows_of(viewer.get("/api/v1/builds?format=csv"))
        assert json.loads(row["causes"])[0]["detail"] == {"by": "ada"}
        assert (row["is_reviewed"], row["finished_at"]) == ("false", "")

    def test_keeps_the_list_s_filters(self, viewer, source, now):
        SourceFactory(now, name="other", is_paused=True)
        assert [row["name"] for row in rows_of(viewer.get("/api/v1/sources?format=csv&paused=true"))] == ["other"]

    @pytest.mark.parametrize(
        "query", ["format=csv&limit=1", "format=xml", "format=csv&nope=1", "format=csv&count=exact"]
    )
    def test_refuses_what_it_does_not_know(self, viewer, source, query):
        assert viewer.get(f"/api/v1/sources?{query}").status_code == 400

    def test_json_stays_what_it_was(self, viewer, source):
        assert viewer.get("/api/v1/sources?format=json").json() == viewer.get("/api/v1/sources").json()

    def test_queries_do_not_grow_with_its_rows(self, viewer, source, now):
        def queries() -> int:
            with CaptureQueriesContext(connection) as seen:
                rows_of(viewer.get("/api/v1/builds?format=csv"))
            return len(seen)

        queries()  # the first one begins the session
        before = queries()
        for _ in range(5):
            BuildFactory(now, recipe=RecipeFactory(now, source=source), state="failed", finished_at=now, failure="x")
        assert queries() == before

    def test_needs_a_sign_in(self, source):
        assert APIClient().get("/api/v1/builds?format=csv").status_code == 401
