"""Images of several platforms, and a program of arm64 that this machine runs by emulation or not at all.

index_base(now, tmp_path, {"linux/amd64": {"etc/motd": b"a"}, "linux/arm64/v8": {"etc/motd": b"b"}})   # imported
with emulation():                                                 # of arm64, while the block runs
"""

import contextlib
import gzip
import json
import os
import struct
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from oci.platform import Platform
from registry.adapters.archive import Archive
from registry.models import Artifact
from tests.builds.builders.support import _descriptor, _digest, _tar, imported

TWO = ["linux/amd64", "linux/arm64"]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
QEMU = Path("/usr/bin/qemu-aarch64-static")
# By binfmt_misc's own words: 64-bit little-endian ELF of machine 183. F: opened now, so that builds need not see it.
_RULE = (
    r":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:" + f"{QEMU}:F"
)
# mkdirat(AT_FDCWD, "/made-by-arm64", 0755); write(1, "hello from arm64\n", 17); exit(0). Put together by llvm-mc.
_CODE = bytes.fromhex(
    "600c809281010010a23d80d2480480d2010000d4200080d261010010220280d2080880d2010000d4000080d2a80b80d2010000d4"
    "2f6d6164652d62792d61726d3634000068656c6c6f2066726f6d2061726d36340a"
)


def arm64_program() -> bytes:
    """A static ELF of arm64 that makes the directory ``/made-by-arm64``, says hello and ends well."""
    address = 0x400000
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01" + bytes(9), 2, 183, 1, address + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    size = 120 + len(_CODE)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, address, address, size, size, 0x10000)
    return head + segment + _CODE


def index_archive(
    target: Path, images: Mapping[str, Mapping[str, bytes]], *, labels: Mapping[str, str] | None = None
) -> Path:
    """An OCI archive of an index: platform to the files of its one layer."""
    blobs: dict[str, bytes] = {}
    children = []
    for name, files in images.items():
        platform = Platform.parse(name)
        told = {"os": platform.os, "architecture": platform.architecture}
        told |= {"variant": platform.variant} if platform.variant else {}
        layer = _tar(list(files.items()))
        packed = gzip.compress(layer, mtime=0)
        config = {
            **told,
            "config": {"Labels": dict(labels or {})},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _kept(blobs, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": [_kept(blobs, packed, "application/vnd.oci.image.layer.v1.tar+gzip")],
        }
        children.append({**_kept(blobs, json.dumps(manifest).encode(), MANIFEST), "platform": told})
    kind = "application/vnd.oci.image.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": children}
    top = {"schemaVersion": 2, "manifests": [_kept(blobs, json.dumps(index).encode(), kind)]}
    named = [(f"blobs/sha256/{digest.partition(':')[2]}", body) for digest, body in blobs.items()]
    layout = ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    target.write_bytes(_tar([layout, ("index.json", json.dumps(top).encode()), *named]))
    return target


def _kept(blobs: dict[str, bytes], body: bytes, media_type: str) -> dict[str, object]:
    blobs[_digest(body)] = body
    return _descriptor(body, media_type)


def index_base(now: datetime, directory: Path, images: Mapping[str, Mapping[str, bytes]]) -> Artifact:
    """The index, imported."""
    return imported(index_archive(directory / "index.tar", images), now)


def children_in(archive: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Of an archive's index: platform to manifest and configuration."""
    with Archive(archive) as opened, tarfile.open(archive) as tar:

        def read(digest: str) -> dict[str, Any]:
            member = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
            assert member is not None
            return dict(json.load(member))

        found = {}
        for child in read(str(opened.choose().digest))["manifests"]:
            manifest = read(child["digest"])
            told = child["platform"]
            name = "/".join(told[part] for part in ("os", "architecture", "variant") if told.get(part))
            found[name] = (manifest, read(manifest["config"]["digest"]))
        return found


def files_in(archive: Path, manifest: dict[str, Any]) -> list[str]:
    """The names in the layers of one image of an archive, lowest layer first."""
    names: list[str] = []
    with tarfile.open(archive) as tar:
        for layer in manifest["layers"]:
            member = tar.extractfile(f"blobs/{layer['digest'].replace(':', '/')}")
            with tarfile.open(fileobj=member, mode="r:*") as opened:
                names += [name.removeprefix("./").rstrip("/") for name in opened.getnames()]
    return names


@contextlib.contextmanager
def emulation() -> Iterator[None]:
    """arm64, emulated by this machine. Skips, saying so, where that cannot be."""
    if (BINFMT / "qemu-aarch64").exists():
        yield
        return
    if os.geteuid() != 0 or not QEMU.exists():
        pytest.skip(f"LEFT OUT: arm64 is emulated by nothing here: {QEMU} and root are needed")
    is_mounted = (BINFMT / "register").exists()
    if not is_mounted:
        mounted = subprocess.run(["mount", "-t", "binfmt_misc", "none", str(BINFMT)], check=False, capture_output=True)
        if mounted.returncode != 0:
            pytest.skip("LEFT OUT: this kernel has no binfmt_misc")
    try:
        try:
            (BINFMT / "register").write_text(_RULE)
        except OSError as error:
            pytest.skip(f"LEFT OUT: binfmt_misc takes no rule here: {error.strerror}")
        try:
            yield
        finally:
            (BINFMT / "qemu-aarch64").write_text("-1")
    finally:
        if not is_mounted:
            subprocess.run(["umount", str(BINFMT)], check=True)
