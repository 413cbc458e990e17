"""``kill -9`` at each step of import, scan and certify; Redis emptied and stopped: every job ends once, nothing twice.

One stack walks real images through real parts, with a lease of 1 s. ``GOLDGATE_KILLS`` says how often each step's
process dies (3; ``script/soak`` takes 20; from 25 on a job is given up), ``GOLDGATE_SEED`` which moments are drawn.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis
import requests

from oci.digest import Digest
from tests.integration.killing import (
    Killer,
    Step,
    Victim,
    is_alive,
    kill,
    outside_the_supervisor,
    repeatedly,
    supervisor,
)
from tests.integration.stack import PASSWORD, Member, Stack, eventually, own_home, running
from tests.integration.world import DATA, FEEDS, feed_server
from tests.registry.servers import docker_registry

pytestmark = pytest.mark.integration

KILLS = int(os.environ.get("GOLDGATE_KILLS", "3"))
SEED = int(os.environ.get("GOLDGATE_SEED", "1"))
SCAN = (
    Step("registry.import", "artifact.imported", 0.3),
    Step("scans.inventory", "artifact.inventoried", 2.0),
    Step("scans.match", "artifact.scanned", 0.3),
)
CERTIFY = (
    Step("signing.copy", "publication.copied", 0.3),
    Step("signing.sign", "publication.signed", 0.1),
    Step("signing.send", "publication.sent", 0.3),
    Step("approvals.finalise", "certification.completed", 0.1),
)
OPEN_JOBS = "SELECT kind, subject_id, state FROM jobs_job WHERE state IN ('queued', 'running')"
# What looks at an image beside the line, once each: whether a watched tag brought it, what is attested of it beside it,
# its fixes, its files' names.
BESIDE = ("builds.adopt", "scans.find_attestations", "builds.look_for_fixes", "builds.name_files")
STEPS_OF_ONE_IMAGE = dict.fromkeys((*(step.kind for step in (*SCAN, *CERTIFY)), *BESIDE), 1)


@dataclass
class World:
    """A stack with a certified registry, advisories, people, and brakes."""

    stack: Stack
    killer: Killer
    certified: str
    pat: Member
    reviewers: tuple[Member, Member]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with (
        docker_registry(tmp_path_factory.mktemp("registry")) as certified,
        feed_server() as feeds,
        own_home() as home,
        running(home, GOLDGATE_LEASE_SECONDS="1") as stack,
    ):
        admin = stack.administrator()
        pat = stack.add_person("pat", "requester")
        reviewers = (stack.add_person("rita", "reviewer"), stack.add_person("sam", "security_reviewer"))
        body = {"name": "certified", "host": certified, "base_url": f"http://{certified}", "side": "certified"}
        admin.post("registries", body | {"allow_private": True, "is_trusted": True})
        for name, (kind, path) in FEEDS.items():
            feed = admin.post("feeds", {"name": name, "kind": kind, "url": f"{feeds}/{path}", "allow_private": True})
            admin.run(f"feeds/{feed['id']}/sync")
        killer = Killer(stack, seed=SEED)
        try:
            yield World(stack, killer, certified, pat, reviewers)
        finally:
            killer.close()


@dataclass
class Walk:
    """One image on its way."""

    world: World
    image: str
    archive: str
    import_id: str = ""
    digest: str = ""
    subversion: str = ""

    def bring(self) -> None:
        """Name the image, and hand its archive in."""
        admin = Member.with_password(self.world.stack.url, "admin", PASSWORD)
        admin.post("images", {"name": self.image})
        admin.post(f"images/{self.image}/versions", {"name": "12"})
        answer = self.world.pat.api.post(
            f"{self.world.stack.url}/api/v1/imports",
            data=(DATA / "images" / f"{self.archive}.oci.tar").read_bytes(),
            headers={"Content-Type": "application/x-tar"},
        )
        assert answer.status_code == 202, answer.text
        self.import_id = answer.json()["imports"][0]["id"]

    def wait_for_scan(self) -> None:
        def scanned() -> bool:
            self.digest = (self.world.pat.get(f"imports/{self.import_id}")["artifact"] or {}).get("digest", "")
            if not self.digest:
                return False
            url = f"{self.world.stack.url}/api/v1/artifacts/{self.digest}/scan"
            return bool(self.world.pat.api.get(url).json().get("state") == "complete")

        eventually(scanned, seconds=180, what="the scan")

    def decide(self) -> None:
        """Propose it, and have both reviewers approve."""
        pat, packet = self.world.pat, {"digest": self.digest}
        self.subversion = pat.post(f"images/{self.image}/12/subversions", packet)["id"]
        # What was scanned late may freeze the packet anew: review what stands now.
        proposal = pat.post("proposals", {"subversion": self.subversion})
        eventually(lambda: not self.world.killer.ask(OPEN_JOBS), seconds=120, what="the packet rests")
        proposal = pat.get(f"proposals/{proposal['id']}")
        for reviewer in self.world.reviewers:
            body = {"outcome": "approve", "packet_sha256": proposal["packet_sha256"], "reason": "Read."}
            reviewer.act(f"proposals/{proposal['id']}/reviews", body)

    def is_certified(self) -> bool:
        current = self.world.pat.get(f"images/{self.image}/12")["current"]
        return bool(current and current["state"] == "certified")

    def wait_for_certificate(self) -> None:
        eventually(self.is_certified, seconds=180, what="the certificate")
        eventually(lambda: not self.world.killer.ask(OPEN_JOBS), seconds=120, what="no job is open")


def everything_is_there_once(walk: Walk) -> None:
    """What the walk left: in the database, in the registry, on the disk, among the processes."""
    _jobs_ended_once(walk)
    _rows_are_single(walk)
    _registry_is_whole(walk)
    said = walk.world.stack.manage(
        "shell", "-v0", "-c",
        "from tests.approvals.invariants import illegal_certificates as found; import json; print(json.dumps(found()))",
    )  # fmt: skip
    assert json.loads(said.strip().splitlines()[-1]) == []
    eventually(lambda: outside_the_supervisor(walk.world.stack) == [], seconds=60, what="no orphan")
    home = walk.world.stack.home
    assert [path.name for path in (home / "scratch").glob("*") if path.is_dir()] == []
    assert list((home / "uploads").glob("*")) == []


def _subjects(walk: Walk) -> list[str]:
    """The ids that the jobs of one walk are about: import, artifact, publication."""
    (artifact,) = walk.world.killer.ask("SELECT id FROM registry_artifact WHERE digest = %s", walk.digest)
    publications = walk.world.killer.ask("SELECT id FROM signing_publication WHERE artifact_id = %s", artifact[0])
    return [walk.import_id, str(artifact[0]), *(str(row[0]) for row in publications)]


def _jobs_ended_once(walk: Walk) -> None:
    subjects = _subjects(walk)
    jobs = walk.world.killer.ask(
        "SELECT kind, state FROM jobs_job WHERE subject_id = ANY(%s) AND kind <> 'approvals.refresh'", subjects
    )
    assert Counter(jobs) == Counter({(kind, "succeeded"): count for kind, count in STEPS_OF_ONE_IMAGE.items()})
    assert walk.world.killer.ask(OPEN_JOBS) == []
    deeds = walk.world.killer.ask(
        "SELECT verb, count(*) FROM audit_record WHERE verb = ANY(%s) AND (subject_id = ANY(%s) OR subject_id = %s)"
        " GROUP BY verb",
        [step.verb for step in (*SCAN, *CERTIFY)], subjects, walk.subversion,
    )  # fmt: skip
    assert dict(deeds) == {step.verb: 1 for step in (*SCAN, *CERTIFY)}


def _rows_are_single(walk: Walk) -> None:
    artifact = _subjects(walk)[1]
    for table, condition in (
        ("registry_artifact", f"digest = '{walk.digest}'"),
        ("registry_import", f"artifact_id = '{artifact}'"),
        ("scans_inventory", f"artifact_id = '{artifact}'"),
        ("scans_scan", f"artifact_id = '{artifact}'"),
        ("signing_publication", f"artifact_id = '{artifact}'"),
        ("signing_signature", f"digest = '{walk.digest}'"),
        ("signing_attestation", f"digest = '{walk.digest}'"),
        ("approvals_certification", f"subversion_id = '{walk.subversion}'"),
    ):
        (count,) = walk.world.killer.ask(f"SELECT count(*) FROM {table} WHERE {condition}")[0]
        assert count == 1, table


def _registry_is_whole(walk: Walk) -> None:
    """The image under its digest and one name, and its two proofs, each with every blob that it names; nothing else."""
    base = f"http://{walk.world.certified}/v2/{walk.image}"
    hexadecimal = walk.digest.removeprefix("sha256:")
    proofs = {f"sha256-{hexadecimal}.sig", f"sha256-{hexadecimal}.att"}
    (tag,) = walk.world.killer.ask(f"SELECT name FROM catalog_subversion WHERE id = '{walk.subversion}'")[0]
    assert set(requests.get(f"{base}/tags/list", timeout=30).json()["tags"]) == {*proofs, tag}
    for name in (*proofs, walk.digest, tag):
        accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        manifest = requests.get(f"{base}/manifests/{name}", headers={"Accept": accept}, timeout=30)
        assert manifest.status_code == 200, name
        if name == tag:
            assert manifest.headers["Docker-Content-Digest"] == walk.digest
        for blob in (manifest.json()["config"], *manifest.json()["layers"]):
            body = requests.get(f"{base}/blobs/{blob['digest']}", timeout=30).content
            assert Digest.parse(blob["digest"]).names(body), (name, blob)
        if name.endswith(".sig"):
            assert len(manifest.json()["layers"]) == 1


class TestKilledAtEachStep:
    def test_the_line_is_walked_once(self, world: World):
        walk, killer = Walk(world, "rebuilt", "debian-12-rebuilt"), world.killer
        for step in (*SCAN, *CERTIFY):
            killer.hold(step)
        walk.bring()
        for first, step in enumerate(SCAN):
            killer.kill_times(step, KILLS, first=first)
        walk.wait_for_scan()
        walk.decide()
        for first, step in enumerate(CERTIFY):
            killer.kill_times(step, KILLS, first=first)
        walk.wait_for_certificate()
        assert Counter(kill.kind for kill in killer.done) == {step.kind: KILLS for step in (*SCAN, *CERTIFY)}
        assert {kill.victim for kill in killer.done} == set(Victim)
        everything_is_there_once(walk)

    def test_the_main_process_alone_dies_and_leaves_no_child(self, world: World):
        """Its child has the job in hand: it may end it, and then it must go."""
        killer, step = world.killer, SCAN[0]
        main = world.stack.pid_of("worker")
        killer.hold(step)
        walk = Walk(world, "hello", "hello-1")
        walk.bring()
        eventually(lambda: killer.is_held(step), seconds=120, what="the import is held")
        running_now = killer.running(step.kind)
        assert running_now
        kill(main, Victim.CHILD)
        killer.release(step)
        walk.wait_for_scan()
        eventually(lambda: not is_alive(running_now[1]), seconds=60, what="the orphan's end")
        eventually(lambda: outside_the_supervisor(world.stack) == [], seconds=60, what="no orphan")
        assert world.stack.pid_of("worker") != main


class TestWithoutRedis:
    def test_emptied_again_and_again_and_stopped_twice(self, world: World):
        walk, killer = Walk(world, "new", "debian-12-new"), world.killer
        bell = redis.Redis(unix_socket_path=str(world.stack.home / "run" / "redis.sock"))

        with repeatedly(bell.flushall, pause=0.1):
            walk.bring()
            walk.wait_for_scan()

        # Stopped with a job in hand: that one goes on; the next waits in PostgreSQL.
        killer.hold(CERTIFY[0])
        walk.decide()
        eventually(lambda: killer.is_held(CERTIFY[0]), seconds=120, what="the copy is held")
        supervisor(world.stack, "stop", "stores:redis")
        killer.release(CERTIFY[0])
        eventually(
            lambda: _state(killer, "signing.copy") == "succeeded", seconds=60, what="the copy ends without Redis"
        )
        assert _state(killer, "signing.sign") == "queued"
        assert world.pat.get("me")["username"] == "pat"
        assert not walk.is_certified()
        supervisor(world.stack, "start", "stores:redis")

        walk.wait_for_certificate()
        everything_is_there_once(walk)


def _state(killer: Killer, kind: str) -> str:
    """Of the newest job of a kind."""
    found = killer.ask("SELECT state FROM jobs_job WHERE kind = %s ORDER BY created_at DESC LIMIT 1", kind)
    return str(found[0][0]) if found else ""
