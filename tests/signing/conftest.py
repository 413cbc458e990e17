"""A certified side that is a directory, a key in a file, an image."""

from datetime import datetime
from pathlib import Path

import pytest

from approvals import services as approvals
from registry.models import Artifact, Repository
from signing.adapters.key_file import FileSigner
from signing.models import SigningKey
from tests.factories.signing import Images, certified_layout, certified_repository, known_artifact, signing_key


@pytest.fixture
def target(tmp_path: Path, now: datetime) -> Repository:
    registry = certified_layout(tmp_path / "layout", now=now)
    return certified_repository(registry, "golden/debian", now=now)


@pytest.fixture
def key_and_signer(tmp_path: Path, now: datetime, settings) -> tuple[SigningKey, FileSigner]:
    settings.GOLDGATE_SIGNING_KEY_FILE = str(tmp_path / "signing.pem")
    return signing_key(tmp_path, now=now)


@pytest.fixture
def signer(key_and_signer: tuple[SigningKey, FileSigner]) -> FileSigner:
    return key_and_signer[1]


@pytest.fixture
def artifact(now: datetime) -> Artifact:
    images = Images()
    return known_artifact(images, images.image("debian"), now=now)


@pytest.fixture
def index(now: datetime) -> Artifact:
    images = Images()
    described = images.index(images.image("debian"), images.image("debian-arm", arch="arm64"))
    return known_artifact(images, described, now=now)


@pytest.fixture(autouse=True)
def _unfinalised(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is certified here stands on reviews alone: finalising, which looks at evidence, would take it back."""
    monkeypatch.setattr(approvals, "finalise", lambda **_: None)
