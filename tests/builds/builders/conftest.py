import pytest

from tests.builds.builders.support import busybox_base


@pytest.fixture(autouse=True)
def _own_home(settings, tmp_path):
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_HOME.mkdir(mode=0o700)


@pytest.fixture
def base(db, now, tmp_path):
    return busybox_base(now, tmp_path)
