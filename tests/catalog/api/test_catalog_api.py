import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.roles import Role, Scope
from audit.models import Record
from catalog import services
from tests.factories.accounts import TeamFactory, person_with, token_for
from tests.factories.approvals import ProposalFactory, certified
from tests.factories.catalog import ArtifactFactory, SubversionFactory, VersionFactory

pytestmark = pytest.mark.django_db


def as_person(*roles):
    client = Client()
    client.force_login(person_with(*roles), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def now():
    return timezone.now() - timedelta(minutes=1)


@pytest.fixture
def admin():
    return as_person(Role.PLATFORM_ADMIN)


@pytest.fixture
def reader():
    return as_person(Role.VIEWER)


def post(client, path, body):
    return client.post(path, body, content_type="application/json")


class TestImages:
    def test_made_and_listed(self, admin, reader):
        team = TeamFactory("platform")
        made = post(admin, "/api/v1/images", {"name": "debian", "owner": str(team.pk)})
        assert (made.status_code, made["Location"]) == (201, "/api/v1/images/debian")
        assert post(admin, "/api/v1/images/debian/versions", {"name": "12"}).status_code == 201
        listed = reader.get("/api/v1/images").json()["results"]
        assert [(one["name"], one["owner"], one["versions"][0]["name"]) for one in listed] == [
            ("debian", "platform", "12")
        ]

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"name": "Debian"}, 400, "bad_name"),
            ({"name": "debian", "id": "1"}, 400, "invalid"),
            ({}, 400, "invalid"),
        ],
    )
    def test_says_what_is_wrong(self, admin, body, status, code):
        answer = post(admin, "/api/v1/images", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer["Content-Type"] == "application/problem+json"

    def test_only_an_administrator_makes_one(self, reader):
        assert post(reader, "/api/v1/images", {"name": "debian"}).status_code == 403


class TestVersion:
    def test_says_what_to_use_and_all_there_was(self, now, reader):
        version = VersionFactory(now, "debian/12")
        subversion = SubversionFactory(now, version=version)
        SubversionFactory(now, version=version)
        certified(now, proposal=ProposalFactory(now, subversion=subversion))
        body = reader.get("/api/v1/images/debian/12").json()
        digest = subversion.artifact.digest
        assert body["current"]["from_line"] == f"FROM registry.example/golden/debian@{digest}"
        assert [one["state"] for one in body["history"]] == ["certified", "candidate"]
        assert body["history"][1]["from_line"] == ""

    def test_what_is_not_there(self, reader):
        answer = reader.get("/api/v1/images/debian/12")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_image")

    @pytest.mark.parametrize(
        "path", ["debian/%00", "%00/12", "%00/versions", "debian/12/subversions", "%F0%9F%90%99/12"]
    )
    def test_what_can_be_no_name_is_not_there(self, reader, path):
        assert reader.get(f"/api/v1/images/{path}").status_code in (404, 405)

    def test_a_client_that_has_it_is_told_so(self, now, reader):
        VersionFactory(now, "debian/12")
        first = reader.get("/api/v1/images/debian/12")
        again = reader.get("/api/v1/images/debian/12", headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        VersionFactory(now, "debian/13")
        SubversionFactory(now, version=first_version("debian", "12"))
        assert reader.get("/api/v1/images/debian/12", headers={"If-None-Match": first["ETag"]}).status_code == 200


def first_version(image, version):
    from catalog.selectors import version_by_name

    return version_by_name(f"{image}/{version}")


class TestSubversions:
    def test_a_token_adds_one_in_its_own_name(self, now):
        VersionFactory(now, "debian/12")
        artifact = ArtifactFactory(now)
        _, secret = token_for(person_with(Role.REQUESTER), Scope.PROPOSE)
        made = Client().post(
            "/api/v1/images/debian/12/subversions",
            {"digest": artifact.digest},
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert made.status_code == 201
        assert made.json()["state"] == "candidate"
        assert Record.objects.get(verb="subversion.added").actor_kind == "token"

    def test_an_unknown_digest(self, now):
        VersionFactory(now, "debian/12")
        body = {"digest": "sha256:" + "0" * 64}
        answer = post(as_person(Role.REQUESTER), "/api/v1/images/debian/12/subversions", body)
        assert answer.status_code == 404

    def test_read_one(self, now, reader):
        subversion = SubversionFactory(now)
        body = reader.get(f"/api/v1/subversions/{subversion.pk}").json()
        assert (body["digest"], body["sentence"]) == (subversion.artifact.digest, "Being examined; not allowed yet.")


class TestApproved:
    def test_holds_what_may_be_used_alone(self, now, reader):
        certificate = certified(now)
        SubversionFactory(now)
        listed = reader.get("/api/v1/approved").json()["results"]
        assert [one["digest"] for one in listed] == [certificate.subversion.artifact.digest]
        assert listed[0]["until"] is not None

    def test_pages_without_leaving_anything_out(self, now, reader):
        wanted = {str(certified(now).subversion.pk) for _ in range(3)}
        found, url = set(), "/api/v1/approved?limit=1"
        while url:
            body = reader.get(url).json()
            found |= {one["id"] for one in body["results"]}
            url = body["next"]
        assert found == wanted

    def test_is_a_table_too(self, now, reader):
        version = VersionFactory(now, "debian/12")
        subversion = SubversionFactory(now, version=version, name="12-1")
        certified(now, proposal=ProposalFactory(now, subversion=subversion))
        answer = reader.get("/api/v1/approved.csv")
        rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert rows[0] == [
            "image",
            "version",
            "subversion",
            "state",
            "until",
            "digest",
            "from",
            "purpose",
            "sentence",
        ]
        assert rows[1][:4] == ["debian", "12", "12-1", "certified"]
        assert rows[1][6] == f"registry.example/golden/debian@{subversion.artifact.digest}"

    def test_queries_do_not_grow_with_rows(self, now, reader, django_assert_max_num_queries):
        for _ in range(3):
            services.set_certified(
                subversion=SubversionFactory(now),
                starts_at=now,
                ends_at=now + timedelta(days=1),
                repository="registry.example/x",
            )
        with django_assert_max_num_queries(8):
            assert len(reader.get("/api/v1/approved").json()["results"]) == 3

    def test_is_for_those_who_sign_in(self):
        assert Client().get("/api/v1/approved").status_code == 401
