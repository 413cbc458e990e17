"""A certified side on a real registry, and images that were certified there by the jobs that do it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from approvals import services as approvals
from catalog import services as catalog
from catalog.models import Subversion
from oci.digest import Digest
from registry.adapters.interface import RegistrySide
from registry.adapters.sides import side_for
from registry.models import Artifact, Registry, Repository
from signing import services as signing
from signing.adapters.key_file import FileSigner
from signing.models import Publication
from tests.factories.authority import begin_certified, subversion_of
from tests.factories.signing import Images, certified_layout, certified_repository, known_artifact, signing_key
from tests.registry.servers import docker_registry


def silent(**_: object) -> None:
    """Progress that nobody follows."""


@dataclass
class CertifiedSide:
    """One repository of the certified side, and what was certified into it."""

    repository: Repository
    images: Images
    now: datetime
    signer: FileSigner
    stop: Callable[[], None]

    @property
    def side(self) -> RegistrySide:
        return side_for(self.repository.registry)

    def image(self, name: str) -> Artifact:
        return known_artifact(self.images, self.images.image(name), now=self.now)

    def certify(self, artifact: Artifact, *, tag: str = "12", at: datetime | None = None) -> Publication:
        """Copied, signed and sent as the signing jobs do; on reviews of nothing, which are not the matter here."""
        begun = begin_certified(artifact, self.repository, at or self.now, tag=tag)
        signing.copy_publication(publication_id=begun.pk, progress=silent, now=at or self.now)
        signing.sign_publication(publication_id=begun.pk, signer=self.signer, now=at or self.now)
        signing.send_publication(publication_id=begun.pk, progress=silent, now=at or self.now)
        return Publication.objects.get(pk=begun.pk)

    def usable(self, artifact: Artifact) -> Subversion:
        """A subversion whose certificate holds for 90 days."""
        found = subversion_of(artifact, self.now)
        catalog.set_certified(
            subversion=found,
            starts_at=self.now,
            ends_at=self.now + timedelta(days=90),
            repository=self.repository.name,
        )
        return found

    def push(self, artifact: Artifact, tag: str) -> None:
        """What somebody with a password of the registry does behind our back."""
        body = self.images.blobs[artifact.digest]
        for digest, blob in self.images.blobs.items():
            if digest != artifact.digest:
                self.side.put_blob(self.repository.path, Digest.parse(digest), len(blob), [blob])
        self.side.put_manifest(self.repository.path, tag, body, artifact.media_type)


@pytest.fixture
def on_server(tmp_path: Path, now: datetime, settings) -> Iterator[CertifiedSide]:
    """A real docker-registry."""
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_SIGNING_KEY_FILE = str(tmp_path / "signing.pem")
    server = docker_registry(tmp_path / "registry")
    host = server.__enter__()
    is_up = [True]

    def stop() -> None:
        if is_up.pop():
            server.__exit__(None, None, None)
        is_up.append(False)

    registry = Registry.objects.create(
        name="certified",
        side="certified",
        host=host,
        base_url=f"http://{host}",
        path_prefix="golden",
        allow_private=True,
        created_at=now,
    )
    _, signer = signing_key(tmp_path, now=now)
    try:
        yield CertifiedSide(certified_repository(registry, "golden/debian", now=now), Images(), now, signer, stop)
    finally:
        stop()


@pytest.fixture
def in_directory(tmp_path: Path, now: datetime, settings) -> CertifiedSide:
    """A directory."""
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_SIGNING_KEY_FILE = str(tmp_path / "signing.pem")
    registry = certified_layout(tmp_path / "layout", now=now)
    _, signer = signing_key(tmp_path, now=now)
    repository = certified_repository(registry, "golden/debian", now=now)
    return CertifiedSide(repository, Images(), now, signer, lambda: None)


@pytest.fixture(autouse=True)
def _unfinalised(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is certified here stands on reviews alone: finalising, which looks at evidence, would take it back."""
    monkeypatch.setattr(approvals, "finalise", lambda **_: None)
