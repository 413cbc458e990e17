from dataclasses import replace

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from catalog.definitions import definition
from catalog.errors import DefinitionMissing, HostSystemTaken, HostSystemWrong
from catalog.models import HostSystem
from catalog.services import HostSystemFields, add_host_system
from tests.factories.accounts import person_with

pytestmark = pytest.mark.django_db
FIELDS = HostSystemFields(
    version="stable",
    release="4230.2.1",
    architecture="amd64",
    artifact="flatcar_production_image.bin.bz2",
    checksum="sha512:" + "ab" * 64,
    signature="gpg --verify of the .DIGESTS.asc, by the buildbot key that is pinned here.",
    reason="The release that our hosts move to in December.",
)


def add(now, fields=FIELDS, name="flatcar"):
    return add_host_system(
        definition=definition(name), fields=fields, recorded_by=person_with(Role.PLATFORM_ADMIN), now=now
    )


class TestAddHostSystem:
    def test_release_and_checksum_are_recorded_with_the_person(self, now):
        found = add(now)
        assert (found.name, found.release, found.algorithm, found.checksum) == (
            "flatcar",
            "4230.2.1",
            "sha512",
            "ab" * 64,
        )
        told = Record.objects.get(verb=Verb.HOST_SYSTEM_ADDED)
        assert (told.subject_id, told.data["checksum"]) == (str(found.pk), FIELDS.checksum)

    @pytest.mark.parametrize(
        ("changed", "pointer"),
        [
            pytest.param({"checksum": "sha256:" + "ab" * 64}, "/checksum", id="wrong-length"),
            pytest.param({"checksum": "md5:" + "ab" * 16}, "/checksum", id="weak"),
            pytest.param({"checksum": "sha256:" + "AB" * 32}, "/checksum", id="upper-case"),
            pytest.param({"architecture": "x86"}, "/architecture", id="architecture"),
            pytest.param({"release": "../1"}, "/release", id="release"),
            pytest.param({"signature": " "}, "/signature", id="nobody-verified"),
            pytest.param({"reason": " "}, "/reason", id="no-reason"),
        ],
    )
    def test_a_wrong_field_is_named(self, now, changed, pointer):
        with pytest.raises(HostSystemWrong) as refused:
            add(now, replace(FIELDS, **changed))
        assert [row.pointer for row in refused.value.errors] == [pointer]
        assert not HostSystem.objects.exists()

    def test_another_checksum_for_the_same_release_is_refused(self, now):
        add(now)
        with pytest.raises(HostSystemTaken):
            add(now, replace(FIELDS, checksum="sha512:" + "cd" * 64))

    @pytest.mark.parametrize(("name", "version"), [("debian-slim", "12"), ("flatcar", "nightly")])
    def test_only_host_systems_of_the_starter_set(self, now, name, version):
        with pytest.raises(DefinitionMissing):
            add(now, replace(FIELDS, version=version), name=name)

    def test_the_database_changes_none(self, now):
        found = add(now)
        with pytest.raises(DatabaseError, match="hostsystem"), transaction.atomic():
            HostSystem.objects.filter(pk=found.pk).update(checksum="cd" * 64)
        with pytest.raises(DatabaseError, match="hostsystem"), transaction.atomic():
            found.delete()


class TestOverRest:
    def test_recorded_and_read(self):
        client = Client()
        client.force_login(person_with(Role.PLATFORM_ADMIN), backend="django.contrib.auth.backends.ModelBackend")
        body = {"definition": "flatcar", **{name: getattr(FIELDS, name) for name in FIELDS.__slots__}}
        made = client.post("/api/v1/host-systems", body, content_type="application/json")
        assert made.status_code == 201, made.json()
        assert client.get(made["Location"]).json()["checksum"] == FIELDS.checksum
        assert len(client.get("/api/v1/host-systems?definition=flatcar").json()["results"]) == 1
        assert client.get("/api/v1/host-systems?definition=bottlerocket").json()["results"] == []
