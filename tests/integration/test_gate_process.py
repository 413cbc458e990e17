"""A real gate process: TLS, snapshots over HTTP, decisions kept through kill -9, denial when it must."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from gate.spool import closed_segments, lines_of
from tests.factories.gate import BASE, application, certified_base
from tests.factories.reviews import container, pod, pod_spec, review
from tests.gate.process import GateProcess, free_port
from tests.gate.support import PortalServer, Repository, make_home

pytestmark = pytest.mark.integration


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "published")
    found.publish()
    return found


def home_of(tmp_path: Path, repository: Repository, url: str, **keys):
    fields = {"listen": f"127.0.0.1:{free_port()}", "workers": 1, "poll_seconds": 0.2}
    return make_home(
        tmp_path / "gate", repository, portal_url=url, metadata_url=f"{url}/tuf/metadata", **{**fields, **keys}
    )


def wait_until(condition, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


class TestServing:
    def test_it_admits_refuses_ships_each_once_and_sees_a_revocation_in_two_seconds(self, tmp_path, repository):
        with (
            PortalServer(repository.directory) as portal,
            GateProcess(home_of(tmp_path, repository, portal.url), log=tmp_path / "log") as gate,
        ):
            assert gate.wait()["snapshot"]["version"] == 1
            allowed = gate.admit(review())
            assert allowed["allowed"] is True
            refused = gate.admit(review(pod(pod_spec(container("registry.corp/apps/web:latest")))))
            assert refused["allowed"] is False
            assert gate.admit(review(dryRun=True))["allowed"] is True

            repository.publish(certified_base(revoked_at=int(repository.now.timestamp())), application())
            published = time.monotonic()
            assert wait_until(lambda: gate.admit(review(dryRun=True))["allowed"] is False)
            assert time.monotonic() - published < 2

            assert wait_until(lambda: len(portal.decisions) == 2)
            ids = {allowed["auditAnnotations"]["decision"], refused["auditAnnotations"]["decision"]}
            assert set(portal.decisions) == ids
            assert wait_until(lambda: portal.heartbeats)
            assert "BEGIN CERTIFICATE" in portal.heartbeats[0]["ca_bundle_pem"]

    def test_the_publisher_stopped_it_answers_until_the_timestamp_ends_then_denies(self, tmp_path, repository):
        repository.timestamp_life = timedelta(seconds=6)
        with PortalServer(repository.directory) as portal:
            repository.now += timedelta(seconds=time.time() - repository.now.timestamp())
            repository.now = repository.now.replace(microsecond=0)
            repository.sign_timestamp()
            with GateProcess(home_of(tmp_path, repository, portal.url), log=tmp_path / "log") as gate:
                gate.wait()
                assert gate.admit(review(dryRun=True))["allowed"] is True
                gate.wait(ready=False, seconds=10)
                answer = gate.admit(review(dryRun=True))
                assert answer["allowed"] is False
                assert "expired" in answer["status"]["message"]

    def test_it_starts_from_its_disk_with_the_portal_gone(self, tmp_path, repository):
        with PortalServer(repository.directory) as portal:
            home = home_of(tmp_path, repository, portal.url)
            with GateProcess(home, log=tmp_path / "log") as gate:
                gate.wait()
        with GateProcess(home, log=tmp_path / "log") as gate:
            gate.wait()
            assert gate.admit(review())["allowed"] is True

    def test_without_a_snapshot_it_is_not_ready_and_denies(self, tmp_path, repository):
        home = home_of(tmp_path, repository, "http://127.0.0.1:9")
        with GateProcess(home, log=tmp_path / "log") as gate:
            gate.wait(ready=False)
            answer = gate.admit(review())
            assert answer["allowed"] is False
            assert answer["uid"] == review()["request"]["uid"]


class TestKill:
    def test_no_acknowledged_decision_is_lost(self, tmp_path, repository):
        """Killed while it answers, three times; the portal is away until the end, then gets each once."""
        acknowledged: set[str] = set()
        with PortalServer(repository.directory) as portal:
            portal.answer_decisions = lambda decisions: (503, {})
            gate = GateProcess(home_of(tmp_path, repository, portal.url), log=tmp_path / "log")
            for _ in range(3):
                gate.start()
                gate.wait()
                for _ in range(25):
                    acknowledged.add(gate.admit(review())["auditAnnotations"]["decision"])
                gate.kill()
            on_disk = {
                json.loads(line)["id"] for path in closed_segments(gate.home.spool_path) for line in lines_of(path)
            }
            assert acknowledged <= on_disk
            portal.answer_decisions = None
            with gate:
                gate.wait()
                assert wait_until(lambda: acknowledged <= set(portal.decisions), seconds=20)
            assert not list(gate.home.spool_path.glob("*.jsonl"))


class TestRefusedUpdates:
    def test_a_foreign_key_and_an_older_snapshot_change_nothing(self, tmp_path, repository):
        other = Repository(tmp_path / "other")
        with (
            PortalServer(repository.directory) as portal,
            GateProcess(home_of(tmp_path, repository, portal.url), log=tmp_path / "log") as gate,
        ):
            repository.publish()
            assert wait_until(lambda: gate.wait()["snapshot"]["version"] == 2)
            portal.directory = other.directory
            other.publish(certified_base(digest=BASE), version=9)
            time.sleep(1)
            assert gate.wait()["snapshot"]["version"] == 2
            assert gate.admit(review(dryRun=True))["allowed"] is True
