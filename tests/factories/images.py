"""Real images, changed: a layer of files, or of whiteouts, on top of an OCI archive.

archive_on(base, target, {"usr/lib/os-release": b"ID=plan9\n", "var/lib/.wh.dpkg": b""})
archive_on(None, target, {"app": b"binary"})   # FROM scratch
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path


def archive_on(base: Path | None, target: Path, files: Mapping[str, bytes]) -> Path:
    """Write the archive of ``base`` with one more layer of ``files`` to ``target``."""
    blobs, config, layers = _read(base) if base else ({}, _scratch_config(), [])
    unpacked = _tar(files)
    packed = gzip.compress(unpacked, mtime=0)
    config["rootfs"]["diff_ids"] = [*config["rootfs"]["diff_ids"], _digest(unpacked)]
    config.pop("history", None)
    layers = [*layers, _add(blobs, packed, "application/vnd.oci.image.layer.v1.tar+gzip")]
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _add(blobs, _json(config), "application/vnd.oci.image.config.v1+json"),
        "layers": layers,
    }
    top = _add(blobs, _json(manifest), manifest["mediaType"])
    _write(target, blobs, {"schemaVersion": 2, "manifests": [top]})
    return target


def _scratch_config() -> dict:
    return {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}


def _read(path: Path) -> tuple[dict[str, bytes], dict, list[dict]]:
    with tarfile.open(path) as archive:
        names = [member.name for member in archive.getmembers() if member.isfile()]
        bodies = {name: archive.extractfile(name).read() for name in names}
    blobs = {f"sha256:{name.rpartition('/')[2]}": body for name, body in bodies.items() if name.startswith("blobs/")}
    manifest = json.loads(blobs[json.loads(bodies["index.json"])["manifests"][0]["digest"]])
    return blobs, json.loads(blobs[manifest["config"]["digest"]]), manifest["layers"]


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(body), 0o644
            layer.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def _write(target: Path, blobs: Mapping[str, bytes], index: dict) -> None:
    with tarfile.open(target, "w") as archive:
        for name in ("blobs", "blobs/sha256"):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(directory)
        bodies = {f"blobs/sha256/{digest.partition(':')[2]}": body for digest, body in blobs.items()}
        bodies |= {"index.json": _json(index), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        for name, body in bodies.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))


def _add(blobs: dict[str, bytes], body: bytes, media_type: str) -> dict:
    blobs[_digest(body)] = body
    return {"mediaType": media_type, "digest": _digest(body), "size": len(body)}


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _json(value: dict) -> bytes:
    return json.dumps(value).encode()
