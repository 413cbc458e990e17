"""Archives as a builder leaves them.

built(now, image_archive(tmp_path, {"app": b"1"}))    # a build whose archive waits to be taken in
"""

import json
import shutil
import tarfile
from datetime import datetime
from pathlib import Path

from builds.models import Build, Source
from builds.services.directories import directory_of
from tests.factories import images
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.images import archive_on


def image_archive(directory: Path, files: dict[str, bytes], *, labels: dict[str, str] | None = None) -> Path:
    """An OCI archive of one layer of ``files``; its name counts up."""
    target = directory / f"image-{len(list(directory.iterdir()))}.tar"
    archive_on(None, target, files)
    return relabelled(target, labels) if labels else target


def relabelled(archive: Path, labels: dict[str, str]) -> Path:
    """The same image with ``labels``: other bytes, another digest, the same content."""
    blobs, config, layers = images._read(archive)
    config["config"]["Labels"] = labels
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": images._add(blobs, images._json(config), "application/vnd.oci.image.config.v1+json"),
        "layers": layers,
    }
    top = images._add(blobs, images._json(manifest), manifest["mediaType"])
    target = archive.with_name(f"{archive.stem}-relabelled.tar")
    images._write(target, blobs, {"schemaVersion": 2, "manifests": [top]})
    return target


def built(now: datetime, archive: Path, *, source: Source | None = None) -> Build:
    """A build of ``source`` that the builder has finished: its archive waits."""
    source = source or SourceFactory(now)
    build = BuildFactory(now, recipe=RecipeFactory(now, source=source))
    Build.objects.filter(pk=build.pk).update(state="built", started_at=now)
    build.refresh_from_db()
    directory_of(build.pk).mkdir(parents=True)
    shutil.copy(archive, directory_of(build.pk) / "image.tar")
    return build


def digest_of(archive: Path) -> str:
    """The digest of the one image in it."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile("index.json")
        assert member is not None
        return str(json.load(member)["manifests"][0]["digest"])
