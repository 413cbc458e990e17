"""A home of its own for every test of this room."""

import pytest


@pytest.fixture(autouse=True)
def _own_home(settings, tmp_path):
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_HOME.mkdir()
