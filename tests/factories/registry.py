"""Registries, artifacts and real imports for tests.

import_image("debian-12-old") -> Artifact       # the real image, through the services
artifact_row(digest=…) -> Artifact              # a bare row without bytes
RegistryFactory(host="registry.example")
LayoutFactory(side="certified")                 # a certified registry on disk
"""

import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from accounts.models import Person
from registry import services
from registry.models import Artifact, Registry, Repository
from tests.factories.accounts import PersonFactory

IMAGES = Path(__file__).parents[1] / "data" / "images"
EARLY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
OLD = "sha256:83c743567b74a41b1b6ff21df1cf815726ee5a1af4d3f8cdcc9f1da87001e547"
NEW = "sha256:462fed7e2e34f1a2123451cb82b88c255aaed11b627192274648860c0343dc5d"
REBUILT = "sha256:85b126893f21b03974f4c8e4e87883c7ec2239f8bfd714a69874c53ef5941e13"
HELLO = "sha256:54f398cc2ea1da5e78e97dfb6ec67354065dfdbd12f003637fb1975e7dc7be5c"
_number = itertools.count(1)


def archive(name: str) -> Path:
    """The archive of a real image: debian-12-old, debian-12-new, debian-12-rebuilt, hello-1."""
    return IMAGES / f"{name}.oci.tar"


def pieces(path: Path, size: int = 65536) -> Iterator[bytes]:
    """A file's bytes in pieces."""
    with path.open("rb") as file:
        while piece := file.read(size):
            yield piece


def import_image(name: str, *, requested_by: Person | None = None, now: datetime = EARLY) -> Artifact:
    """Import a real image as a person and the worker would."""
    person = requested_by or PersonFactory()
    asked = services.import_archive(chunks=pieces(archive(name)), requested_by=person, now=now)
    return services.run_import(import_id=asked.pk, now=now)


def RegistryFactory(host: str = "", **fields) -> Registry:  # noqa: N802
    """A source registry that nothing connects to until asked."""
    chosen = host or f"registry-{next(_number)}.example"
    given = {"name": chosen, "host": chosen, "base_url": f"https://{chosen}", "created_at": EARLY, **fields}
    return Registry.objects.create(**given)


def LayoutFactory(public_name: str = "", **fields) -> Registry:  # noqa: N802
    """A certified side that is a directory below GOLDGATE_HOME."""
    number = next(_number)
    chosen = public_name or f"certified-{number}.example/golden"
    host, _, prefix = chosen.partition("/")
    given = {
        "name": f"certified {number}",
        "kind": Registry.Kind.LAYOUT,
        "side": Registry.Side.CERTIFIED,
        "host": host,
        "path_prefix": prefix,
        "public_name": chosen,
        "layout_path": str(Path(settings.GOLDGATE_HOME) / "layouts" / f"{number}"),
        "created_at": EARLY,
        **fields,
    }
    return Registry.objects.create(**given)


def RepositoryFactory(registry: Registry | None = None, path: str = "library/debian") -> Repository:  # noqa: N802
    """A repository of ``registry``."""
    return Repository.objects.create(registry=registry or RegistryFactory(), path=path, created_at=EARLY)


def artifact_row(digest: str = "", **fields) -> Artifact:
    """An image's row alone: its bytes are nowhere."""
    chosen = digest or "sha256:" + hashlib.sha256(str(next(_number)).encode()).hexdigest()
    given = {
        "digest": chosen,
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "kind": Artifact.Kind.IMAGE,
        "manifest_bytes": 1,
        "size_bytes": 1,
        "os": "linux",
        "architecture": "amd64",
        "created_at": EARLY,
        **fields,
    }
    return Artifact.objects.create(**given)
