"""Several platforms for real: emulated programs, and what a consumer pulls and verifies of each.

Emulation of arm64 needs qemu-user-static, root and a kernel with binfmt_misc; without them these tests say so.
"""

import base64
import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from approvals.selectors.evidence import evidence_of
from builds.models import Build
from builds.services.attesting import attest_build
from builds.services.directories import directory_of
from builds.services.inspections import inspect_artifact
from builds.services.taking_in import take_in
from registry.models import Registry, Repository
from registry.selectors import lineage_of, runnable_images
from signing import services as signing
from signing.models import Publication
from tests.builds.builders.platforms import TWO, arm64_program, children_in, emulation, files_in, index_base
from tests.builds.builders.support import BUSYBOX, build_of, log_of, needs_buildah, run_once
from tests.factories.authority import begin_certified
from tests.factories.builds import SourceFactory
from tests.factories.signing import certified_repository, signing_key
from tests.integration.test_cosign import EXTRA, OFFLINE, silent
from tests.registry.servers import docker_registry, tool

pytestmark = [pytest.mark.integration, needs_buildah, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _own_home(settings, tmp_path):
    settings.GOLDGATE_HOME = tmp_path / "home"
    settings.GOLDGATE_HOME.mkdir(mode=0o700)


DOCKERFILE = 'FROM base:1\nRUN ["/bin/true"]\nUSER 65532\n'


def images(arm64: bytes) -> dict[str, dict[str, bytes]]:
    return {"linux/amd64": {"bin/true": BUSYBOX.read_bytes()}, "linux/arm64/v8": {"bin/true": arm64}}


class TestEmulation:
    def test_runs_a_program_of_another_machine_inside_the_build(self, now, tmp_path):
        build = build_of(now, DOCKERFILE, index_base(now, tmp_path, images(arm64_program())), platforms=TWO)
        with emulation():
            run_once(build, now)
        assert build.state == "built", log_of(build)
        first, second = log_of(build).split("== linux/arm64 ==")
        assert "hello from arm64" in second
        assert "hello from arm64" not in first
        archive = directory_of(build.pk) / "image.tar"
        amd64, arm64 = children_in(archive).values()
        assert "made-by-arm64" in files_in(archive, arm64[0])
        assert "made-by-arm64" not in files_in(archive, amd64[0])

    def test_a_program_that_fails_there_fails_the_whole_build_by_its_platform_and_line(self, now, tmp_path):
        broken = arm64_program()[:18] + b"\xff\xff" + arm64_program()[20:]  # of a machine that nobody has
        build = build_of(now, DOCKERFILE, index_base(now, tmp_path, images(broken)), platforms=TWO)
        with emulation():
            run_once(build, now)
        assert (build.state, build.failure_code, build.failed_line) == ("failed", "build_failed", 2)
        assert "while building linux/arm64" in build.failure
        assert not directory_of(build.pk).exists()


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real registry for candidates, and one for what is certified."""
    with (
        docker_registry(tmp_path_factory.mktemp("source")) as source,
        docker_registry(tmp_path_factory.mktemp("certified")) as certified,
    ):
        yield {"source": source, "certified": certified}


@pytest.fixture
def registries(hosts, now) -> dict[str, Registry]:
    return {
        side: Registry.objects.create(
            name=side, side=side, host=host, base_url=f"http://{host}", allow_private=True, created_at=now
        )
        for side, host in hosts.items()
    }


class TestWhatComesOfIt:
    """From the Dockerfile to what a consumer pulls: buildah, a registry and cosign are real."""

    @pytest.fixture
    def base(self, now, tmp_path):
        return index_base(now, tmp_path, {"linux/amd64": {"etc/a": b"a"}, "linux/arm64/v8": {"etc/b": b"b"}})

    @pytest.fixture
    def build(self, now, base, registries) -> Build:
        candidates = certified_repository(registries["source"], "candidates/two", now=now)
        text = "FROM base:1\nCOPY hello.txt /srv/\nUSER 65532\n"
        made = build_of(
            now, text, base, source=SourceFactory(now, candidate_repository=candidates, platforms=TWO), platforms=TWO
        )
        run_once(made, now)
        assert made.state == "built", log_of(made)
        return take_in(build_id=made.pk, now=now)

    @pytest.fixture
    def certified(self, build, registries, now, tmp_path) -> Repository:
        key, signer = signing_key(tmp_path, now=now)
        (tmp_path / "cosign.pub").write_text(key.public_pem)
        target = certified_repository(registries["certified"], "golden/two", now=now)
        publication = begin_certified(build.artifact, target, now)
        signing.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        for _ in ("who built it among the candidates, and the certificate", "who built it, beside the certificate"):
            attest_build(build.pk, now + timedelta(minutes=5))
            for one in Publication.objects.filter(sent_at=None):
                signing.sign_publication(publication_id=one.pk, signer=signer, now=now)
                signing.send_publication(publication_id=one.pk, progress=silent, now=now)
        return target

    def test_one_candidate_whose_images_stand_each_on_its_own_base(self, build, base):
        assert (build.state, build.artifact.kind) == ("succeeded", "index")
        bases = {one.architecture: one.digest for one in runnable_images(base)}
        for image in runnable_images(build.artifact):
            assert [one.digest for one in lineage_of(image).nearest] == [bases[image.architecture]]

    def test_the_evidence_is_of_each_image(self, build, now):
        inspected = inspect_artifact(build.artifact_id, now=now)
        assert [str(one.state) for one in inspected] == ["complete", "complete"]
        evidence = evidence_of(build.subversion, now)
        assert sorted(one.platform.removesuffix("/v8") for one in evidence.artifacts) == TWO

    @pytest.mark.parametrize("binary", ["cosign-2", "cosign-3"])
    def test_cosign_verifies_index_and_images_by_their_own_digest(self, build, certified, binary, tmp_path):
        digests = [build.artifact.digest, *(one.digest for one in runnable_images(build.artifact))]
        for repository in (build.source.candidate_repository, certified):
            for digest in digests:
                found = self._cosign(
                    binary, ["verify-attestation", "--type", "slsaprovenance1"], tmp_path, f"{repository.name}@{digest}"
                )
                statement = json.loads(base64.b64decode(json.loads(found.splitlines()[0])["payload"]))
                assert [one["digest"]["sha256"] for one in statement["subject"]] == [digest.partition(":")[2]]
                definition = statement["predicate"]["buildDefinition"]
                assert definition["externalParameters"]["platforms"] == TWO
        for digest in digests:
            self._cosign(binary, ["verify"], tmp_path, f"{certified.name}@{digest}")

    def _cosign(self, binary: str, verb: list[str], directory: Path, reference: str) -> str:
        command = [tool(binary), *verb, "--key", str(directory / "cosign.pub"), *OFFLINE, *EXTRA[binary], reference]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def test_a_consumer_pulls_the_image_of_its_platform(self, build, certified, base, tmp_path):
        for image in runnable_images(build.artifact):
            target = tmp_path / f"pulled-{image.architecture}"
            subprocess.run(
                [
                    tool("skopeo"), "--override-arch", image.architecture, "copy", "-q", "--src-tls-verify=false",
                    f"docker://{certified.name}@{build.artifact.digest}", f"oci:{target}:it",
                ],
                check=True, timeout=60,
            )  # fmt: skip
            (pulled,) = json.loads((target / "index.json").read_text())["manifests"]
            assert pulled["digest"] == image.digest
