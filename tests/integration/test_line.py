"""The line: two real Debian images go from a real registry to a verdict, and only one arrives.

One walk, in the order in which people would go; each step's sentence is asserted where it is taken.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kube import KubeApiServer, kube
from tests.integration.stack import Member, Stack, eventually, own_home, running
from tests.integration.world import FEEDS, cosign_verifies, debian_images, feed_server, push_layout
from tests.registry.servers import docker_registry

__all__ = ["kube"]
pytestmark = pytest.mark.integration

REVOCATION_SECONDS = 5
ATTESTATION = "https://goldgate.dev/packet/v1"


@dataclass
class World:
    """Everything that was started, and who walks."""

    stack: Stack
    kube: KubeApiServer
    source: str  # host:port
    certified: str
    digests: dict[str, str]
    pat: Member
    rita: Member
    sam: Member


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, kube: KubeApiServer) -> Iterator[World]:
    images = debian_images()
    registries = tmp_path_factory.mktemp("registries")
    with (
        docker_registry(registries / "source") as source,
        docker_registry(registries / "certified") as certified,
        feed_server() as feeds,
        own_home() as home,
        running(home) as stack,
    ):
        digests = {name: push_layout(layout, source, f"debian:{name}") for name, layout in images.items()}
        admin = stack.administrator()
        pat = stack.add_person("pat", "requester", "viewer")
        rita = stack.add_person("rita", "reviewer")
        sam = stack.add_person("sam", "security_reviewer")
        _settle(admin, source=source, certified=certified, feeds=feeds)
        _guard(kube, admin, stack)
        yield World(stack, kube, source, certified, digests, pat, rita, sam)


def _settle(admin: Member, *, source: str, certified: str, feeds: str) -> None:
    """What a platform team does once: registries, feeds, the image's name."""
    for name, host, side in (("source", source, "source"), ("certified", certified, "certified")):
        body = {"name": name, "host": host, "base_url": f"http://{host}", "side": side}
        admin.post("registries", body | {"allow_private": True, "is_trusted": True}, expect=201)
    for name, (kind, path) in FEEDS.items():
        feed = admin.post("feeds", {"name": name, "kind": kind, "url": f"{feeds}/{path}", "allow_private": True})
        admin.run(f"feeds/{feed['id']}/sync")
    admin.post("images", {"name": "debian", "description": "Debian 12"}, expect=201)
    admin.post("images/debian/versions", {"name": "12"}, expect=201)


def _guard(kube: KubeApiServer, admin: Member, stack: Stack) -> None:
    """Put the gate before the API server, with the webhook that the portal renders."""

    def rendered() -> str:
        answer = admin.api.get(f"{stack.url}/api/v1/clusters/local/webhook.yaml", params={"url": stack.gate_url})
        return answer.text if answer.ok else ""

    # The certificate authority comes with the gate's first heartbeat.
    manifest = eventually(rendered, seconds=120, what="the webhook's manifest")
    kube.kubectl("create", "namespace", "web", check=True)
    kube.kubectl("apply", "-f", "-", stdin=manifest, check=True)
    unknown = pod("probe", f"nowhere.example/x@sha256:{'0' * 64}")
    eventually(lambda: create(kube, unknown, "?dryRun=All")[0] == 403, what="the webhook in force")


def pod(name: str, image: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "web"},
        "spec": {"containers": [{"name": "main", "image": image}], **spec},
    }


def create(kube: KubeApiServer, value: dict[str, Any], query: str = "") -> tuple[int, str]:
    status, answer = kube.request("POST", f"/api/v1/namespaces/web/pods{query}", value)
    return status, str(answer.get("message", ""))


NUMERIC = {"securityContext": {"runAsUser": 65532}}


def bring_in(world: World, name: str, *, place: bool = True) -> str:
    """Import one image by its tag, wait for its scan, and give it its place; the subversion's id."""
    job = world.pat.run("imports", {"reference": f"{world.source}/debian:{name}"})
    done = world.pat.get(f"imports/{job['answer']['imports'][0]['id']}")
    digest = world.digests[name]
    assert done["artifact"]["digest"] == digest
    world.pat.wait_for_scan(digest)
    if not place:
        return ""
    placed = world.pat.post("images/debian/12/subversions", {"digest": digest, "name": f"12-{name}"}, expect=201)
    world.pat.wait_for_evidence(digest)
    return str(placed["id"])


def propose(world: World, subversion: str) -> Any:
    return world.pat.post("proposals", {"subversion": subversion}, expect=201)


def review(member: Member, proposal: Any, outcome: str = "approve", reason: str = "Read.", **more: Any) -> Any:
    body = {"outcome": outcome, "packet_sha256": proposal["packet_sha256"], "reason": reason}
    return member.act(f"proposals/{proposal['id']}/reviews", body, **more)


def verdict(member: Member, reference: str) -> Any:
    return member.post("decisions", {"images": [reference]})


def codes(decision: Any) -> set[str]:
    return {row["code"] for row in decision["images"][0]["checks"] if row["outcome"] in ("fail", "unknown")}


class TestTheLine:
    def test_two_images_go_in_and_only_the_patched_one_arrives(self, world: World, tmp_path: Path):
        # The old one: five critical and ten high findings with a fix. Certification is refused with the reason.
        old = bring_in(world, "old")
        refused = propose(world, old)
        lines = {row["code"]: row for row in refused["verdict"]}
        assert lines["findings"]["outcome"] == "fail"
        assert "5 critical" in lines["findings"]["reason"]
        assert "10 high" in lines["findings"]["reason"]
        said = review(world.rita, refused, expect=403)
        assert said["code"] == "line_crossed"

        # The patched one: nothing has a fix; twelve vulnerabilities have none, two of them critical.
        patched = bring_in(world, "patched")
        digest = world.digests["patched"]
        reference = f"{world.certified}/debian@{digest}"
        assert not verdict(world.pat, reference)["allowed"]
        assert create(world.kube, pod("early", reference, **NUMERIC))[0] == 403
        proposal = propose(world, patched)
        assert "fail" not in {row["outcome"] for row in proposal["verdict"]}
        findings = world.pat.get(f"artifacts/{digest}/findings", limit=100)["results"]
        assert len(findings) == 27
        assert len({row["vulnerability_id"] for row in findings}) == 12
        assert {row["fixed_version"] for row in findings} <= {"", None}
        critical = {row["vulnerability_id"] for row in findings if row["severity"] == "critical"}
        assert critical == {"CVE-2019-1010022", "CVE-2023-45853"}

        # Nobody certifies what they proposed; one review is not enough; the second completes.
        assert review(world.pat, proposal, expect=403)["code"]
        review(world.rita, proposal)
        assert review(world.rita, proposal, expect=409)["code"] == "already_reviewed"
        review(world.sam, proposal)
        eventually(lambda: state(world)["state"] == "certified", seconds=120, what="the certification")
        certificate = world.pat.get(f"subversions/{patched}/certifications")["results"][0]
        assert sorted(certificate["reviewers"]) == ["rita", "sam"]
        # What has no fix is counted on the certificate: the reviewers' signatures accepted it.
        assert certificate["unfixed"] == {"critical": 2, "high": 6, "medium": 2, "low": 2}

        # cosign verifies what the certified repository holds, with nothing but the public key.
        key = tmp_path / "cosign.pub"
        listed = world.pat.get("signing-keys")
        key_id = listed["results"][0]["key_id"]
        key.write_text(world.pat.api.get(f"{world.stack.url}/api/v1/signing-keys/{key_id}.pem").text)
        for binary in ("cosign-2", "cosign-3"):
            assert cosign_verifies(binary, ["verify"], key, reference), binary
            assert cosign_verifies(binary, ["verify-attestation", "--type", ATTESTATION], key, reference), binary
            assert not cosign_verifies(binary, ["verify"], key, f"{world.source}/debian@{digest}"), binary

        # The same Pod is admitted now; what the webhook and the portal say is one verdict.
        eventually(lambda: create(world.kube, pod("good", reference, **NUMERIC))[0] == 201, seconds=60, what="the Pod")
        assert verdict(world.pat, reference)["allowed"]
        self.pods_are_held_to_it(world, reference)
        self.revocation_reaches_the_cluster(world, patched, reference)
        self.the_record_verifies(world, tmp_path)

    def pods_are_held_to_it(self, world: World, reference: str) -> None:
        kube, uncertified = world.kube, f"{world.source}/debian@{world.digests['old']}"
        init = {"initContainers": [{"name": "init", "image": uncertified}]}
        status, message = create(kube, pod("mixed", reference, **NUMERIC, **init))
        assert status == 403
        assert "spec.initContainers[0].image" in message

        # The image's user is root: refused until the Pod names a number.
        status, message = create(kube, pod("rooted", reference))
        assert (status, "root:" in message) == (403, True), message
        bring_in(world, "nobody", place=False)
        named = f"{world.source}/debian@{world.digests['nobody']}"
        # As an image it is fine, being certified's twin but for its user; whether it runs as root is the Pod's matter.
        eventually(lambda: verdict(world.pat, named)["allowed"], seconds=60, what="the named user's verdict")
        # The gate may be a second behind the portal: until then it says that the scan is running.
        eventually(lambda: "nobody" in create(kube, pod("named", named))[1], seconds=60, what="the refusal of a name")
        assert create(kube, pod("numbered", named, **NUMERIC))[0] == 201

        # An unchanged UPDATE goes through, and so does DELETE.
        kube.kubectl("-n", "web", "label", "pod", "good", "seen=yes", check=True)
        kube.kubectl("-n", "web", "delete", "pod", "numbered", "--force", "--grace-period=0", check=True)

    def revocation_reaches_the_cluster(self, world: World, subversion: str, reference: str) -> None:
        world.sam.act(f"subversions/{subversion}/revoke", {"reason": "The build host was compromised."})
        revoked = time.monotonic()
        while create(world.kube, pod("late", reference, **NUMERIC), "?dryRun=All")[0] != 403:
            assert time.monotonic() - revoked < REVOCATION_SECONDS
        said = verdict(world.pat, reference)
        assert not said["allowed"]
        assert "The build host was compromised." in str(said["images"][0]["checks"])
        # What was admitted may still be deleted; what was revoked cannot be made again.
        world.kube.kubectl("-n", "web", "delete", "pod", "good", "--force", "--grace-period=0", check=True)
        assert state(world)["state"] == ""

    def the_record_verifies(self, world: World, directory: Path) -> None:
        """Whole as exported; and a flipped byte, a missing row and a cut tail are each located."""
        stack, export = world.stack, directory / "record.ndjson"
        auditor = stack.add_person("ada", "auditor")
        sink = stack.home.parent / "home-checkpoints"

        def exported() -> bool:
            assert stack.goldgate(auditor.token, "audit", "export", str(export)).returncode == 0
            newest = json.loads(sorted(sink.glob("*.json"))[-1].read_text())["checkpoint"]
            # A checkpoint that covers everything up to the revocation: then a cut tail is seen.
            return bool(newest["number"] >= sealed_at_the_revocation(export))

        eventually(exported, seconds=180, pause=2, what="a checkpoint behind the revocation")

        def verify(path: Path) -> tuple[int, str]:
            ran = stack.goldgate("", "audit", "verify", str(path), "--checkpoint", str(sink))
            return ran.returncode, ran.stdout

        assert verify(export)[0] == 0, verify(export)[1]
        lines = export.read_bytes().splitlines(keepends=True)
        row = next(i for i, line in enumerate(lines) if b"subversion.revoked" in line)
        position = json.loads(lines[row])["position"]

        flipped = lines.copy()
        flipped[row] = flipped[row].replace(b"compromised", b"compromisee")
        missing = lines[:row] + lines[row + 1 :]
        end = next(i for i, line in enumerate(lines) if json.loads(line).get("position") == position)
        for name, damaged, words in (
            ("flipped", flipped, f"position {position}: the record"),
            ("missing", missing, f"position {position}: the record is missing"),
            ("cut", lines[:end], "the file was cut"),
        ):
            path = directory / f"{name}.ndjson"
            path.write_bytes(b"".join(damaged))
            status, said = verify(path)
            assert status == 1, name
            assert words in said, said


def sealed_at_the_revocation(export: Path) -> int:
    """The number of the seal that holds the revocation; beyond every checkpoint while none does."""
    for line in export.read_bytes().splitlines():
        if b"subversion.revoked" in line and (row := json.loads(line)).get("type") == "record":
            return int(row["seal"])
    return 2**31


def state(world: World) -> Any:
    current = world.pat.get("images/debian/12")["current"]
    return current or {"state": ""}
