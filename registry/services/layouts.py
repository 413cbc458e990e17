"""An artifact as a local OCI layout, for scanners: verified blobs, no registry's name, no network needed."""

import json
import os
import shutil
from pathlib import Path

from oci import media_types
from oci.digest import Digest
from oci.manifest import Manifest, parse_manifest
from oci.strict_json import MAX_DOCUMENT_BYTES
from registry.blobs import kept_blobs, layer_cache
from registry.models import Artifact, Layer
from registry.services.layers import ensure_cached
from registry.services.progress import Meter, Report, silent


def export_layout(artifact: Artifact, directory: Path, *, progress: Report = silent) -> Path:
    """Write ``artifact`` with all that it names into ``directory`` (made if missing); the directory.

    Blobs are linked, not copied, where the file system allows; pruning the cache meanwhile takes nothing away.
    Raises BlobMissing, and what a registry raises when a layer has to be fetched again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    links = artifact.child_links.select_related("child").order_by("position")
    parts = [*{link.child_id: link.child for link in links}.values(), artifact]
    meter = Meter(progress, total=artifact.size_bytes, text="Writing the layout.")
    for one in parts:
        _place(kept_blobs().path(one.digest), Digest.parse(one.digest), directory)
        manifest = parse_manifest(kept_blobs().read(one.digest, MAX_DOCUMENT_BYTES), one.media_type)
        if isinstance(manifest, Manifest):
            _place_blobs(manifest, directory, meter)
    platform = {"architecture": artifact.architecture, "os": artifact.os} if artifact.os else None
    entry = {"mediaType": artifact.media_type, "digest": artifact.digest, "size": artifact.manifest_bytes}
    index = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [{**entry, "platform": platform} if platform else entry],
    }
    (directory / "index.json").write_text(json.dumps(index))
    (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return directory


def _place_blobs(manifest: Manifest, directory: Path, meter: Meter) -> None:
    for blob in (manifest.config, *manifest.layers):
        store = kept_blobs()
        if not store.has(blob.digest):
            layer = Layer.objects.filter(digest=str(blob.digest)).first()
            if layer:
                ensure_cached(layer, meter=meter)
            store = layer_cache()
        store.size(blob.digest)  # raises BlobMissing, with the cure
        _place(store.path(blob.digest), blob.digest, directory)


def _place(source: Path, digest: Digest, directory: Path) -> None:
    target = directory / "blobs" / digest.algorithm / digest.encoded
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
