from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, settings) -> None:
    """A store of its own."""
    settings.GOLDGATE_HOME = str(tmp_path / "home")
