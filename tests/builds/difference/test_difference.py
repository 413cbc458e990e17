from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.roles import Role
from builds.domain.difference import Unknown
from builds.errors import NothingToCompare
from builds.selectors.differences import difference
from builds.services.inspections import inspect_artifact
from catalog import services as catalog
from scans.services import inventory_artifact, match_artifact
from tests.builds.inspection.imported import imported
from tests.builds.inspection.layer_bytes import entry, layer
from tests.factories.accounts import person_with
from tests.factories.catalog import IndexFactory, SubversionFactory, VersionFactory
from tests.factories.registry import artifact_row, import_image
from tests.factories.scans import import_real_feeds

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer() -> APIClient:
    client = APIClient()
    client.force_authenticate(person_with(Role.VIEWER))
    return client


def certify(subversion, at):
    catalog.set_certified(
        subversion=subversion, starts_at=at, ends_at=at + timedelta(days=90), repository="registry.example/golden/x"
    )
    return subversion


class TestRealImages:
    def test_names_what_a_rebuild_changed(self, now):
        import_real_feeds(now)
        old, rebuilt = import_image("debian-12-old"), import_image("debian-12-rebuilt")
        for image in (old, rebuilt):
            inventory_artifact(artifact=image, now=now)
            match_artifact(artifact=image, now=now)
            inspect_artifact(image.pk, now=now)
        found = difference(old, rebuilt).as_json()
        summary, (told,) = found["summary"], found["images"]
        moves = {row["name"]: (row["change"], row["older"], row["newer"]) for row in told["packages"]["changes"]}
        assert moves["openssl"] == ("upgraded", "3.0.20-1~deb12u2", "3.0.22-1~deb12u2")
        assert {move for move, _, _ in moves.values()} == {"upgraded"}
        assert summary["packages_upgraded"] == len(moves) == 12
        assert (summary["findings_fixed"], summary["findings_new"], summary["findings_remaining"]) == (79, 0, 27)
        assert summary["worst_new_severity"] == "none"
        assert (summary["layers_shared"], summary["new_setuid_count"]) == (1, 0)
        assert told["unknown"] == {}
        assert [row["field"] for row in told["configuration"]][:1] == ["user"]
        assert summary["has_config_change"] is True

    def test_what_nobody_looked_at_is_unknown_and_not_nothing(self):
        found = difference(import_image("debian-12-old"), import_image("debian-12-new"))
        (image,) = found.images
        assert isinstance(image.packages, Unknown)
        assert set(image.unknown) == {"packages", "findings", "files"}
        assert "older image was not inventoried" in image.unknown["packages"]
        assert found.summary()["findings_new"] is None

    def test_files_that_could_not_be_read_are_unknown_with_the_reason(self, now, tmp_path):
        good = imported(tmp_path, layer(entry("a")))
        bad = imported(tmp_path, layer(entry("../a")))
        for image in (good, bad):
            inspect_artifact(image.pk, now=now)
        (image,) = difference(good, bad).images
        assert "newer image could not be read: Layer 1" in image.unknown["files"]

    def test_one_digest_is_the_same(self, now):
        image = import_image("debian-12-old")
        inspect_artifact(image.pk, now=now)
        found = difference(image, image)
        assert found.is_same
        assert found.images[0].files.counts == {"added": 0, "removed": 0, "changed": 0}

    def test_indexes_are_compared_platform_by_platform(self, now):
        amd, arm = artifact_row(architecture="amd64"), artifact_row(architecture="arm64")
        amd_2, s390 = artifact_row(architecture="amd64"), artifact_row(architecture="s390x")
        found = difference(IndexFactory(now, amd, arm), IndexFactory(now, amd_2, s390))
        assert [(one.older.digest, one.newer.digest) for one in found.images] == [(amd.digest, amd_2.digest)]
        assert (found.only_older, found.only_newer) == (("linux/arm64",), ("linux/s390x",))

    def test_an_image_and_an_index_that_lists_its_platform(self, now):
        image, child = artifact_row(), artifact_row()
        found = difference(image, IndexFactory(now, child, artifact_row(architecture="arm64")))
        assert [one.newer.digest for one in found.images] == [child.digest]
        assert found.only_newer == ("linux/arm64",)

    def test_what_does_not_run_cannot_be_compared(self):
        with pytest.raises(NothingToCompare):
            difference(artifact_row(), artifact_row(kind="attestation"))


class TestApi:
    def test_answers_by_digest_and_by_name(self, viewer, now):
        yesterday = timezone.now() - timedelta(days=1)
        older = certify(SubversionFactory(now, version=VersionFactory(now, "debian/12"), name="12.1"), yesterday)
        newer = artifact_row()
        for name in (
            older.artifact.digest,
            f"registry.example/x@{older.artifact.digest}",
            "debian/12@12.1",
            "debian/12",
        ):
            answer = viewer.get("/api/v1/differences", {"from": name, "to": newer.digest})
            assert answer.status_code == 200, answer.data
            assert answer.json()["older"]["digest"] == older.artifact.digest
            assert answer.json()["schema"] == "goldgate.difference/v1"

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            pytest.param({"from": "sha256:" + "0" * 64}, 400, "invalid", id="one is missing"),
            pytest.param({"from": "", "to": ""}, 400, "invalid", id="both are empty"),
            pytest.param({"from": "x" * 700, "to": "x"}, 400, "invalid", id="too long"),
            pytest.param({"from": "debian/99", "to": "debian/99"}, 404, "no_such_image", id="nothing is called so"),
            pytest.param({"from": "a\0b/c@d", "to": "e"}, 400, "invalid", id="what no name can be"),
            pytest.param({"from": "sha256:" + "0" * 64, "to": "x"}, 404, "artifact_unknown", id="unknown digest"),
            pytest.param({"from": "a", "to": "b", "at": "now"}, 400, "invalid", id="a parameter that there is not"),
        ],
    )
    def test_refuses_what_names_nothing(self, viewer, query, status, code):
        answer = viewer.get("/api/v1/differences", query)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    def test_needs_a_sign_in(self):
        assert APIClient().get("/api/v1/differences", {"from": "a", "to": "b"}).status_code == 401
