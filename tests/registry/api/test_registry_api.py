"""Registries, artifacts and imports over HTTP."""

from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.roles import Role, Scope
from jobs.models import Job
from jobs.worker import run_job
from registry.models import Import, Registry
from registry.services import import_reference, run_import
from tests.factories.accounts import PersonFactory, person_with, token_for
from tests.factories.registry import (
    HELLO,
    NEW,
    OLD,
    LayoutFactory,
    RegistryFactory,
    RepositoryFactory,
    archive,
    import_image,
)

pytestmark = pytest.mark.django_db


def as_person(*roles: Role) -> Client:
    client = Client()
    client.force_login(person_with(*roles), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def admin() -> Client:
    return as_person(Role.PLATFORM_ADMIN)


@pytest.fixture
def requester() -> Client:
    return as_person(Role.REQUESTER)


@pytest.fixture
def viewer() -> Client:
    return as_person(Role.VIEWER)


def post(client: Client, path: str, body: object = None):
    return client.post(path, body, content_type="application/json")


def run(location: str) -> Job:
    job_id = UUID(location.rpartition("/")[2])
    run_job(job_id, clock=timezone.now, is_renewed=False)
    return Job.objects.get(pk=job_id)


class TestRegistries:
    def test_added_read_changed_and_never_showing_its_password(self, admin, viewer):
        made = post(
            admin,
            "/api/v1/registries",
            {"name": "Hub", "host": "docker.io", "username": "robot", "secret": "open sesame"},
        )
        assert made.status_code == 201
        read = viewer.get(made["Location"])
        assert (read.json()["base_url"], read.json()["has_secret"]) == ("https://registry-1.docker.io", True)
        changed = admin.patch(made["Location"], {"is_trusted": True}, content_type="application/json")
        assert (changed.json()["is_trusted"], changed.json()["has_secret"]) == (True, True)
        for answer in (made, read, changed, viewer.get("/api/v1/registries")):
            assert "sesame" not in answer.content.decode()

    def test_a_wrong_field_is_named(self, admin):
        answer = post(admin, "/api/v1/registries", {"name": "x", "host": "Host.example"})
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["errors"][0]["pointer"] == "/host"

    def test_an_unknown_member_is_refused(self, admin):
        answer = post(admin, "/api/v1/registries", {"name": "x", "host": "a.example", "secret_encrypted": "x"})
        assert answer.status_code == 400
        assert not Registry.objects.exists()

    def test_a_taken_name_is_a_conflict(self, admin):
        RegistryFactory("a.example", name="Ours")
        assert post(admin, "/api/v1/registries", {"name": "Ours", "host": "b.example"}).status_code == 409

    def test_a_test_is_a_job_and_its_answer_stands_on_the_registry(self, admin):
        registry = LayoutFactory()
        asked = post(admin, f"/api/v1/registries/{registry.pk}/test")
        assert asked.status_code == 202
        assert run(asked["Location"]).state == "succeeded"
        tested = admin.get(f"/api/v1/registries/{registry.pk}").json()
        assert tested["last_test"][0]["outcome"] == "ok"

    def test_presets_are_there(self, viewer):
        keys = [one["key"] for one in viewer.get("/api/v1/registries/presets").json()]
        assert keys == ["docker-hub", "ghcr", "quay", "mcr", "harbor", "artifactory"]

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER])
    def test_only_platform_administrators_list_registries(self, role):
        answer = post(as_person(role), "/api/v1/registries", {"name": "x", "host": "a.example"})
        assert answer.status_code == 403
        assert not Registry.objects.exists()

    def test_nothing_is_shown_to_strangers(self):
        for path in ("registries", "repositories", "artifacts", "imports"):
            assert Client().get(f"/api/v1/{path}").status_code == 401


class TestImports:
    def test_by_reference(self, requester, source_host):
        RegistryFactory(source_host, base_url=f"http://{source_host}", allow_private=True)
        asked = post(requester, "/api/v1/imports", {"reference": f"{source_host}/debian/base:12-old"})
        assert asked.status_code == 202
        assert asked["Location"].startswith("/api/v1/jobs/")
        job = run(asked["Location"])
        assert (job.state, job.unit, job.done) == ("succeeded", "bytes", job.total)
        one = requester.get(f"/api/v1/imports/{asked.json()['imports'][0]['id']}").json()
        assert (one["state"], one["artifact"]["digest"], one["job_id"]) == ("done", OLD, str(job.pk))
        assert one["repository"] == f"{source_host}/debian/base"

    def test_by_archive_in_the_body(self, requester):
        asked = requester.post(
            "/api/v1/imports", archive("debian-12-new").read_bytes(), content_type="application/x-tar"
        )
        assert asked.status_code == 202
        assert run(asked["Location"]).state == "succeeded"
        assert requester.get(f"/api/v1/artifacts/{NEW}").json()["user"] == "nobody"

    def test_by_a_list(self, requester):
        RegistryFactory("a.example")
        asked = post(requester, "/api/v1/imports", {"text": "a.example/x:1\na.example/y:2 linux/amd64"})
        assert [one["asked_reference"] for one in asked.json()["imports"]] == ["a.example/x:1", "a.example/y:2"]
        assert Job.objects.filter(kind="registry.import").count() == 2

    def test_a_bad_line_of_a_list_is_named(self, requester):
        answer = post(requester, "/api/v1/imports", {"text": "a.example/x:1"})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/text/1"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 400),
            ({"reference": "a.example/x:1", "text": "a.example/x:1"}, 400),
            ({"reference": "debian:12"}, 400),
            ({"reference": "nobody.example/x:1"}, 404),
            ({"reference": "a.example/x:1", "platforms": ["amd64"]}, 400),
            ({"reference": "a.example/x:1", "requested_by": "somebody"}, 400),
        ],
    )
    def test_what_cannot_be_asked_is_a_problem_with_a_cure(self, requester, body, status):
        RegistryFactory("a.example")
        answer = post(requester, "/api/v1/imports", body)
        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"
        assert not Import.objects.exists()

    def test_a_body_that_is_no_archive_is_refused_at_once(self, requester):
        answer = requester.post("/api/v1/imports", b"nonsense" * 1000, content_type="application/x-tar")
        assert (answer.status_code, answer.json()["code"]) == (400, "archive_malformed")
        assert not Import.objects.exists()

    def test_another_content_type_is_415(self, requester):
        assert requester.post("/api/v1/imports", b"x", content_type="text/plain").status_code == 415

    def test_a_failed_one_says_why_on_itself_and_on_its_job(self, requester, source_host):
        RegistryFactory(source_host, base_url=f"http://{source_host}", allow_private=True)
        asked = post(requester, "/api/v1/imports", {"reference": f"{source_host}/debian/base:none"})
        job = run(asked["Location"])
        assert (job.state, job.error_code) == ("failed", "not_in_registry")
        one = requester.get(f"/api/v1/imports/{asked.json()['imports'][0]['id']}").json()
        assert one["state"] == "failed"
        assert "Check the name" in one["failure"]

    def test_a_viewer_may_look_and_not_import(self, viewer):
        assert viewer.get("/api/v1/imports").status_code == 200
        assert post(viewer, "/api/v1/imports", {"reference": "a.example/x:1"}).status_code == 403

    @pytest.mark.parametrize(("scope", "status"), [(Scope.IMPORT, 202), (Scope.READ, 403)])
    def test_a_token_imports_only_with_its_scope(self, scope, status):
        RegistryFactory("a.example")
        _, secret = token_for(person_with(Role.REQUESTER), scope)
        answer = Client().post(
            "/api/v1/imports",
            {"reference": "a.example/x:1"},
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert answer.status_code == status


class TestArtifacts:
    def test_one_with_its_layers_and_lineage(self, viewer):
        for name in ("debian-12-new", "hello-1"):
            import_image(name)
        one = viewer.get(f"/api/v1/artifacts/{HELLO}").json()
        assert (one["kind"], one["platform"], len(one["layers"])) == ("image", "linux/amd64", 2)
        assert one["lineage"]["certainty"] == "exact"
        assert [base["digest"] for base in one["lineage"]["nearest"]] == [NEW]

    @pytest.mark.parametrize(("digest", "status"), [(OLD, 404), ("sha256:abc", 400), ("latest", 400)])
    def test_an_unknown_or_malformed_digest(self, viewer, digest, status):
        assert viewer.get(f"/api/v1/artifacts/{digest}").status_code == status

    @pytest.mark.parametrize("path", ["artifacts", "imports", "repositories"])
    def test_lists_are_flat_in_queries(self, viewer, path, source):
        counts = []
        for name in ("debian/base:12-old", "debian/base:12-new", "apps/hello:1"):
            asked = import_reference(
                reference=f"{source.host}/{name}", requested_by=PersonFactory(), now=timezone.now()
            )
            run_import(import_id=asked.pk, now=timezone.now())
            with CaptureQueriesContext(connection) as found:
                assert viewer.get(f"/api/v1/{path}").status_code == 200
            counts.append(len(found))
        assert counts[1] == counts[2] <= 6  # the first request of a session does more

    def test_repositories_of_a_registry(self, viewer):
        registry = RegistryFactory("a.example")
        RepositoryFactory(registry, "x/y")
        RepositoryFactory(RegistryFactory("b.example"), "x/y")
        found = viewer.get(f"/api/v1/repositories?registry={registry.pk}").json()["results"]
        assert [one["name"] for one in found] == ["a.example/x/y"]
