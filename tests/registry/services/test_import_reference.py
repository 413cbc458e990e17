"""Importing from a real registry: tags resolved once, platforms chosen, each effect once."""

import json
from contextlib import suppress

import pytest

from audit.models import Record
from audit.verbs import Verb
from core.errors import GoldgateError
from oci import media_types
from oci.digest import Digest
from registry import selectors, services
from registry.blobs import kept_blobs, layer_cache
from registry.errors import ImportListWrong, NotInRegistry, PlatformMissing, RegistryUnavailable, RegistryUnknown
from registry.models import Artifact, Import, Layer, RepositoryArtifact, TagSeen
from registry.selectors import side_for
from tests.factories.accounts import PersonFactory
from tests.factories.registry import EARLY, NEW, OLD, RegistryFactory

pytestmark = pytest.mark.django_db


def asked(reference: str, *platforms: str) -> Import:
    return services.import_reference(reference=reference, platforms=platforms, requested_by=PersonFactory(), now=EARLY)


def imported(reference: str, *platforms: str) -> Artifact:
    return services.run_import(import_id=asked(reference, *platforms).pk, now=EARLY)


def put_index(source, path: str, tag: str, *, attestation: bool = True) -> Digest:
    """An index of two platforms (both real images) and, as BuildKit adds it, an attestation for each."""
    side = side_for(source)
    entries = []
    for digest, architecture in ((OLD, "amd64"), (NEW, "arm64")):
        found = side.get_manifest("debian/base", digest)
        manifest = json.loads(found.body)
        for blob in (manifest["config"], *manifest["layers"]):
            side.mount_blob(path, Digest.parse(blob["digest"]), "debian/base")
        side.put_manifest(path, digest, found.body, found.media_type)
        entry = {"mediaType": found.media_type, "digest": digest, "size": len(found.body)}
        entries.append({**entry, "platform": {"os": "linux", "architecture": architecture}})
    if attestation:
        entries += [put_attestation(side, path, entry["digest"]) for entry in list(entries)]
    body = json.dumps({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": entries}).encode()
    return side.put_manifest(path, tag, body, media_types.OCI_INDEX)


def put_attestation(side, path: str, about: str) -> dict:
    statement = json.dumps({"about": about}).encode()
    config = json.dumps({"os": "unknown", "architecture": "unknown", "rootfs": {"diff_ids": [about]}}).encode()
    for blob in (statement, config):
        side.put_blob(path, Digest.of(blob), len(blob), [blob])
    body = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": {
                "mediaType": media_types.OCI_CONFIG,
                "digest": str(Digest.of(config)),
                "size": len(config),
            },
            "layers": [{"mediaType": media_types.IN_TOTO, "digest": str(Digest.of(statement)), "size": len(statement)}],
        }
    ).encode()
    side.put_manifest(path, str(Digest.of(body)), body, media_types.OCI_MANIFEST)
    return {
        "mediaType": media_types.OCI_MANIFEST,
        "digest": str(Digest.of(body)),
        "size": len(body),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.digest": about, "vnd.docker.reference.type": "attestation-manifest"},
    }


class TestImportReference:
    def test_a_tag_becomes_a_digest_in_its_repository(self, source):
        artifact = imported(f"{source.host}/debian/base:12-old")

        assert artifact.digest == OLD
        assert [one.name for one in selectors.repositories_of(artifact)] == [f"{source.host}/debian/base"]
        assert selectors.is_known_in(OLD, repository_name=f"{source.host}/debian/base")
        assert not selectors.is_known_in(OLD, repository_name=f"{source.host}/debian/bas")
        seen = TagSeen.objects.get()
        assert (seen.tag, seen.digest, seen.artifact) == ("12-old", OLD, artifact)

    def test_a_digest_is_taken_at_its_word(self, source):
        artifact = imported(f"{source.host}/debian/base@{NEW}")
        assert artifact.digest == NEW
        assert not TagSeen.objects.exists()

    def test_a_digest_rules_over_the_tag_beside_it(self, source):
        assert imported(f"{source.host}/debian/base:12-old@{NEW}").digest == NEW

    def test_what_is_not_there_ends_with_the_reason(self, source):
        one = asked(f"{source.host}/debian/base:none")
        with pytest.raises(NotInRegistry):
            services.run_import(import_id=one.pk, now=EARLY)
        services.fail_import(import_id=one.pk, failure="not there", now=EARLY)
        one.refresh_from_db()
        assert (one.state, one.failure, one.artifact) == ("failed", "not there", None)

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            ("debian:12", "docker.io/library/debian:12"),
            ("unlisted.example/debian:12", "administrator"),
            ("HOST/debian", ":TAG"),
            ("HOST/Debian:12", "Write"),
        ],
    )
    def test_what_cannot_be_asked_is_refused_with_the_cure(self, source, reference, said):
        with pytest.raises(GoldgateError) as caught:
            asked(reference.replace("HOST", source.host))
        assert said in caught.value.cure
        assert not Import.objects.exists()

    def test_a_list_is_asked_whole_or_not_at_all(self, source):
        text = f"""
        # our bases
        {source.host}/debian/base:12-old  linux/amd64
        {source.host}/apps/hello:1   # an application
        """
        person = PersonFactory()
        assert len(services.import_list(text=text, requested_by=person, now=EARLY)) == 2
        with pytest.raises(ImportListWrong) as caught:
            services.import_list(text=text + "\ndebian\nx.example/y:1", requested_by=person, now=EARLY)
        assert [one.pointer for one in caught.value.errors] == ["/text/6", "/text/7"]
        assert Import.objects.count() == 2


class TestOnce:
    """Whatever dies, and however often it is tried, one import is one import."""

    def test_the_tag_is_asked_for_once_ever(self, source):
        one = asked(f"{source.host}/debian/base:moving")
        side = side_for(source)
        old, new = (side.get_manifest("debian/base", digest) for digest in (OLD, NEW))
        side.put_manifest("debian/base", "moving", old.body, old.media_type)
        with pytest.raises(Dead):
            services.run_import(import_id=one.pk, now=EARLY, progress=dies_at("Fetching"))
        side.put_manifest("debian/base", "moving", new.body, new.media_type)

        assert services.run_import(import_id=one.pk, now=EARLY).digest == OLD
        assert TagSeen.objects.get().digest == OLD

    @pytest.mark.parametrize("step", range(8))
    def test_death_at_any_step_leaves_it_to_be_done_once(self, source, step):
        one = asked(f"{source.host}/debian/base:12-rebuilt")
        with suppress(Dead):
            services.run_import(import_id=one.pk, now=EARLY, progress=dies_after(step))
        artifact = services.run_import(import_id=one.pk, now=EARLY)
        services.run_import(import_id=one.pk, now=EARLY)

        assert Import.objects.get().artifact == artifact
        assert (Artifact.objects.count(), Layer.objects.count(), RepositoryArtifact.objects.count()) == (1, 2, 1)
        assert Record.objects.filter(verb=Verb.ARTIFACT_IMPORTED).count() == 1
        assert all(layer_cache().has(layer.digest) for layer in Layer.objects.all())

    def test_a_half_written_blob_is_not_taken_for_a_whole_one(self, source):
        stray = kept_blobs().path(OLD).parent
        stray.mkdir(parents=True)
        (stray / ".writing-dead").write_bytes(b"half")
        assert imported(f"{source.host}/debian/base:12-old").digest == OLD
        assert Digest.parse(OLD).names(kept_blobs().read(OLD, 10_000))

    def test_a_registry_that_is_away_is_tried_again(self, db):
        RegistryFactory("127.0.0.1:1", base_url="http://127.0.0.1:1", allow_private=True)
        one = asked("127.0.0.1:1/debian:12")
        with pytest.raises(RegistryUnavailable):
            services.run_import(import_id=one.pk, now=EARLY)
        one.refresh_from_db()
        assert one.state == "asked"


class TestPlatforms:
    def test_all_of_an_index_keeps_its_own_bytes(self, source):
        digest = put_index(source, "multi/all", "1")
        artifact = imported(f"{source.host}/multi/all:1")

        assert (artifact.digest, artifact.kind) == (str(digest), "index")
        children = selectors.children_of(artifact)
        assert [(one.platform, one.kind) for one in children] == [
            ("linux/amd64", "runnable"),
            ("linux/arm64", "runnable"),
            ("unknown/unknown", "attestation"),
            ("unknown/unknown", "attestation"),
        ]
        assert [one.digest for one in selectors.runnable_images(artifact)] == [OLD, NEW]
        assert {one.child.kind for one in children if one.kind == "attestation"} == {"attestation"}
        assert Import.objects.get().upstream_index_digest == ""
        assert "arm64" in Import.objects.get().warnings[0]  # the real image says amd64

    def test_fewer_platforms_make_an_index_of_our_own_with_the_same_children(self, source):
        upstream = put_index(source, "multi/some", "1")
        artifact = imported(f"{source.host}/multi/some:1", "linux/amd64")

        assert artifact.digest != str(upstream)
        body = json.loads(selectors.manifest_bytes(artifact))
        theirs = json.loads(side_for(source).get_manifest("multi/some", str(upstream)).body)
        assert body["manifests"] == [theirs["manifests"][0], theirs["manifests"][2]]
        assert body["annotations"]["dev.goldgate.upstream.index.digest"] == str(upstream)
        one = Import.objects.get()
        assert (one.upstream_index_digest, one.resolved_digest) == (str(upstream), str(upstream))
        assert not Artifact.objects.filter(digest=NEW).exists()

    def test_the_same_choice_makes_the_same_index(self, source):
        put_index(source, "multi/same", "1")
        first = imported(f"{source.host}/multi/same:1", "linux/arm64")
        second = imported(f"{source.host}/multi/same:1", "linux/arm64")
        assert first == second

    @pytest.mark.parametrize("name", ["multi/none:1", "debian/base:12-old"])
    def test_a_platform_that_is_not_there_is_refused_with_those_that_are(self, source, name):
        put_index(source, "multi/none", "1")
        one = asked(f"{source.host}/{name}", "linux/s390x")
        with pytest.raises(PlatformMissing, match="amd64"):
            services.run_import(import_id=one.pk, now=EARLY)
        assert not Artifact.objects.exists()

    def test_every_image_of_an_index_is_announced_once(self, source):
        put_index(source, "multi/told", "1", attestation=False)
        artifact = imported(f"{source.host}/multi/told:1")
        told = Record.objects.filter(verb=Verb.ARTIFACT_IMPORTED).values_list("subject_id", flat=True)
        assert sorted(told) == sorted(str(one.pk) for one in Artifact.objects.all())
        assert str(artifact.pk) in told

    def test_an_index_in_an_index_is_refused(self, source):
        inner = put_index(source, "multi/nested", "inner", attestation=False)
        side = side_for(source)
        entry = {
            "mediaType": media_types.OCI_INDEX,
            "digest": str(inner),
            "size": len(side.get_manifest("multi/nested", "inner").body),
        }
        body = json.dumps({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": [entry]}).encode()
        side.put_manifest("multi/nested", "outer", body, media_types.OCI_INDEX)
        with pytest.raises(GoldgateError, match="another index"):
            imported(f"{source.host}/multi/nested:outer")


class Dead(Exception):
    """The worker, at that moment."""


def dies_at(word: str):
    def report(**words) -> None:
        if word in words["text"]:
            raise Dead

    return report


def dies_after(steps: int):
    left = iter(range(steps))

    def report(**_words) -> None:
        if next(left, None) is None:
            raise Dead

    return report


def test_an_unlisted_registry_is_unknown(db):
    with pytest.raises(RegistryUnknown):
        selectors.registry_for_host("nobody.example")
