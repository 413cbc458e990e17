"""Fetching: cheap when nothing is new, whole or not at all when something is."""

import threading
import time

import pytest

from gate.clock import Clock
from gate.fetcher import Fetcher, HttpSource, PublisherUnavailable
from gate.holder import Holder
from tests.factories.gate import APP, application, certified_base, moved
from tests.gate.support import DirectorySource, PortalServer, Repository, make_home


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "published")


@pytest.fixture
def home(tmp_path, repository):
    return make_home(tmp_path / "gate", repository)


def fetcher_of(home, source):
    return Fetcher(home, source, Clock(home.time_floor_path))


class TestFetch:
    def test_nothing_published_is_unavailable(self, home, repository):
        with pytest.raises(PublisherUnavailable):
            fetcher_of(home, DirectorySource(repository.directory)).fetch()

    def test_a_look_with_nothing_new_asks_for_the_timestamp_alone(self, home, repository):
        repository.publish()
        source = DirectorySource(repository.directory)
        fetcher = fetcher_of(home, source)
        assert fetcher.fetch()
        source.asked.clear()
        assert not fetcher.fetch()
        assert source.asked == ["timestamp.json"]

    def test_files_that_are_there_already_are_not_fetched_again(self, home, repository):
        repository.publish()
        source = DirectorySource(repository.directory)
        assert fetcher_of(home, source).fetch()
        source.asked.clear()
        assert not fetcher_of(home, source).fetch()
        assert not [name for name in source.asked if "base" in name or "overlay" in name]

    def test_files_of_former_versions_are_removed(self, home, repository):
        source = DirectorySource(repository.directory)
        fetcher = fetcher_of(home, source)
        for _ in range(3):
            repository.publish()
            fetcher.fetch()
        assert len(list(home.targets_path.iterdir())) == 3

    def test_a_file_lost_from_the_disk_is_fetched_again(self, home, repository):
        repository.publish()
        fetcher = fetcher_of(home, DirectorySource(repository.directory))
        fetcher.fetch()
        next(home.targets_path.glob("*.bin")).unlink()
        assert fetcher.fetch()
        assert len(list(home.targets_path.iterdir())) == 3

    def test_a_target_that_is_not_there_yet_changes_nothing(self, home, repository):
        source = DirectorySource(repository.directory)
        fetcher = fetcher_of(home, source)
        repository.publish()
        fetcher.fetch()
        repository.publish()
        missing = next((repository.directory / "targets").glob("*overlay-2.json"))
        body = missing.read_bytes()
        missing.unlink()
        with pytest.raises(OSError, match="overlay-2"):
            fetcher.fetch()
        holder = Holder(home, Clock(home.time_floor_path))
        holder.refresh()
        assert holder.snapshot.version == 1
        missing.write_bytes(body)
        assert fetcher.fetch()
        holder.refresh()
        assert holder.snapshot.version == 2


class TestRun:
    def test_it_goes_on_after_failures_and_says_the_last_one(self, home, repository):
        source = DirectorySource(repository.directory)
        source.is_away = True
        fetcher = fetcher_of(home, source)
        stop = threading.Event()
        object.__setattr__(home, "poll_seconds", 0.02)
        thread = threading.Thread(target=fetcher.run, args=(stop,))
        thread.start()
        try:
            assert until(lambda: fetcher.last_error == "nobody answers")
            repository.publish()
            source.is_away = False
            assert until(lambda: fetcher.last_error == "" and fetcher.last_ok_at > 0)
        finally:
            stop.set()
            thread.join()
        holder = Holder(home, Clock(home.time_floor_path))
        holder.refresh()
        assert holder.snapshot.version == 1


class TestHttp:
    def test_over_http_with_the_gates_token(self, tmp_path, repository):
        repository.publish()
        with PortalServer(repository.directory) as portal:
            home = make_home(tmp_path / "gate", repository, metadata_url=f"{portal.url}/tuf")
            assert fetcher_of(home, HttpSource(home)).fetch()
        holder = Holder(home, Clock(home.time_floor_path))
        holder.refresh()
        assert holder.snapshot.lookup(APP) == moved(application(), to=int(repository.now.timestamp()))

    def test_a_host_that_is_gone_is_unavailable(self, home):
        with pytest.raises(PublisherUnavailable):
            fetcher_of(home, HttpSource(home)).fetch()


class TestHolder:
    def test_it_swaps_only_when_something_changed(self, home, repository):
        source = DirectorySource(repository.directory)
        fetcher = fetcher_of(home, source)
        holder = Holder(home, Clock(home.time_floor_path))
        assert not holder.refresh()
        repository.publish()
        fetcher.fetch()
        assert holder.refresh()
        assert not holder.refresh()
        repository.publish(certified_base(), application(user="7"))
        fetcher.fetch()
        assert holder.refresh()
        assert holder.snapshot.lookup(APP).user == "7"

    def test_a_chain_that_was_tampered_with_on_disk_changes_nothing(self, home, repository):
        fetcher = fetcher_of(home, DirectorySource(repository.directory))
        repository.publish()
        fetcher.fetch()
        holder = Holder(home, Clock(home.time_floor_path))
        holder.refresh()
        body = home.bundle_path.read_bytes()
        home.bundle_path.write_bytes(body.replace(b"overlay-1", b"overlay-9"))
        assert not holder.refresh()
        assert holder.snapshot.version == 1
        assert "does not hold" in holder.error or "not the one" in holder.error


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())
