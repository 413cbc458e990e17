"""What tests of the gate share."""

from pathlib import Path

import pytest

from tests.factories.gate import SnapshotFactory


@pytest.fixture
def snapshot_of(tmp_path: Path) -> SnapshotFactory:
    """Makes snapshots on disk and opens them."""
    return SnapshotFactory(tmp_path)
