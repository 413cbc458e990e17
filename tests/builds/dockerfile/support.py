"""What the tests of Dockerfiles share."""

from datetime import datetime
from pathlib import Path

from catalog.models import Subversion, Version
from registry.models import Artifact, Repository, RepositoryArtifact
from tests.factories.approvals import ProposalFactory, certified
from tests.factories.catalog import ArtifactFactory, SubversionFactory, VersionFactory
from tests.factories.registry import RegistryFactory

HOSTILE = Path(__file__).parents[2] / "data" / "dockerfiles" / "hostile"


def certify(now: datetime, name: str, *, purpose: str = "runtime", **artifact: object) -> Subversion:
    """A new certified build of ``image/version``."""
    version = _version(name) or VersionFactory(now, name)
    if purpose != version.image.purpose:
        version.image.purpose = purpose
        version.image.save(update_fields=["purpose"])
    made = SubversionFactory(now, version=version, artifact=ArtifactFactory(now, **artifact))
    certified(now, proposal=ProposalFactory(now, subversion=made))
    made.refresh_from_db()
    return made


def reference_of(subversion: Subversion) -> str:
    """``host/path@digest``, as teams write it."""
    return f"{subversion.certified_repository}@{subversion.certified_digest}"


def imported(now: datetime, name: str = "registry.upstream.example/library/debian", **registry: object) -> Artifact:
    """An upstream image that was imported from ``host/path``, whose registry is trusted unless told otherwise."""
    host, _, path = name.partition("/")
    where = RegistryFactory(host=host, **{"is_trusted": True, **registry})
    repository = Repository.objects.create(registry=where, path=path, created_at=now)
    artifact = ArtifactFactory(now)
    RepositoryArtifact.objects.create(repository=repository, artifact=artifact, first_seen_at=now)
    return artifact


def _version(name: str) -> Version | None:
    image, _, version = name.partition("/")
    return Version.objects.select_related("image").filter(image__name=image, name=version).first()
