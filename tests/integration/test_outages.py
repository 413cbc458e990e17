"""The gate alone: what it answers while the rest of Goldgate is away, and when it stops answering."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from tuf.api.metadata import Metadata, Timestamp

from tests.integration.stack import PROJECT, Member, Stack, eventually, own_home

pytestmark = pytest.mark.integration

TIMESTAMP_SECONDS = 20
ALLOWED = (PROJECT / "demo" / "allowed.yaml").read_text().split("image: ")[1].split()[0]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A demo, for the certified image that is in it; its timestamp lives for 20 s."""
    with own_home() as home:
        stack = Stack(home, GOLDGATE_TIMESTAMP_SECONDS=str(TIMESTAMP_SECONDS))
        try:
            stack.start("--demo")
            yield stack
        finally:
            stack.stop()


def supervisor(stack: Stack, verb: str, program: str) -> None:
    configuration = stack.home / "run" / "supervisord.conf"
    command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(configuration), verb, program]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "ERROR" not in ran.stdout, ran.stdout


def review(image: str) -> dict[str, object]:
    """An AdmissionReview for a new Pod, as the API server sends it."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "web"},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "8a7c2a9e-0000-0000-0000-000000000001",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "web",
            "operation": "CREATE",
            "userInfo": {"username": "ann", "groups": ["developers"]},
            "object": pod,
            "dryRun": False,
        },
    }


def ask(stack: Stack, image: str = ALLOWED) -> tuple[bool, str]:
    authority = stack.home / "gate" / "tls" / "ca.pem"
    url = f"{stack.gate_url}/v1/admit/{(stack.home / 'gate' / 'caller-token').read_text().strip()}"
    answer = requests.post(url, json=review(image), verify=str(authority), timeout=30)
    assert answer.status_code == 200
    response = answer.json()["response"]
    assert response["uid"] == review(image)["request"]["uid"]  # type: ignore[index]
    return response["allowed"], response.get("status", {}).get("message", "")


class TestPublisherStopped:
    def test_the_gate_answers_until_the_timestamp_ends_and_then_denies(self, stack: Stack):
        assert ask(stack) == (True, "")
        supervisor(stack, "stop", "portal:publisher")
        try:
            body = (stack.home / "snapshots" / "metadata" / "timestamp.json").read_bytes()
            ends = Metadata[Timestamp].from_bytes(body).signed.expires
            assert ask(stack)[0] is True or datetime.now(UTC) >= ends
            eventually(lambda: ask(stack)[0] is False, seconds=TIMESTAMP_SECONDS + 15, what="the gate denies")
            assert datetime.now(UTC) >= ends, "it denied before the timestamp's end"
            assert "expired" in ask(stack)[1]
        finally:
            supervisor(stack, "start", "portal:publisher")
        eventually(lambda: ask(stack)[0], seconds=90, what="the gate answers again")


class TestPostgresStopped:
    def test_the_gate_goes_on_and_the_publisher_says_that_nothing_can_be_revoked(self, stack: Stack):
        log = stack.home / "log" / "publisher.log"
        said_before = log.stat().st_size
        supervisor(stack, "stop", "stores:postgres")
        stopped = time.monotonic()
        try:
            # Longer than the timestamp lives: it is being signed anew without a database.
            asked = 0
            while time.monotonic() - stopped < TIMESTAMP_SECONDS + 8:
                assert ask(stack) == (True, "")
                asked += 1
                time.sleep(1)
            assert "nothing can be revoked" in log.read_text()[said_before:]
            assert requests.get(f"{stack.url}/readyz", timeout=30).status_code == 503
        finally:
            supervisor(stack, "start", "stores:postgres")
        eventually(lambda: requests.get(f"{stack.url}/readyz", timeout=30).ok, what="the portal is back")
        self._every_decision_arrives_once(stack, asked)

    def _every_decision_arrives_once(self, stack: Stack, asked: int) -> None:
        """What was answered meanwhile waited in the gate's spool."""
        line = next(line for line in stack.said if line.strip().startswith("pat"))
        pat = Member.with_password(stack.url, "pat", line.split()[1])
        answered = [ask(stack)[0] for _ in range(5)]
        assert answered == [True] * 5

        def arrived() -> bool:
            rows = pat.get("decisions", limit=100)["results"]
            ids = [row["id"] for row in rows]
            assert len(ids) == len(set(ids))
            return len([row for row in rows if row["user"] == "ann"]) >= asked + len(answered)

        eventually(arrived, seconds=90, what="the decisions that waited")
        newest = pat.get("decisions", limit=1)["results"][0]
        assert (newest["user"], newest["groups"]) == ("ann", ["developers"]), json.dumps(newest)
