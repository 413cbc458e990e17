"""A real gate process: TLS, snapshots over HTTP, decisions kept through kill -9, denial when it must."""

import contextlib
import json
import signal
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.spool import closed_segments, lines_of
from tests.factories.gate import BASE, application, certified_base
from tests.factories.reviews import container, pod, pod_spec, review
from tests.gate.process import GateProcess
from tests.gate.support import PortalServer, Repository, make_home
from tests.ports import free_port

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


def wait_until(condition, seconds: float = 60) -> bool:
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
            assert portal.heartbeats[0]["asks_callers_for"] == "nothing"

    def test_the_publisher_stopped_it_answers_until_the_timestamp_ends_then_denies(self, tmp_path, repository):
        with (
            PortalServer(repository.directory) as portal,
            GateProcess(home_of(tmp_path, repository, portal.url), log=tmp_path / "log") as gate,
        ):
            gate.wait()
            # The last one that is signed. It begins to run out when the gate is up, however long that took.
            repository.now, repository.timestamp_life = datetime.now(UTC), timedelta(seconds=6)
            repository.sign_timestamp()
            ends = (repository.now + repository.timestamp_life).replace(microsecond=0)
            allowed = gate.admit(review(dryRun=True))["allowed"]
            assert allowed or datetime.now(UTC) >= ends
            gate.wait(ready=False, seconds=30)
            assert datetime.now(UTC) >= ends, "it gave up before the timestamp's end"
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

            def on_disk() -> set[str]:
                segments = closed_segments(gate.home.spool_path)
                return {json.loads(line)["id"] for path in segments for line in lines_of(path)}

            # A killed process holds its segment's lock for a moment yet.
            assert wait_until(lambda: acknowledged <= on_disk()), acknowledged - on_disk()
            portal.answer_decisions = None
            with gate:
                gate.wait()
                assert wait_until(lambda: acknowledged <= set(portal.decisions))
            assert not list(gate.home.spool_path.glob("*.jsonl"))


class TestWire:
    """What a client may do to the connection: each time a well-formed no, in time, and the next one is served."""

    @pytest.fixture
    def gate(self, tmp_path, repository):
        with (
            PortalServer(repository.directory) as portal,
            GateProcess(home_of(tmp_path, repository, portal.url, tls=False), log=tmp_path / "log") as found,
        ):
            found.wait()
            yield found

    def test_a_body_over_the_cap_is_denied_unread_and_a_chunked_one_is_read(self, gate):
        answer = gate.session.post(f"{gate.url}/v1/admit", data=b"x" * (9 * 1024 * 1024), timeout=30)
        assert (answer.status_code, answer.json()["response"]["allowed"]) == (200, False)
        answer = gate.session.post(f"{gate.url}/v1/admit", data=iter([b"x" * 1024 * 1024] * 9), timeout=30)
        assert (answer.status_code, answer.json()["response"]["allowed"]) == (200, False)
        body = json.dumps(review(dryRun=True)).encode()
        answer = gate.session.post(f"{gate.url}/v1/admit", data=iter([body[:50], body[50:]]), timeout=30)
        assert answer.json()["response"]["allowed"] is True

    def test_half_a_request_is_given_up_in_time_and_holds_up_nobody(self, gate):
        host, port = gate.home.listen_address
        slow = [socket.create_connection((host, port)) for _ in range(50)]
        try:
            for connection in slow:
                connection.sendall(b"POST /v1/admit HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            began = time.monotonic()
            assert gate.admit(review(dryRun=True))["allowed"] is True
            assert time.monotonic() - began < 1.9, "the slow ones are given up after two seconds"
            slow[0].settimeout(5)
            assert b" 408 " in slow[0].recv(4096)
        finally:
            for connection in slow:
                connection.close()

    def test_when_the_fetching_process_dies_nobody_goes_on_answering(self, gate):
        gate.process.send_signal(signal.SIGKILL)
        gate.process.wait(30)

        def is_silent() -> bool:
            with contextlib.closing(socket.socket()) as found:
                return found.connect_ex(gate.home.listen_address) != 0

        assert wait_until(is_silent)


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
