"""A home of its own for each test, with a publisher in it."""

from datetime import datetime
from pathlib import Path

import pytest

from admission import published
from admission.publisher import Publisher
from registry.models import Artifact, Repository
from registry.services.records import record_place
from tests.factories.admission import publisher_in
from tests.factories.signing import Images, certified_layout, certified_repository, known_artifact


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings) -> Path:
    settings.GOLDGATE_HOME = tmp_path
    published._held.clear()
    return tmp_path


@pytest.fixture
def publisher(home: Path, now: datetime) -> Publisher:
    return publisher_in(home, now=now)


@pytest.fixture
def golden(home: Path, now: datetime) -> Repository:
    return certified_repository(certified_layout(home / "layout", now=now), "golden/debian", now=now)


@pytest.fixture
def artifact(golden: Repository, now: datetime) -> Artifact:
    """A known image in the certified repository."""
    images = Images()
    found = known_artifact(images, images.image("debian"), now=now)
    record_place([found], golden, now=now)
    return found
