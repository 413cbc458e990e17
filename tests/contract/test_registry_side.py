"""What every registry's side must do: the same tests over a layout directory and two real servers."""

import json
from collections.abc import Iterator

import pytest

from oci import media_types
from oci.digest import Digest
from registry.adapters.client import RegistryClient
from registry.adapters.layout import LayoutRegistry
from registry.adapters.settings import ConnectionSettings
from registry.errors import DigestMismatch, GoldgateError, NotInRegistry
from tests.registry.servers import docker_registry, olareg

EMPTY = b"{}"
MISSING = Digest("sha256", "0" * 64)


def client_for(host: str) -> RegistryClient:
    return RegistryClient(ConnectionSettings(host=host, base_url=f"http://{host}", allow_private=True))


@pytest.fixture(scope="module", params=["layout", "docker-registry", "olareg"])
def side(request, tmp_path_factory) -> Iterator:
    directory = tmp_path_factory.mktemp("side")
    if request.param == "layout":
        yield LayoutRegistry(directory / "layout")
        return
    server = docker_registry if request.param == "docker-registry" else olareg
    with server(directory) as host:
        yield client_for(host)


@pytest.fixture
def repo(request) -> str:
    """A repository that no other test uses."""
    return "contract/" + request.node.originalname.replace("_", "-")[:80].strip("-")


def put_image(side, repo: str, *, layer: bytes = b"layer", **more) -> tuple[Digest, bytes]:
    for body in (EMPTY, layer):
        side.put_blob(repo, Digest.of(body), len(body), [body])
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": {"mediaType": media_types.OCI_EMPTY, "digest": str(Digest.of(EMPTY)), "size": 2},
        "layers": [{"mediaType": "text/plain", "digest": str(Digest.of(layer)), "size": len(layer)}],
        **more,
    }
    body = json.dumps(manifest).encode()
    return side.put_manifest(repo, str(Digest.of(body)), body, media_types.OCI_MANIFEST), body


class TestManifests:
    def test_what_was_put_by_digest_comes_back_byte_for_byte(self, side, repo):
        digest, body = put_image(side, repo)

        found = side.get_manifest(repo, str(digest))
        assert (found.body, found.media_type, found.digest) == (body, media_types.OCI_MANIFEST, Digest.of(body))
        assert side.head_manifest(repo, str(digest)) == digest

    def test_a_tag_names_the_last_thing_put_under_it(self, side, repo):
        first, first_body = put_image(side, repo)
        second, second_body = put_image(side, repo, layer=b"another")
        side.put_manifest(repo, "latest", first_body, media_types.OCI_MANIFEST)
        side.put_manifest(repo, "latest", second_body, media_types.OCI_MANIFEST)

        assert side.get_manifest(repo, "latest").digest == second != first
        assert side.head_manifest(repo, "latest") == second
        assert side.tags(repo) == ["latest"]
        assert side.get_manifest(repo, str(first)).digest == first

    def test_what_is_not_there_is_said_to_be_missing(self, side, repo):
        with pytest.raises(NotInRegistry):
            side.get_manifest(repo, "none")
        with pytest.raises(NotInRegistry):
            side.get_manifest(repo, str(MISSING))
        assert side.head_manifest(repo, "none") is None
        assert side.tags(repo) == []
        assert side.delete_manifest(repo, str(MISSING)) is False

    def test_putting_under_another_digest_is_refused_here(self, side, repo):
        _, body = put_image(side, repo)

        with pytest.raises(DigestMismatch):
            side.put_manifest(repo, str(MISSING), body, media_types.OCI_MANIFEST)

    def test_putting_twice_is_putting_once(self, side, repo):
        _, body = put_image(side, repo)
        assert side.put_manifest(repo, "1", body, media_types.OCI_MANIFEST) == side.put_manifest(
            repo, "1", body, media_types.OCI_MANIFEST
        )
        assert side.tags(repo) == ["1"]

    def test_deleting_by_digest_takes_the_manifest_away(self, side, repo):
        digest, body = put_image(side, repo)
        side.put_manifest(repo, "gone", body, media_types.OCI_MANIFEST)

        assert side.delete_manifest(repo, str(digest)) is True
        with pytest.raises(NotInRegistry):
            side.get_manifest(repo, str(digest))
        assert side.head_manifest(repo, "gone") is None


class TestBlobs:
    def test_a_blob_comes_back_whole(self, side, repo):
        body = bytes(range(256)) * 4096
        side.put_blob(repo, Digest.of(body), len(body), [body[:1000], body[1000:]])

        assert side.has_blob(repo, Digest.of(body))
        assert b"".join(side.get_blob(repo, Digest.of(body), max_bytes=len(body))) == body

    def test_a_blob_larger_than_one_piece_comes_back_whole(self, side, repo):
        piece = bytes(range(256)) * 4096
        body = piece * 18  # 18 MiB: two pieces of 8 MiB and a rest
        side.put_blob(repo, Digest.of(body), len(body), [piece] * 18)

        assert b"".join(side.get_blob(repo, Digest.of(body), max_bytes=len(body))) == body

    def test_an_empty_blob_is_a_blob(self, side, repo):
        side.put_blob(repo, Digest.of(b""), 0, [])
        assert b"".join(side.get_blob(repo, Digest.of(b""), max_bytes=0)) == b""

    def test_other_bytes_than_the_digest_are_not_kept(self, side, repo):
        with pytest.raises(GoldgateError):
            side.put_blob(repo, Digest.of(b"right"), 5, [b"wrong"])
        assert not side.has_blob(repo, Digest.of(b"right"))

    def test_more_bytes_than_allowed_are_not_read(self, side, repo):
        body = b"x" * 2_000_000
        side.put_blob(repo, Digest.of(body), len(body), [body])

        with pytest.raises(GoldgateError, match="1000"):
            b"".join(side.get_blob(repo, Digest.of(body), max_bytes=1000))

    def test_a_missing_blob_is_missing(self, side, repo):
        assert not side.has_blob(repo, MISSING)
        with pytest.raises(NotInRegistry):
            side.get_blob(repo, MISSING, max_bytes=10)

    def test_a_blob_of_another_repository_is_mounted(self, side, repo):
        body = b"shared by two"
        side.put_blob(f"{repo}/one", Digest.of(body), len(body), [body])

        assert side.mount_blob(f"{repo}/two", Digest.of(body), f"{repo}/one") is True
        assert side.has_blob(f"{repo}/two", Digest.of(body))
        assert side.mount_blob(f"{repo}/two", MISSING, f"{repo}/one") is False


class TestReferrers:
    def test_what_names_a_subject_is_found_by_it(self, side, repo):
        digest, body = put_image(side, repo)
        subject = {"mediaType": media_types.OCI_MANIFEST, "digest": str(digest), "size": len(body)}
        sbom, _ = put_image(side, repo, layer=b"sbom", subject=subject, artifactType="application/x.sbom")
        other, _ = put_image(side, repo, layer=b"sig", subject=subject, artifactType="application/x.sig")

        assert {one.digest for one in side.referrers(repo, digest)} == {sbom, other}
        assert [one.digest for one in side.referrers(repo, digest, "application/x.sbom")] == [sbom]

    def test_nothing_refers_to_what_nobody_speaks_of(self, side, repo):
        digest, _ = put_image(side, repo)
        assert side.referrers(repo, digest) == []
        assert side.referrers(repo, MISSING) == []
