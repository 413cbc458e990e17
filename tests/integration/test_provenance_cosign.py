"""cosign 2 and 3 verify who built a candidate, in a real registry, with our public key alone; and nothing more."""

import base64
import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit.actor import Actor
from builds.models import Build
from builds.services.attesting import attest_build, attest_certified
from catalog import services as catalog
from registry import services as registry_services
from registry.models import Registry
from signing import services
from signing.models import Publication
from tests.factories.authority import begin_certified
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.signing import Images, certified_repository, known_artifact, signing_key
from tests.integration.test_cosign import EXTRA, OFFLINE, silent
from tests.registry.servers import docker_registry, tool

PACKET = "https://goldgate.dev/packet/v1"
BASE = "ab" * 32

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(params=["cosign-2", "cosign-3"])
def binary(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def registry(host: str, now) -> Registry:
    values = {"host": host, "base_url": f"http://{host}", "allow_private": True, "created_at": now}
    return Registry.objects.create(name="real", side="certified", **values)


@pytest.fixture
def signer(tmp_path: Path, now):
    key, found = signing_key(tmp_path, now=now)
    (tmp_path / "cosign.pub").write_text(key.public_pem)
    return found


@pytest.fixture
def build(registry, request, now) -> Build:
    """An index with two images, built for a repository of candidates of this test's own."""
    images = Images()
    described = images.index(images.image("debian"), images.image("debian-arm", arch="arm64"))
    artifact = known_artifact(images, described, now=now)
    candidates = certified_repository(registry, f"candidates/{abs(hash(request.node.name))}", now=now)
    source = SourceFactory(now, candidate_repository=candidates)
    base = {
        "kind": "adopted",
        "reference": "docker.io/library/debian",
        "digest": f"sha256:{BASE}",
        "asked": "debian:12",
    }
    recipe = RecipeFactory(now, source=source, bases=[base])
    registry_services.copy_artifact(artifact=artifact, to=candidates, now=now)
    subversion = catalog.add_subversion(version=source.version, artifact=artifact, created_by=source.owner, now=now)
    return BuildFactory(
        now, recipe=recipe, state="succeeded", finished_at=now, artifact=artifact, subversion=subversion,
        builder_id="https://goldgate.example/builders/buildah",
    )  # fmt: skip


def send(signer, now) -> None:
    for publication in Publication.objects.filter(sent_at=None):
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        services.send_publication(publication_id=publication.pk, progress=silent, now=now)


def cosign(binary: str, verb: list[str], directory: Path, reference: str) -> subprocess.CompletedProcess[str]:
    command = [tool(binary), *verb, "--key", str(directory / "cosign.pub"), *OFFLINE, *EXTRA[binary], reference]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def attested(binary: str, directory: Path, reference: str, kind: str = "slsaprovenance1") -> bool:
    return cosign(binary, ["verify-attestation", "--type", kind], directory, reference).returncode == 0


class TestTheCandidate:
    def test_its_provenance_verifies_and_says_who_built_it(self, binary, build, signer, tmp_path, now):
        attest_build(build.pk, now + timedelta(minutes=5))
        send(signer, now)
        reference = f"{build.source.candidate_repository.name}@{build.artifact.digest}"
        found = cosign(binary, ["verify-attestation", "--type", "slsaprovenance1"], tmp_path, reference)
        assert found.returncode == 0, found.stderr
        statement = json.loads(base64.b64decode(json.loads(found.stdout.splitlines()[0])["payload"]))
        assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
        commit, base = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
        assert commit["digest"] == {"gitCommit": build.recipe.commit}
        assert base["digest"] == {"sha256": BASE}

    def test_each_image_of_the_index_has_it(self, binary, build, signer, tmp_path, now):
        attest_build(build.pk, now + timedelta(minutes=5))
        send(signer, now)
        for digest in Publication.objects.get().covered_digests:
            assert attested(binary, tmp_path, f"{build.source.candidate_repository.name}@{digest}")

    def test_it_is_not_certified(self, binary, build, signer, tmp_path, now):
        """No signature of the image comes of it: whoever asks for one is refused."""
        attest_build(build.pk, now + timedelta(minutes=5))
        send(signer, now)
        for digest in Publication.objects.get().covered_digests:
            reference = f"{build.source.candidate_repository.name}@{digest}"
            assert cosign(binary, ["verify"], tmp_path, reference).returncode != 0
            assert not attested(binary, tmp_path, reference, PACKET)

    def test_without_it_nothing_verifies(self, binary, build, signer, tmp_path):
        reference = f"{build.source.candidate_repository.name}@{build.artifact.digest}"
        assert not attested(binary, tmp_path, reference)


class TestTheCertified:
    @pytest.fixture
    def certified(self, build, registry, signer, now) -> Publication:
        attest_build(build.pk, now + timedelta(minutes=5))
        target = certified_repository(registry, build.source.candidate_repository.path + "-golden", now=now)
        publication = begin_certified(build.artifact, target, now)
        services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        send(signer, now)
        attest_certified(build.subversion_id, now + timedelta(minutes=5))
        send(signer, now)
        publication.refresh_from_db()
        return publication

    def test_packet_and_provenance_verify_side_by_side(self, binary, certified, tmp_path):
        name = certified.target_repository.name
        for digest in certified.covered_digests:
            assert attested(binary, tmp_path, f"{name}@{digest}")
            assert attested(binary, tmp_path, f"{name}@{digest}", PACKET)
            assert cosign(binary, ["verify"], tmp_path, f"{name}@{digest}").returncode == 0

    def test_after_withdrawal_it_still_says_who_built_it_and_nothing_else(self, binary, certified, tmp_path, now):
        services.withdraw_publication(publication=certified, actor=Actor.system("test"), now=now)
        services.finish_withdrawal(publication_id=certified.pk, now=now)
        reference = f"{certified.target_repository.name}@{certified.artifact.digest}"
        assert attested(binary, tmp_path, reference)
        assert not attested(binary, tmp_path, reference, PACKET)
        assert cosign(binary, ["verify"], tmp_path, reference).returncode != 0
