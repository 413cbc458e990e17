"""Copies keep every digest, wherever they go; exports hold what scanners need and nothing else."""

import json
import subprocess
from datetime import timedelta

import pytest

from audit.models import Record
from audit.verbs import Verb
from oci.digest import Digest
from registry import selectors, services
from registry.blobs import kept_blobs, layer_cache
from registry.errors import BlobMissing
from registry.models import Layer, RepositoryArtifact
from registry.selectors import side_for
from tests.factories.registry import (
    EARLY,
    OLD,
    REBUILT,
    LayoutFactory,
    RegistryFactory,
    RepositoryFactory,
    import_image,
)
from tests.registry.servers import docker_registry, olareg, tool
from tests.registry.services.test_import_reference import imported, put_index

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["layout", "docker-registry", "olareg"])
def target(request, tmp_path):
    if request.param == "layout":
        yield RepositoryFactory(LayoutFactory(), "golden/debian")
        return
    server = docker_registry if request.param == "docker-registry" else olareg
    with server(tmp_path / "target") as host:
        registry = RegistryFactory(host, base_url=f"http://{host}", allow_private=True, side="certified")
        yield RepositoryFactory(registry, "golden/debian")


class TestCopyArtifact:
    def test_an_image_stands_there_under_its_own_digest(self, target):
        artifact = import_image("debian-12-rebuilt")
        digest = services.copy_artifact(artifact=artifact, to=target, tag="12-20261124", now=EARLY)

        side = side_for(target.registry)
        assert str(digest) == REBUILT
        assert side.get_manifest(target.path, "12-20261124").digest == digest
        assert side.get_manifest(target.path, REBUILT).body == kept_blobs().read(REBUILT, 10_000)
        for layer in Layer.objects.all():
            got = b"".join(side.get_blob(target.path, Digest.parse(layer.digest), max_bytes=layer.size_bytes))
            assert Digest.parse(layer.digest).names(got)
        assert selectors.is_known_in(REBUILT, repository_name=target.name)

    def test_copying_again_sends_nothing_and_records_nothing(self, target):
        artifact = import_image("debian-12-old")
        services.copy_artifact(artifact=artifact, to=target, now=EARLY)
        said = []
        services.copy_artifact(artifact=artifact, to=target, progress=lambda **words: said.append(words), now=EARLY)

        assert said[-1]["done"] == said[-1]["total"]
        assert Record.objects.filter(verb=Verb.ARTIFACT_COPIED).count() == 1
        assert RepositoryArtifact.objects.filter(repository=target).count() == 1

    def test_an_index_goes_with_all_its_children(self, source, target):
        put_index(source, "multi/copied", "1")
        artifact = imported(f"{source.host}/multi/copied:1", "linux/amd64")
        services.copy_artifact(artifact=artifact, to=target, now=EARLY)

        side = side_for(target.registry)
        for child in selectors.children_of(artifact):
            assert str(side.get_manifest(target.path, child.child.digest).digest) == child.child.digest
        assert RepositoryArtifact.objects.filter(repository=target).count() == 3

    def test_a_layer_that_was_pruned_is_fetched_again(self, source, target):
        artifact = imported(f"{source.host}/debian/base:12-old")
        layer_cache().discard(Layer.objects.get().digest)
        assert str(services.copy_artifact(artifact=artifact, to=target, now=EARLY)) == OLD

    def test_a_layer_that_nobody_has_any_more_is_said_to_be_missing(self, target):
        artifact = import_image("debian-12-old")
        layer_cache().discard(Layer.objects.get().digest)
        with pytest.raises(BlobMissing, match="dropped from the cache") as caught:
            services.copy_artifact(artifact=artifact, to=target, now=EARLY)
        assert "again" in caught.value.cure
        assert not RepositoryArtifact.objects.filter(repository=target).exists()

    def test_within_one_registry_blobs_are_mounted(self, source):
        artifact = imported(f"{source.host}/debian/base:12-old")
        to = RepositoryFactory(source, "mounted/debian")
        layer_cache().discard(Layer.objects.get().digest)  # so that sending would have to fetch first
        services.copy_artifact(artifact=artifact, to=to, now=EARLY)
        assert not layer_cache().has(Layer.objects.get().digest)


class TestExportLayout:
    def test_skopeo_reads_it_and_finds_the_same_digest(self, tmp_path):
        artifact = import_image("debian-12-rebuilt")
        directory = services.export_layout(artifact, tmp_path / "layout")

        command = [tool("skopeo"), "inspect", "--raw", f"oci:{directory}"]
        raw = subprocess.run(command, check=True, capture_output=True).stdout
        assert str(Digest.of(raw)) == REBUILT
        files = list((directory / "blobs" / "sha256").iterdir())
        assert len(files) == 4  # manifest, config, two layers
        assert all(Digest("sha256", path.name).names(path.read_bytes()) for path in files)
        listed = json.loads((directory / "index.json").read_bytes())["manifests"]
        assert [one["digest"] for one in listed] == [REBUILT]

    def test_pruning_meanwhile_takes_nothing_away(self, tmp_path):
        directory = services.export_layout(import_image("debian-12-old"), tmp_path / "layout")
        digest = Layer.objects.get().digest
        layer_cache().discard(digest)
        assert (directory / "blobs" / "sha256" / digest[7:]).stat().st_size == 200285


class TestPruning:
    LATER = EARLY + timedelta(days=1)

    def test_the_least_recently_used_go_first(self, source):
        old, new = imported(f"{source.host}/debian/base:12-old"), imported(f"{source.host}/debian/base:12-new")
        old_layer = old.layer_links.get().layer
        new_layer = new.layer_links.get().layer
        Layer.objects.filter(pk=old_layer.pk).update(last_used_at=EARLY - timedelta(days=1))

        assert services.prune_layers(limit_bytes=204_729, now=self.LATER) == 200_285
        assert not layer_cache().has(old_layer.digest)
        assert layer_cache().has(new_layer.digest)
        assert kept_blobs().has(old.digest)
        assert kept_blobs().has(old.config_digest)

    def test_what_came_in_an_archive_alone_stays(self):
        import_image("debian-12-old")
        assert services.prune_layers(limit_bytes=0, now=self.LATER) == 0

    def test_what_was_used_just_now_stays(self, source):
        imported(f"{source.host}/debian/base:12-old")
        assert services.prune_layers(limit_bytes=0, now=EARLY + timedelta(minutes=1)) == 0

    def test_within_the_limit_nothing_goes(self, source):
        imported(f"{source.host}/debian/base:12-old")
        assert services.prune_layers(limit_bytes=10**9, now=self.LATER) == 0
