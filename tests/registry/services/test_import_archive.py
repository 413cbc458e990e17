import io
import json
import tarfile
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from uuid6 import uuid7

from audit.models import Record
from audit.verbs import Verb
from oci.digest import Digest
from registry import selectors, services
from registry.adapters.archive import Archive
from registry.blobs import kept_blobs, layer_cache
from registry.errors import ArchiveNeedsChoice, BodyTooLarge, LayerNotAsClaimed, MalformedArchive, NotInRegistry
from registry.models import Artifact, Import, Layer
from registry.services.imports import archive_path
from tests.factories.accounts import PersonFactory
from tests.factories.registry import EARLY, HELLO, NEW, OLD, REBUILT, archive, import_image, pieces

pytestmark = pytest.mark.django_db


class TestImportArchive:
    def test_a_real_image_is_known_with_its_bytes_and_facts(self):
        artifact = import_image("debian-12-old")

        assert artifact.digest == OLD
        assert (artifact.kind, artifact.user, artifact.platform) == ("image", "root", "linux/amd64")
        assert artifact.diff_ids == ["sha256:7f44b6f7d72c182f1a8aba46bb803b8d3f66e55c21b8af4e1969cea10ede8729"]
        assert artifact.size_bytes == 404 + 793 + 200285
        assert Digest.parse(OLD).names(kept_blobs().read(OLD, 10_000))
        assert layer_cache().has(Layer.objects.get().digest)

    def test_the_import_names_its_artifact_and_is_recorded(self):
        person = PersonFactory()
        artifact = import_image("debian-12-old", requested_by=person)

        found = Import.objects.get()
        assert (found.state, found.artifact, found.resolved_digest) == ("done", artifact, OLD)
        verbs = list(Record.objects.order_by("pk").values_list("verb", "subject_id"))
        assert verbs == [(Verb.IMPORT_ASKED, str(found.pk)), (Verb.ARTIFACT_IMPORTED, str(artifact.pk))]

    def test_running_it_again_changes_nothing(self):
        artifact = import_image("debian-12-old")
        again = services.run_import(import_id=Import.objects.get().pk, now=EARLY)

        assert again == artifact
        assert Artifact.objects.count() == 1
        assert Record.objects.filter(verb=Verb.ARTIFACT_IMPORTED).count() == 1

    def test_importing_the_same_image_twice_keeps_one_artifact(self):
        first, second = import_image("debian-12-old"), import_image("debian-12-old")

        assert first == second
        assert Import.objects.filter(artifact=first).count() == 2
        assert Layer.objects.count() == 1

    def test_progress_ends_at_the_total_in_bytes(self):
        asked = services.import_archive(
            chunks=pieces(archive("debian-12-rebuilt")), requested_by=PersonFactory(), now=EARLY
        )
        said = []
        services.run_import(import_id=asked.pk, now=EARLY, progress=lambda **words: said.append(words))

        assert said[-1]["done"] == said[-1]["total"] == 1233 + 200285 + 160753
        assert {words["unit"] for words in said} == {"bytes"}


class TestLineage:
    @pytest.mark.parametrize("order", [["debian-12-old", "debian-12-rebuilt"], ["debian-12-rebuilt", "debian-12-old"]])
    def test_a_rebuild_stands_on_its_base_whichever_comes_first(self, order):
        for name in order:
            import_image(name)

        view = selectors.lineage_of(selectors.artifact_by_digest(REBUILT))
        assert (view.certainty, [one.digest for one in view.nearest]) == ("exact", [OLD])
        assert selectors.lineage_of(selectors.artifact_by_digest(OLD)).certainty == "cannot_tell"

    def test_an_application_stands_on_the_patched_image_alone(self):
        for name in ("hello-1", "debian-12-old", "debian-12-new"):
            import_image(name)

        view = selectors.lineage_of(selectors.artifact_by_digest(HELLO))
        assert [one.digest for one in view.all_ancestors] == [NEW]
        assert list(selectors.descendants_of(selectors.artifact_by_digest(NEW)).values_list("digest", flat=True)) == [
            HELLO
        ]


def layout_tar(files: dict[str, bytes], *, extra=()) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        for info in extra:
            tar.addfile(info)
    return out.getvalue()


def contents(name: str) -> dict[str, bytes]:
    with tarfile.open(archive(name)) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar.getmembers() if one.isreg()}


class TestRefusedArchives:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            pytest.param(b"", "empty", id="nothing"),
            pytest.param(b"not a tar at all" * 100, "not a plain tar", id="noise"),
            pytest.param(layout_tar({"manifest.json": b"[]"}), "no oci-layout", id="docker-save"),
            pytest.param(
                layout_tar({"oci-layout": b'{"imageLayoutVersion":"2"}', "index.json": b"{}"}),
                "imageLayoutVersion",
                id="other-version",
            ),
            pytest.param(
                layout_tar({"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": b'{"manifests":[]}'}),
                "at least one",
                id="no-manifests",
            ),
        ],
    )
    def test_what_is_no_oci_archive_leaves_nothing_behind(self, body, said):
        with pytest.raises(MalformedArchive, match=said) as caught:
            services.import_archive(chunks=[body], requested_by=PersonFactory(), now=EARLY)

        assert caught.value.cure
        assert not Import.objects.exists()
        assert not Record.objects.exists()

    def test_a_link_in_place_of_a_document_is_refused(self):
        link = tarfile.TarInfo("index.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        body = layout_tar({"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}, extra=[link])

        with pytest.raises(MalformedArchive, match=r"index\.json"):
            services.import_archive(chunks=[body], requested_by=PersonFactory(), now=EARLY)

    def test_several_images_need_a_choice_and_the_choice_is_by_name(self):
        one, other = contents("debian-12-old"), contents("debian-12-new")
        listed = json.loads(one["index.json"])["manifests"] + json.loads(other["index.json"])["manifests"]
        body = layout_tar({**one, **other, "index.json": json.dumps({"manifests": listed}).encode()})

        with pytest.raises(ArchiveNeedsChoice, match="12-old, 12-new"):
            services.import_archive(chunks=[body], requested_by=PersonFactory(), now=EARLY)
        asked = services.import_archive(chunks=[body], name="12-new", requested_by=PersonFactory(), now=EARLY)
        assert services.run_import(import_id=asked.pk, now=EARLY).digest == NEW

    def test_a_configuration_that_claims_another_layer_is_refused(self):
        """A claimed diff_id would forge lineage: any image could stand on a certified base."""
        files = contents("hello-1")
        base = "sha256:7f44b6f7d72c182f1a8aba46bb803b8d3f66e55c21b8af4e1969cea10ede8729"
        index = json.loads(files["index.json"])
        manifest_name = "blobs/sha256/" + index["manifests"][0]["digest"][7:]
        manifest = json.loads(files[manifest_name])
        config = json.loads(files["blobs/sha256/" + manifest["config"]["digest"][7:]])
        config["rootfs"]["diff_ids"][0] = base
        forged_config = json.dumps(config).encode()
        manifest["config"] |= {"digest": str(Digest.of(forged_config)), "size": len(forged_config)}
        forged = json.dumps(manifest).encode()
        index["manifests"][0] |= {"digest": str(Digest.of(forged)), "size": len(forged)}
        files |= {
            f"blobs/sha256/{Digest.of(forged_config).encoded}": forged_config,
            f"blobs/sha256/{Digest.of(forged).encoded}": forged,
            "index.json": json.dumps(index).encode(),
        }
        asked = services.import_archive(chunks=[layout_tar(files)], requested_by=PersonFactory(), now=EARLY)

        with pytest.raises(LayerNotAsClaimed, match=base):
            services.run_import(import_id=asked.pk, now=EARLY)
        assert not Artifact.objects.exists()


class TestUploads:
    def test_an_upload_goes_when_it_is_imported(self):
        import_image("debian-12-old")
        assert not archive_path(Import.objects.get().pk).exists()

    def test_one_that_failed_waits_a_week(self):
        asked = services.import_archive(
            chunks=pieces(archive("debian-12-old")), requested_by=PersonFactory(), now=EARLY
        )
        written = datetime.fromtimestamp(archive_path(asked.pk).stat().st_mtime, UTC)
        assert services.prune_uploads(now=written + timedelta(days=6)) == 0
        assert services.prune_uploads(now=written + timedelta(days=8)) == 1
        with pytest.raises(NotInRegistry, match="no longer here"):
            services.run_import(import_id=asked.pk, now=EARLY)

    def test_an_archive_over_the_cap_is_not_kept(self, monkeypatch):
        monkeypatch.setattr("registry.services.imports.MAX_ARCHIVE_BYTES", 1000)
        with pytest.raises(BodyTooLarge):
            services.import_archive(chunks=pieces(archive("debian-12-old")), requested_by=PersonFactory(), now=EARLY)
        assert not list(archive_path(uuid7()).parent.glob("*"))

    def test_more_entries_than_the_cap_are_refused(self, monkeypatch):
        monkeypatch.setattr("registry.adapters.archive.MAX_ENTRIES", 3)
        with pytest.raises(MalformedArchive, match="entries"):
            import_image("debian-12-old")

    @pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME], ids=str)
    def test_a_header_of_gigabytes_is_not_read(self, kind, tmp_path):
        header = tarfile.TarInfo("x")
        header.type, header.size = kind, 3 * 1024**3
        path = tmp_path / "bomb.tar"
        with path.open("wb") as file:
            file.write(header.tobuf(tarfile.USTAR_FORMAT))
            file.truncate(header.size + 4096)  # a hole: it takes no room on the disk
        tracemalloc.start()
        try:
            with pytest.raises(MalformedArchive, match="header"):
                Archive(path)
            assert tracemalloc.get_traced_memory()[1] < 64 * 1024**2
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME], ids=str)
    def test_headers_upon_headers_end(self, kind, tmp_path):
        header = tarfile.TarInfo("x")
        header.type, header.size = kind, 512
        body = b"13 path=a/bcd\n" if kind != tarfile.GNUTYPE_LONGNAME else b"a"
        path = tmp_path / "deep.tar"
        path.write_bytes((header.tobuf(tarfile.USTAR_FORMAT) + body.ljust(512, b"\0")) * 5000 + bytes(1024))
        with pytest.raises(MalformedArchive):
            Archive(path)

    @pytest.mark.parametrize("name", ["../oci-layout", "/oci-layout", "blobs/sha256/../../../etc/cron.d/x"])
    def test_climbing_names_write_nothing(self, name, settings):
        with pytest.raises(MalformedArchive):
            services.import_archive(chunks=[layout_tar({name: b"x"})], requested_by=PersonFactory(), now=EARLY)
        home = settings.GOLDGATE_HOME
        assert [path for path in home.rglob("*") if path.is_file()] == []
