"""Adopting from the starter set: what is written down, what is refused, and one circle against a real registry."""

from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from builds.errors import NoImageToAdopt, UpstreamNotListed
from builds.models import Watch
from builds.selectors.adopting import starter_set
from builds.services.adopting import adopt_definition
from catalog.definitions import definition, definitions, parse_definition
from catalog.errors import DefinitionMissing
from catalog.models import Image, Subversion, Version
from jobs.models import Job
from registry.models import Import, Registry
from tests.catalog.definitions.test_definitions import GOOD
from tests.factories.accounts import person_with
from tests.jobs.support import run_due_jobs
from tests.registry.servers import docker_registry, push

pytestmark = pytest.mark.django_db
HELLO = Path(__file__).parents[2] / "data" / "images" / "hello-1.oci.tar"


def listed(now, host="docker.io", **fields):
    values = {
        "name": host,
        "host": host,
        "base_url": f"https://{host}",
        "is_trusted": True,
        "created_at": now,
        **fields,
    }
    return Registry.objects.create(**values)


def adopt(now, name="debian-slim", version="12", **fields):
    admin = fields.pop("adopted_by", None) or person_with(Role.PLATFORM_ADMIN)
    return adopt_definition(definition=definition(name), version_name=version, adopted_by=admin, now=now)


class TestAdoptDefinition:
    def test_image_version_and_watch_are_there_and_the_look_is_asked(self, now):
        listed(now)
        done = adopt(now)
        assert (str(done.version), done.version.image.description) == (
            "debian-slim/12",
            definition("debian-slim").summary,
        )
        assert (str(done.watch), done.watch.platforms) == (
            "docker.io/library/debian:12-slim",
            ["linux/amd64", "linux/arm64"],
        )
        assert [job.subject_id for job in Job.objects.filter(kind="builds.look")] == [str(done.watch.pk)]
        told = Record.objects.get(verb=Verb.DEFINITION_ADOPTED)
        assert told.data["reference"] == "docker.io/library/debian:12-slim"

    def test_nothing_is_certified_by_it(self, now):
        listed(now)
        adopt(now)
        assert not Subversion.objects.exists()

    def test_twice_is_once(self, now):
        listed(now)
        first, again = adopt(now), adopt(now)
        assert (first.is_new, again.is_new, first.watch.pk) == (True, False, again.watch.pk)
        assert (Image.objects.count(), Version.objects.count(), Watch.objects.count()) == (1, 1, 1)
        assert Record.objects.filter(verb=Verb.DEFINITION_ADOPTED).count() == 1

    def test_versions_of_one_definition_share_the_image(self, now):
        listed(now)
        adopt(now, version="12")
        adopt(now, version="13")
        assert (Image.objects.count(), Version.objects.count()) == (1, 2)

    @pytest.mark.parametrize(
        ("fields", "word"),
        [
            pytest.param({}, "registry add", id="not-listed"),
            pytest.param({"is_trusted": False}, "trusted", id="not-trusted"),
            pytest.param({"side": "certified"}, "source side", id="certified-side"),
        ],
    )
    def test_a_registry_that_is_not_ours_to_trust_is_refused_with_a_cure(self, now, fields, word):
        if fields:
            listed(now, **fields)
        with pytest.raises(UpstreamNotListed) as refused:
            adopt(now)
        assert word in refused.value.cure
        assert (Image.objects.count(), Watch.objects.count()) == (0, 0)

    @pytest.mark.parametrize("name", ["flatcar", "scratch"])
    def test_what_has_no_image_says_what_to_do(self, now, name):
        with pytest.raises(NoImageToAdopt) as refused:
            adopt(now, name, "stable")
        assert refused.value.cure

    def test_a_version_that_is_not_there(self, now):
        listed(now)
        with pytest.raises(DefinitionMissing, match="'9'"):
            adopt(now, version="9")


class TestStarterSet:
    def test_it_says_what_is_adopted_and_what_may_be(self, now):
        listed(now)
        adopt(now)
        rows = {entry.definition.name: entry for entry in starter_set(now)}
        assert list(rows) == [one.name for one in definitions()]
        debian = {row.defined.name: row for row in rows["debian-slim"].versions}
        assert (debian["12"].version is not None, debian["12"].watch is not None) == (True, True)
        assert (debian["13"].version, debian["13"].is_host_trusted) == (None, True)
        assert not any(row.is_host_trusted for row in rows["ubi-micro"].versions)
        assert (rows["debian-slim"].is_adopted, rows["alpine"].is_adopted) == (True, False)

    def test_its_queries_do_not_grow(self, now, django_assert_num_queries):
        listed(now)
        for version in ("12", "13"):
            adopt(now, version=version)
        with django_assert_num_queries(5):
            starter_set(now)


class TestOverRest:
    @pytest.fixture
    def admin(self):
        client = Client()
        client.force_login(person_with(Role.PLATFORM_ADMIN), backend="django.contrib.auth.backends.ModelBackend")
        return client

    def test_listed_and_adopted(self, admin):
        listed(timezone.now())
        names = [row["name"] for row in admin.get("/api/v1/definitions").json()["results"]]
        assert names == [one.name for one in definitions()]
        path = "/api/v1/definitions/debian-slim"
        made = admin.post(f"{path}/adopt", {}, content_type="application/json")
        assert (made.status_code, made.json()["version"]) == (201, "debian-slim/13")
        again = admin.post(f"{path}/adopt", {"version": "13"}, content_type="application/json")
        assert (again.status_code, again.json()["is_new"]) == (200, False)
        shown = admin.get(path).json()
        assert [row["watch"] for row in shown["versions"]] == [made.json()["watch"]["id"], None]
        assert {row["support"] for row in shown["versions"]} == {"unknown"}  # no feed of dates was read

    def test_a_definition_of_ones_own(self, admin):
        listed(timezone.now(), "registry.example.org")
        made = admin.post("/api/v1/definitions", {"text": GOOD}, content_type="application/json")
        assert (made.status_code, made.json()["version"]) == (201, "ours/1")

    def test_a_malformed_one_names_its_field(self, admin):
        text = GOOD.replace("has_shell", "has_shel")
        refused = admin.post("/api/v1/definitions", {"text": text}, content_type="application/json")
        assert (refused.status_code, refused.json()["code"]) == (400, "definition_malformed")
        assert "minimality.has_shell" in refused.json()["detail"]

    def test_there_is_no_such_definition(self, admin):
        assert admin.get("/api/v1/definitions/windows").status_code == 404


@pytest.mark.integration
class TestAgainstARealRegistry:
    def test_the_upstream_tag_becomes_a_candidate_before_its_reviewers(self, tmp_path, now, settings):
        settings.GOLDGATE_HOME = tmp_path / "home"
        with docker_registry(tmp_path / "upstream") as host:
            listed(now, host, base_url=f"http://{host}", allow_private=True)
            push(HELLO, host, "base/ours:1")
            found = parse_definition(GOOD.replace("registry.example.org", host), file="ours.toml")
            done = adopt_definition(
                definition=found, version_name="1", adopted_by=person_with(Role.PLATFORM_ADMIN), now=now
            )
            run_due_jobs()
            adopt_definition(definition=found, version_name="1", adopted_by=person_with(Role.PLATFORM_ADMIN), now=now)
            run_due_jobs()
        assert [one.version for one in Subversion.objects.all()] == [done.version]
        assert Import.objects.count() == 1
