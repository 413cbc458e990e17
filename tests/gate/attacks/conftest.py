"""A gate that holds snapshot 2 of a publisher, for one attack after another."""

from pathlib import Path
from typing import NamedTuple

import pytest

from core.errors import GoldgateError
from gate.clock import Clock
from gate.fetcher import Fetcher
from gate.holder import Holder
from gate.home import Home
from tests.gate.support import DirectorySource, Repository, make_home


class Scene(NamedTuple):
    """Publisher, gate, and the way between them."""

    repository: Repository
    home: Home
    source: DirectorySource
    clock: Clock
    fetcher: Fetcher

    def in_force(self) -> int:
        """The version that a serving process started now would answer from; 0: none."""
        holder = Holder(self.home, self.clock)
        holder.refresh()
        return holder.snapshot.version if holder.snapshot else 0

    def restarted(self) -> Fetcher:
        """A fetcher as it is after a restart: from disk."""
        return Fetcher(self.home, self.source, Clock(self.home.time_floor_path))

    def refuses(self, error: type[GoldgateError]) -> None:
        """What is published now is refused, also after a restart, and version 2 stays in force."""
        for fetcher in (self.fetcher, self.restarted()):
            with pytest.raises(error):
                fetcher.fetch()
        assert self.in_force() == 2


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two snapshots were published, one after the other, and fetched."""
    repository = Repository(tmp_path / "published")
    home = make_home(tmp_path / "gate", repository)
    source, clock = DirectorySource(repository.directory), Clock(home.time_floor_path)
    found = Scene(repository, home, source, clock, Fetcher(home, source, clock))
    for _ in range(2):
        repository.publish()
        assert found.fetcher.fetch()
    assert found.in_force() == 2
    return found
