from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.roles import Role, Scope
from approvals.models import RecipeReview
from audit.models import Record
from builds.models import Recipe, Source
from builds.services.sources import fetch_source
from jobs.models import Job
from tests.builds.sources.conftest import FILES
from tests.factories.accounts import person_with, token_for
from tests.factories.builds import RecipeFactory, SourceFactory
from tests.factories.catalog import VersionFactory
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db


def client_of(person):
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def as_person(*roles):
    return client_of(person_with(*roles))


def post(client, path, body=None, **options):
    return client.post(path, body, content_type="application/json", **options)


def patch(client, path, body):
    return client.patch(path, body, content_type="application/json")


@pytest.fixture
def now():
    return timezone.now() - timedelta(minutes=1)


class TestTheWay:
    def test_from_a_source_to_an_approved_recipe(self, now, repository):
        VersionFactory(now, "debian/12")
        admin = as_person(Role.PLATFORM_ADMIN)
        person_with(Role.PLATFORM_ADMIN, username="olga")
        body = {"name": "debian 12", "version": "debian/12", "url": repository.url, "ref_rule": "main", "owner": "olga"}
        made = post(admin, "/api/v1/sources", body)
        assert made.status_code == 201, made.json()
        path = made["Location"]
        assert path == f"/api/v1/sources/{made.json()['id']}"
        assert made.json()["owner"] == "olga"
        asked = post(admin, f"{path}/fetch")
        assert asked.status_code == 202
        assert asked["Location"] == f"/api/v1/jobs/{Job.objects.get(kind='builds.fetch').pk}"
        run_due_jobs()
        reader = as_person(Role.AUDITOR)
        (listed,) = reader.get(f"{path}/recipes").json()["results"]
        assert (listed["number"], listed["is_approved"], listed["source_name"]) == (1, False, "debian 12")
        shown = reader.get(f"/api/v1/recipes/{listed['id']}").json()
        assert shown["dockerfile"] == FILES["Dockerfile"]
        assert [one["path"] for one in shown["files"]] == sorted(FILES)
        assert [one["kind"] for one in shown["bases"]] == ["scratch"]
        judged = {"outcome": "approve", "recipe_sha256": shown["sha256"]}
        reviews = f"/api/v1/recipes/{listed['id']}/reviews"
        for _ in range(2):
            answer = post(as_person(Role.REVIEWER), reviews, judged)
            assert answer.status_code == 201, answer.json()
        assert reader.get(f"/api/v1/recipes/{listed['id']}").json()["is_approved"] is True
        assert len(reader.get(reviews).json()["results"]) == 2
        withdrawn = post(as_person(Role.SECURITY_REVIEWER), f"/api/v1/recipes/{listed['id']}/withdraw", {"reason": "x"})
        assert withdrawn.json()["withdrawn_reason"] == "x"
        assert reader.get(f"/api/v1/recipes/{listed['id']}").json()["is_approved"] is False

    def test_a_change_and_its_difference(self, now, source, repository):
        first = fetch_source(source.pk, now=now)
        admin = as_person(Role.PLATFORM_ADMIN)
        changed = patch(admin, f"/api/v1/sources/{source.pk}", {"arguments": {"A": "1"}})
        assert changed.json()["arguments"] == {"A": "1"}
        files = FILES | {"Dockerfile": FILES["Dockerfile"].replace("65532", "65533"), "new": "x"}
        repository.commit(files, programs=("scripts/run.sh",))
        second = fetch_source(source.pk, now=now + timedelta(seconds=1))
        reader = as_person(Role.REQUESTER)
        told = reader.get(f"/api/v1/recipes/{second.pk}/difference").json()
        assert told["older"] == str(first.pk)
        assert [(line["sign"], line["text"]) for line in told["lines"] if line["sign"] in "+-"] == [
            ("-", "USER 65532"),
            ("+", "USER 65533"),
        ]
        assert (told["files_added"], told["files_changed"]) == (["new"], ["Dockerfile"])
        assert told["arguments"] == [{"name": "A", "old": "", "new": "1"}]
        alone = reader.get(f"/api/v1/recipes/{first.pk}/difference").json()
        assert alone["older"] is None
        assert len(alone["files_added"]) == len(FILES)
        back = reader.get(f"/api/v1/recipes/{first.pk}/difference", {"to": str(second.pk)}).json()
        assert back["files_removed"] == ["new"]


class TestRefusals:
    def test_wrong_fields_are_named(self, now, below):
        VersionFactory(now, "debian/12")
        body = {"name": "x", "version": "debian/12", "url": "/etc/x", "ref_rule": "--exec=x", "platforms": ["vax"]}
        answer = post(as_person(Role.PLATFORM_ADMIN), "/api/v1/sources", body)
        assert answer.status_code == 400
        assert answer.json()["code"] == "source_invalid"
        pointers = [error["pointer"] for error in answer.json()["errors"]]
        assert sorted(pointers) == ["/platforms/0", "/ref_rule", "/url"]

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"owner": "nobody"}, 400, "unknown_person"),
            ({"candidate_repository": "nowhere.example/base"}, 400, "registry_unknown"),
            ({"version": "debian/99"}, 404, "no_such_image"),
            ({"surprise": 1}, 400, "unknown_member"),
            ({"created_by": "olga"}, 400, "unknown_member"),
            ({"last_commit": "x"}, 400, "unknown_member"),
        ],
    )
    def test_of_what_names_nothing_or_nobody_may_say(self, now, repository, change, status, code):
        VersionFactory(now, "debian/12")
        body = {"name": "x", "version": "debian/12", "url": repository.url, "ref_rule": "main"} | change
        answer = post(as_person(Role.PLATFORM_ADMIN), "/api/v1/sources", body)
        assert answer.status_code == status, answer.json()
        assert code in answer.content.decode()
        assert not Source.objects.exists()

    def test_another_owner_is_recorded_with_the_reason(self, source):
        person_with(Role.PLATFORM_ADMIN, username="newt")
        change = {"owner": "newt", "reason": "Olga leaves."}
        answer = patch(as_person(Role.PLATFORM_ADMIN), f"/api/v1/sources/{source.pk}", change)
        assert (answer.status_code, answer.json()["owner"]) == (200, "newt"), answer.json()
        data = Record.objects.get(verb="source.changed").data
        assert data["changed"] == ["owner"]
        assert (data["former_owner"], data["owner"]) == (source.owner.username, "newt")
        assert data["reason"] == "Olga leaves."

    def test_a_version_is_not_changed(self, source):
        answer = patch(as_person(Role.PLATFORM_ADMIN), f"/api/v1/sources/{source.pk}", {"version": "debian/13"})
        assert answer.status_code == 400

    def test_a_difference_with_another_source_s_recipe(self, now):
        one, other = RecipeFactory(now), RecipeFactory(now)
        reader = as_person(Role.AUDITOR)
        for text in (str(other.pk), "x"):
            assert reader.get(f"/api/v1/recipes/{one.pk}/difference", {"to": text}).status_code == 400
        assert reader.get(f"/api/v1/recipes/{one.pk}/difference", {"from": "x"}).status_code == 400
        assert reader.get("/api/v1/recipes/01900000-0000-7000-8000-000000000000").status_code == 404

    def test_no_token_reviews_a_recipe_whatever_it_may(self, now):
        recipe = RecipeFactory(now)
        _, secret = token_for(person_with(Role.REVIEWER, Role.PLATFORM_ADMIN), *Scope)
        headers = {"Authorization": f"Bearer {secret}"}
        body = {"outcome": "approve", "recipe_sha256": recipe.sha256}
        answer = post(Client(), f"/api/v1/recipes/{recipe.pk}/reviews", body, headers=headers)
        assert answer.status_code == 403
        withdrawn = post(Client(), f"/api/v1/recipes/{recipe.pk}/withdraw", {"reason": "x"}, headers=headers)
        assert withdrawn.status_code == 403
        assert not RecipeReview.objects.exists()

    def test_a_reviewer_of_their_own_commit(self, now):
        author = person_with(Role.REVIEWER)
        recipe = RecipeFactory(now, author=author)
        answer = post(
            client_of(author),
            f"/api/v1/recipes/{recipe.pk}/reviews",
            {"outcome": "approve", "recipe_sha256": recipe.sha256},
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "own_proposal")

    def test_only_a_platform_admin_adds_changes_and_fetches(self, now, source):
        reviewer = as_person(Role.REVIEWER, Role.REQUESTER, Role.AUDITOR)
        assert post(reviewer, "/api/v1/sources", {}).status_code == 403
        assert patch(reviewer, f"/api/v1/sources/{source.pk}", {}).status_code == 403
        assert post(reviewer, f"/api/v1/sources/{source.pk}/fetch").status_code == 403
        assert not Job.objects.exists()


class TestLists:
    def test_take_a_fixed_number_of_queries(self, now, django_assert_max_num_queries):
        for _ in range(5):
            source = SourceFactory(now)
            RecipeFactory(now, source=source)
        for _ in range(5):
            RecipeFactory(now, source=source)
        reader = as_person(Role.AUDITOR)
        with django_assert_max_num_queries(8):
            assert len(reader.get("/api/v1/sources").json()["results"]) == 5
        with django_assert_max_num_queries(8):
            assert len(reader.get(f"/api/v1/sources/{source.pk}/recipes").json()["results"]) == 6
        assert Recipe.objects.count() == 10

    def test_filters(self, now):
        SourceFactory(now, name="paused", is_paused=True)
        SourceFactory(now, name="running")
        reader = as_person(Role.AUDITOR)
        names = [one["name"] for one in reader.get("/api/v1/sources", {"paused": "true"}).json()["results"]]
        assert names == ["paused"]
        assert reader.get("/api/v1/sources", {"builder": "make"}).status_code == 400
