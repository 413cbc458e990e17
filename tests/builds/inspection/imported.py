"""Images whose layers a test writes byte by byte, imported as a person and the worker would.

imported(tmp_path, layer(entry("etc/passwd")), config={"User": "65532"}) -> Artifact
"""

import hashlib
import itertools
from datetime import datetime
from pathlib import Path
from typing import Any

from registry import services
from registry.models import Artifact
from tests.builds.inspection.layer_bytes import gz
from tests.factories import images
from tests.factories.accounts import PersonFactory
from tests.factories.registry import EARLY, pieces

_number = itertools.count(1)


def imported(
    tmp_path: Path, *layers: bytes, config: dict[str, Any] | None = None, now: datetime = EARLY, **fields: Any
) -> Artifact:
    """An image of ``layers``, lowest first, each a tar."""
    blobs: dict[str, bytes] = {}
    body = images._scratch_config() | {"config": config or {}, **fields}
    body["rootfs"]["diff_ids"] = [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": images._add(blobs, images._json(body), "application/vnd.oci.image.config.v1+json"),
        "layers": [images._add(blobs, gz(one), "application/vnd.oci.image.layer.v1.tar+gzip") for one in layers],
    }
    top = images._add(blobs, images._json(manifest), manifest["mediaType"])
    path = tmp_path / f"image-{next(_number)}.oci.tar"
    images._write(path, blobs, {"schemaVersion": 2, "manifests": [top]})
    asked = services.import_archive(chunks=pieces(path), requested_by=PersonFactory(), now=now)
    return services.run_import(import_id=asked.pk, now=now)
