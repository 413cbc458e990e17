"""The merged list beside what umoci unpacks of the same layers: whiteouts, links and modes."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from builds.domain.layer_files import Kind
from tests.builds.inspection.layer_bytes import HARD, LINK, directory, entry, gz, layer, read
from tests.factories import images
from tests.registry.servers import tool

pytestmark = pytest.mark.integration

LOWER = layer(
    directory("etc"),
    entry("etc/passwd", b"root"),
    entry("etc/gone", b"1"),
    directory("opt"),
    directory("opt/old"),
    entry("opt/old/deep", b"1"),
    directory("usr"),
    directory("usr/bin"),
    entry("usr/bin/su", b"su", mode=0o4755),
    entry("bin", type=LINK, target="usr/bin"),
    entry("name", b"file"),
    directory("dir"),
    entry("dir/inside", b"1"),
)
UPPER = layer(
    entry("etc/.wh.gone"),
    directory("opt"),
    entry("opt/.wh..wh..opq"),
    entry("opt/new", b"2"),
    entry("bin/through", b"written through a link", mode=0o755),
    entry("usr/bin/su-too", type=HARD, target="usr/bin/su", mode=0o4755),
    directory("name"),
    entry("name/now-a-directory", b"1"),
    entry("dir", b"now a file"),
    entry("etc/passwd", b"root and more", mode=0o600),
)


def layout(target: Path, *layers: bytes) -> Path:
    """An OCI layout of the layers, as image ``x``."""
    blobs: dict[str, bytes] = {}
    config = images._scratch_config()
    config["rootfs"]["diff_ids"] = [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": images._add(blobs, images._json(config), "application/vnd.oci.image.config.v1+json"),
        "layers": [images._add(blobs, gz(one), "application/vnd.oci.image.layer.v1.tar+gzip") for one in layers],
    }
    top = images._add(blobs, images._json(manifest), manifest["mediaType"])
    top["annotations"] = {"org.opencontainers.image.ref.name": "x"}
    (target / "blobs" / "sha256").mkdir(parents=True)
    for digest, body in blobs.items():
        (target / "blobs" / digest.replace(":", "/")).write_bytes(body)
    (target / "index.json").write_bytes(images._json({"schemaVersion": 2, "manifests": [top]}))
    (target / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return target


def unpacked(root: Path) -> dict[str, tuple[str, int, str]]:
    """Path → kind, mode, and what it holds."""
    found = {}
    for path in root.rglob("*"):
        about, name = path.lstat(), str(path.relative_to(root))
        if stat.S_ISLNK(about.st_mode):
            found[name] = (Kind.LINK, 0, os.readlink(path))
        elif stat.S_ISDIR(about.st_mode):
            found[name] = (Kind.DIRECTORY, stat.S_IMODE(about.st_mode), "")
        else:
            found[name] = (Kind.FILE, stat.S_IMODE(about.st_mode), hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def test_the_same_files_with_the_same_modes(tmp_path):
    image = layout(tmp_path / "layout", LOWER, UPPER)
    command = [tool("umoci"), "unpack", "--rootless", "--image", f"{image}:x", str(tmp_path / "bundle")]
    subprocess.run(command, check=True, capture_output=True)
    listed = {
        path: (one.kind, 0 if one.kind is Kind.LINK else one.mode, one.sha256 or one.target)
        for path, one in read(tmp_path, gz(LOWER), gz(UPPER)).items()
    }
    assert listed == unpacked(tmp_path / "bundle" / "rootfs")
