"""cosign 2.5 and 3.1 verify what we sign in a real registry, with nothing but our public key; and refuse the rest."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.actor import Actor
from oci.digest import Digest
from registry import selectors as registry_selectors
from registry.models import Registry
from signing import selectors, services
from signing.adapters.key_file import make_key_file
from signing.domain import cosign, ecdsa
from signing.models import Publication
from tests.factories.authority import begin_certified
from tests.factories.signing import Images, certified_repository, known_artifact, signing_key
from tests.registry.servers import docker_registry, tool

KIND = "https://goldgate.dev/packet/v1"
EXTRA = {"cosign-2": [], "cosign-3": ["--private-infrastructure=true"]}
OFFLINE = ["--insecure-ignore-tlog=true", "--allow-insecure-registry", "--allow-http-registry"]

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
    return Registry.objects.create(
        name="certified",
        side="certified",
        host=host,
        base_url=f"http://{host}",
        allow_private=True,
        is_trusted=True,
        created_at=now,
    )


@pytest.fixture
def published(registry, tmp_path: Path, request, now) -> Publication:
    """An index with two runnable children, published in a repository of this test's own, and ``cosign.pub``."""
    images = Images()
    described = images.index(images.image("debian"), images.image("debian-arm", arch="arm64"))
    target = certified_repository(registry, f"golden/{abs(hash(request.node.name))}", now=now)
    key, signer = signing_key(tmp_path, now=now)
    (tmp_path / "cosign.pub").write_text(key.public_pem)
    artifact = known_artifact(images, described, now=now)
    publication = begin_certified(artifact, target, now, said={"findings": [], "words": "größer – größer"}, tag="12")
    services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
    services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
    services.send_publication(publication_id=publication.pk, progress=silent, now=now)
    return selectors.publication(publication.pk)


def silent(**_):
    pass


def run(binary: str, verb: list[str], key: Path, reference: str) -> subprocess.CompletedProcess[str]:
    command = [tool(binary), *verb, "--key", str(key), *OFFLINE, *EXTRA[binary], reference]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def verify(binary: str, key: Path, reference: str) -> bool:
    return run(binary, ["verify"], key, reference).returncode == 0


def verify_attestation(binary: str, key: Path, reference: str, kind: str = KIND) -> bool:
    return run(binary, ["verify-attestation", "--type", kind], key, reference).returncode == 0


class TestCosign:
    def test_the_index_each_child_and_the_tag_verify(self, binary, published, tmp_path):
        name = published.target_repository.name
        key = tmp_path / "cosign.pub"
        assert len(published.covered_digests) == 3
        for digest in published.covered_digests:
            assert verify(binary, key, f"{name}@{digest}")
            assert verify_attestation(binary, key, f"{name}@{digest}")
        assert verify(binary, key, f"{name}:12")

    def test_what_cosign_prints_names_our_repository_and_digest(self, binary, published, tmp_path):
        name, digest = published.target_repository.name, published.artifact.digest
        found = run(binary, ["verify"], tmp_path / "cosign.pub", f"{name}@{digest}")
        assert f'"docker-reference":"{name}"' in found.stdout
        assert digest in found.stdout

    def test_another_key_and_another_type_are_refused(self, binary, published, tmp_path):
        reference = f"{published.target_repository.name}@{published.artifact.digest}"
        other = ecdsa.pem_of(make_key_file(tmp_path / "other.pem", passphrase=None))
        (tmp_path / "other.pub").write_text(other)
        assert not verify(binary, tmp_path / "other.pub", reference)
        assert not verify_attestation(binary, tmp_path / "other.pub", reference)
        assert not verify_attestation(binary, tmp_path / "cosign.pub", reference, kind=KIND + "x")

    def test_a_changed_signature_is_refused(self, binary, published, tmp_path):
        """One byte of the stored signature and envelope flipped, pushed over what was there."""
        digest = published.artifact.digest
        side = registry_selectors.side_for(published.target_repository.registry)
        signature = selectors.stored_signatures(digest=digest, repository_name=published.target_repository.name).get()
        broken = bytearray(signature.signature)
        broken[-1] ^= 1
        put(
            side,
            published,
            cosign.signature_tag(digest),
            cosign.signature_layer(payload=bytes(signature.payload), signature=bytes(broken)),
        )
        attestation = published.attestations.get(digest=digest)
        envelope = bytes(attestation.envelope)
        at = envelope.index(b'"payload":"') + 40
        changed = envelope[:at] + (b"A" if envelope[at : at + 1] != b"A" else b"B") + envelope[at + 1 :]
        put(
            side,
            published,
            cosign.attestation_tag(digest),
            cosign.attestation_layer(envelope=changed, predicate_type=KIND),
        )
        reference = f"{published.target_repository.name}@{digest}"
        assert not verify(binary, tmp_path / "cosign.pub", reference)
        assert not verify_attestation(binary, tmp_path / "cosign.pub", reference)

    def test_an_image_that_nobody_signed_is_refused(self, binary, published, registry, tmp_path, now):
        images = Images()
        other = known_artifact(images, images.image("unsigned"), now=now)
        target = published.target_repository
        services.registry_services.copy_artifact(artifact=other, to=target, now=now)
        assert not verify(binary, tmp_path / "cosign.pub", f"{target.name}@{other.digest}")

    def test_a_signature_copied_to_another_digest_is_refused(self, binary, published, registry, tmp_path, now):
        images = Images()
        other = known_artifact(images, images.image("unsigned"), now=now)
        target = published.target_repository
        services.registry_services.copy_artifact(artifact=other, to=target, now=now)
        side = registry_selectors.side_for(target.registry)
        theirs = side.get_manifest(target.path, cosign.signature_tag(published.artifact.digest))
        side.put_manifest(target.path, cosign.signature_tag(other.digest), theirs.body, theirs.media_type)
        assert not verify(binary, tmp_path / "cosign.pub", f"{target.name}@{other.digest}")

    def test_a_copy_in_another_repository_passes_cosign_but_is_not_ours(self, published, registry, tmp_path, now):
        """cosign looks at the digest alone; we hold the signature to its repository as well."""
        other = certified_repository(registry, published.target_repository.path + "-other", now=now)
        services.registry_services.copy_artifact(artifact=published.artifact, to=other, now=now)
        found = selectors.verified_signatures([published.artifact.digest])[published.artifact.digest]
        assert {each.repository_name for each in found} == {published.target_repository.name}

    def test_after_withdrawal_nothing_verifies(self, binary, published, tmp_path, now):
        services.withdraw_publication(publication=published, actor=Actor.system("test"), now=now)
        services.finish_withdrawal(publication_id=published.pk, now=now)
        published.refresh_from_db()
        name = published.target_repository.name
        for digest in published.covered_digests:
            assert not verify(binary, tmp_path / "cosign.pub", f"{name}@{digest}")
            assert not verify_attestation(binary, tmp_path / "cosign.pub", f"{name}@{digest}")
        assert all("signature" not in one or "unsaid" in one for one in published.remains)


def test_a_registry_without_deletes_keeps_what_it_has_and_we_say_so(tmp_path, now):
    with docker_registry(tmp_path / "registry", deletes=False) as host:
        registry = Registry.objects.create(
            name="kept", side="certified", host=host, base_url=f"http://{host}", allow_private=True, created_at=now
        )
        images = Images()
        _, signer = signing_key(tmp_path, now=now)
        target = certified_repository(registry, "golden/debian", now=now)
        publication = begin_certified(known_artifact(images, images.image("debian"), now=now), target, now, tag="12")
        services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        services.send_publication(publication_id=publication.pk, progress=silent, now=now)
        services.withdraw_publication(publication=publication, actor=Actor.system("test"), now=now)
        services.finish_withdrawal(publication_id=publication.pk, now=now)
    publication.refresh_from_db()
    said = " ".join(publication.remains)
    for what in ("The signature of", "The attestation of", f"The tag {host}/golden/debian:12"):
        assert f"{what}" in said
    assert said.count("remains: the registry does not delete it") == 3
    assert selectors.verified_signature(publication.artifact) is None


def put(side, publication: Publication, tag: str, layer: cosign.Blob) -> None:
    found = cosign.bundle(tag, [layer])
    for blob in found.blobs:
        side.put_blob(publication.target_repository.path, Digest.parse(blob.digest), len(blob.body), [blob.body])
    side.put_manifest(publication.target_repository.path, tag, found.manifest, cosign.MANIFEST_MEDIA_TYPE)
