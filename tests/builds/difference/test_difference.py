import pytest

from builds.domain.difference import Unknown
from builds.selectors.differences import difference
from builds.services.inspections import inspect_artifact
from scans.services import inventory_artifact, match_artifact
from tests.factories.registry import import_image
from tests.factories.scans import import_real_feeds

pytestmark = pytest.mark.django_db


class TestRealImages:
    def test_names_what_a_rebuild_changed(self, now):
        import_real_feeds(now)
        old, rebuilt = import_image("debian-12-old"), import_image("debian-12-rebuilt")
        for image in (old, rebuilt):
            inventory_artifact(artifact=image, now=now)
            match_artifact(artifact=image, now=now)
            inspect_artifact(image.pk, now=now)
        found = difference(old, rebuilt).as_json()
        summary = found["summary"]
        upgraded = {row["name"] for row in found["images"][0]["packages"]["changes"]}
        assert "openssl" in upgraded
        assert summary["packages_upgraded"] == len(upgraded)
        assert summary["findings_fixed"] == 79
        assert summary["findings_new"] == 0
        assert summary["layers_shared"] == 1
        assert found["images"][0]["unknown"] == {}
        assert [row["field"] for row in found["images"][0]["configuration"]][:1] == ["user"]

    def test_what_nobody_looked_at_is_unknown_and_not_nothing(self, now):
        old, new = import_image("debian-12-old"), import_image("debian-12-new")
        found = difference(old, new)
        assert isinstance(found.images[0].packages, Unknown)
        assert found.summary()["findings_new"] is None
        assert found.summary()["is_only_package_patches"] is False  # its user changed
