"""Archives that Goldgate made itself: looked at, and taken in without an upload."""

from datetime import datetime
from pathlib import Path

import pytest

from audit.models import Record
from registry.errors import LayerNotAsClaimed, MalformedArchive
from registry.models import Artifact, Import
from registry.selectors import config_documents
from registry.services import configs_in_archive, take_archive
from tests.factories import images
from tests.factories.images import archive_on
from tests.factories.registry import HELLO, archive

pytestmark = pytest.mark.django_db


class TestTakeArchive:
    def test_records_the_image_and_says_where_from(self, now: datetime) -> None:
        taken = take_archive(path=archive("hello-1"), data={"build": "7"}, now=now)

        assert taken.digest == HELLO
        assert Record.objects.get(verb="artifact.imported").data["build"] == "7"
        assert not Import.objects.exists()

    def test_twice_is_once(self, now: datetime) -> None:
        first = take_archive(path=archive("hello-1"), data={}, now=now)
        again = take_archive(path=archive("hello-1"), data={}, now=now)

        assert first == again
        assert Artifact.objects.count() == 1
        assert Record.objects.filter(verb="artifact.imported").count() == 1

    def test_a_layer_that_is_not_as_claimed(self, now: datetime, tmp_path: Path) -> None:
        made = archive_on(None, tmp_path / "a.tar", {"app": b"1"})
        blobs, config, layers = images._read(made)
        config["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": images._add(blobs, images._json(config), "application/vnd.oci.image.config.v1+json"),
            "layers": layers,
        }
        top = images._add(blobs, images._json(manifest), manifest["mediaType"])
        images._write(tmp_path / "b.tar", blobs, {"schemaVersion": 2, "manifests": [top]})

        with pytest.raises(LayerNotAsClaimed):
            take_archive(path=tmp_path / "b.tar", data={}, now=now)

        assert not Artifact.objects.exists()

    def test_what_is_no_archive(self, now: datetime, tmp_path: Path) -> None:
        (tmp_path / "x.tar").write_bytes(b"x" * 1024)

        with pytest.raises(MalformedArchive):
            take_archive(path=tmp_path / "x.tar", data={}, now=now)


class TestConfigsInArchive:
    def test_reads_what_will_be_taken_in_and_stores_nothing(self, now: datetime) -> None:
        seen = configs_in_archive(archive("debian-12-new"))

        assert not Artifact.objects.exists()
        assert seen == config_documents(take_archive(path=archive("debian-12-new"), data={}, now=now))
