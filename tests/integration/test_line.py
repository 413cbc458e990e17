"""The line: two real Debian images go from a real registry to a verdict, and only one arrives.

One walk, in the order in which people would go; each step's sentence is asserted where it is taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Member, Stack, eventually, running
from tests.integration.world import FEEDS, cosign_verifies, debian_images, feed_server, push_layout
from tests.registry.servers import docker_registry

pytestmark = pytest.mark.integration

ATTESTATION = "https://goldgate.dev/certification/v1"


@dataclass
class World:
    """Everything that was started, and who walks."""

    stack: Stack
    source: str  # host:port
    certified: str
    digests: dict[str, str]
    pat: Member
    rita: Member
    sam: Member


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    images = debian_images()
    home = tmp_path_factory.mktemp("line") / "home"
    registries = tmp_path_factory.mktemp("registries")
    with (
        docker_registry(registries / "source") as source,
        docker_registry(registries / "certified") as certified,
        feed_server() as feeds,
        running(home) as stack,
    ):
        digests = {name: push_layout(layout, source, f"debian:{name}") for name, layout in images.items()}
        admin = stack.administrator()
        pat = stack.add_person("pat", "requester", "viewer")
        rita = stack.add_person("rita", "reviewer")
        sam = stack.add_person("sam", "security_reviewer")
        _settle(admin, source=source, certified=certified, feeds=feeds)
        yield World(stack, source, certified, digests, pat, rita, sam)


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


def bring_in(world: World, name: str, *, place: bool = True) -> str:
    """Import one image by its tag, wait for its scan, and give it its place; the subversion's id."""
    job = world.pat.run("imports", {"reference": f"{world.source}/debian:{name}"})
    done = world.pat.get(f"imports/{job['answer']['imports'][0]['id']}")
    digest = world.digests[name]
    assert done["artifact"]["digest"] == digest
    eventually(
        lambda: (
            world.pat.api.get(f"{world.stack.url}/api/v1/artifacts/{digest}/scan").json().get("state") == "complete"
        ),
        seconds=120,
        what=f"the scan of {name}",
    )
    if not place:
        return ""
    admin_made = world.pat.post("images/debian/12/subversions", {"digest": digest, "name": f"12-{name}"}, expect=201)
    return str(admin_made["id"])


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
        eventually(lambda: state(world)["state"] == "certified", seconds=60, what="the certification")
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


def state(world: World) -> Any:
    current = world.pat.get("images/debian/12")["current"]
    return current or {"state": ""}
