import pytest

from tests.builds.repositories import Repository
from tests.factories.builds import SourceFactory

DOCKERFILE = "FROM scratch\nCOPY motd /etc/motd\nUSER 65532\n"
FILES = {"Dockerfile": DOCKERFILE, "motd": "Welcome\n", "scripts/run.sh": "#!/bin/sh\nexec true\n"}


@pytest.fixture
def below(tmp_path, settings):
    """The one directory of this machine whose repositories may be sources."""
    directory = tmp_path / "sources"
    directory.mkdir()
    settings.GOLDGATE_SOURCE_DIRECTORIES = str(directory)
    return directory


@pytest.fixture
def repository(below):
    """A repository with a Dockerfile and two files on main."""
    made = Repository(below / "base.git")
    made.commit(FILES, programs=("scripts/run.sh",))
    return made


@pytest.fixture
def source(now, repository):
    """A source of that repository."""
    return SourceFactory(now, url=repository.url)
