"""A home of its own for every test of this room, and a real registry with the real images in it, once for all."""

from collections.abc import Iterator

import pytest

from registry.models import Registry
from tests.factories.registry import RegistryFactory, archive
from tests.registry.servers import docker_registry, push

PUSHED = {
    "debian-12-old": "debian/base:12-old",
    "debian-12-new": "debian/base:12-new",
    "debian-12-rebuilt": "debian/base:12-rebuilt",
    "hello-1": "apps/hello:1",
}


@pytest.fixture(autouse=True)
def _own_home(settings, tmp_path):
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_HOME.mkdir()


@pytest.fixture(scope="session")
def source_host(tmp_path_factory) -> Iterator[str]:
    """host:port of a registry that holds the four images."""
    with docker_registry(tmp_path_factory.mktemp("source")) as host:
        for name, reference in PUSHED.items():
            push(archive(name), host, reference)
        yield host


@pytest.fixture
def source(source_host, db) -> Registry:
    """The same, listed."""
    return RegistryFactory(source_host, base_url=f"http://{source_host}", allow_private=True)
