"""Tiny real images, certified repositories and keys, for tests of signing and admission."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from audit.actor import Actor
from oci.digest import Digest
from registry import services as registry_services
from registry.adapters.interface import FetchedManifest
from registry.models import Artifact, Registry, Repository
from registry.services.contents import gather
from registry.services.progress import Meter
from registry.services.records import record_artifacts
from signing import services
from signing.adapters.key_file import FileSigner, make_key_file
from signing.domain import ecdsa
from signing.models import SigningKey

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class Images:
    """Bytes of images made in memory; an ``ArtifactSource`` that registry/ records like any other."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, body: bytes) -> dict[str, Any]:
        digest = str(Digest.of(body))
        self.blobs[digest] = body
        return {"digest": digest, "size": len(body)}

    def image(
        self, name: str, *, user: str = "65532", base: "str | None" = None, arch: str = "amd64"
    ) -> dict[str, Any]:
        """A descriptor of an image whose layers hold files named ``base`` and ``name``."""
        layers, diff_ids = [], []
        for part in [base, name] if base else [name]:
            packed, diff_id = _layer(part)
            layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **self.add(packed)})
            diff_ids.append(diff_id)
        config = {
            "architecture": arch,
            "os": "linux",
            "config": {"User": user},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created_by": part} for part in ([base, name] if base else [name])],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **self.add(_json(config))},
            "layers": layers,
        }
        return {"mediaType": MANIFEST, **self.add(_json(manifest)), "platform": {"os": "linux", "architecture": arch}}

    def index(self, *children: dict[str, Any]) -> dict[str, Any]:
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(children)}
        return {"mediaType": INDEX, **self.add(_json(document))}

    def manifest(self, digest: Digest) -> bytes:
        return self.blobs[str(digest)]

    def blob(self, digest: Digest, *, max_bytes: int) -> Iterator[bytes]:
        yield self.blobs[str(digest)]


def known_artifact(images: Images, descriptor: dict[str, Any], *, now: datetime) -> Artifact:
    """Record an image, as an import does, in no repository."""
    body = images.blobs[descriptor["digest"]]
    top = FetchedManifest(body, descriptor["mediaType"], Digest.of(body))
    gathered = gather(images, top, platforms=(), meter=Meter(), now=now)
    with transaction.atomic():
        artifact, _ = record_artifacts(gathered, now=now)
    return artifact


def certified_layout(directory: Path, *, now: datetime, public_name: str = "registry.example/golden") -> Registry:
    """A certified side that is a directory."""
    host, _, prefix = public_name.partition("/")
    return Registry.objects.create(
        name="certified",
        kind="layout",
        side="certified",
        host=host,
        path_prefix=prefix,
        layout_path=str(directory),
        public_name=public_name,
        is_trusted=True,
        created_at=now,
    )


def certified_repository(registry: Registry, path: str, *, now: datetime) -> Repository:
    return registry_services.ensure_repository(registry=registry, path=path, now=now)


def signing_key(directory: Path, *, now: datetime) -> tuple[SigningKey, FileSigner]:
    """A key in a file, registered as the one in use."""
    path = directory / "signing.pem"
    public_key = make_key_file(path, passphrase=None)
    key = services.register_key(public_pem=ecdsa.pem_of(public_key), actor=Actor.system("test"), now=now)
    return key, FileSigner.load(str(path))


def _layer(name: str) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        body = name.encode()
        info = tarfile.TarInfo(f"opt/{name}")
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    return gzip.compress(buffer.getvalue(), mtime=0), str(Digest.of(buffer.getvalue()))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
