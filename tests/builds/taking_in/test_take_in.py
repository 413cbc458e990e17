"""What a builder left becomes a candidate, once; or nothing, where nothing changed."""

from datetime import datetime
from pathlib import Path

import pytest

from audit.models import Record
from builds.errors import BuildOutputMissing
from builds.models import Build, Source
from builds.selectors.differences import difference
from builds.services.directories import directory_of
from builds.services.inspections import inspect_artifact
from builds.services.taking_in import tag_of, take_in
from catalog.models import Subversion
from registry.models import Artifact, Repository
from registry.selectors import runnable_images, side_for
from tests.builds.archives import built, digest_of, image_archive, relabelled
from tests.builds.builders.platforms import TWO, index_archive
from tests.factories.builds import SourceFactory
from tests.factories.registry import LayoutFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidates(now: datetime) -> Repository:
    registry = LayoutFactory(side="source")
    return Repository.objects.create(registry=registry, path="candidates/base", created_at=now)


class TestCandidate:
    def test_is_added_with_its_artifact(self, now: datetime, tmp_path: Path) -> None:
        archive = image_archive(tmp_path, {"app": b"1"})
        build = built(now, archive)

        ended = take_in(build_id=build.pk, now=now)

        assert ended.state == "succeeded"
        assert ended.artifact.digest == digest_of(archive)
        assert ended.subversion.version_id == build.source.version_id
        assert ended.subversion.created_by_id == build.source.owner_id
        told = Record.objects.get(verb="build.succeeded")
        assert told.data["subversion"] == str(ended.subversion_id)
        assert told.data["digest"] == digest_of(archive)
        assert not directory_of(build.pk).exists()

    def test_is_copied_where_candidates_stand(self, now: datetime, tmp_path: Path, candidates: Repository) -> None:
        source = SourceFactory(now, candidate_repository=candidates)
        archive = image_archive(tmp_path, {"app": b"1"})

        take_in(build_id=built(now, archive, source=source).pk, now=now)

        side = side_for(candidates.registry)
        assert str(side.head_manifest(candidates.path, tag_of(Build.objects.get()))) == digest_of(archive)

    def test_beside_those_of_other_sources(self, now: datetime, tmp_path: Path, candidates: Repository) -> None:
        """Also where their names differ in a blank alone, or one took the other's name later."""
        names = ["debian 12", "debian_12", "debian 12"]
        archives = [image_archive(tmp_path, {"app": name}) for name in (b"one", b"other", b"third")]
        builds = []
        for name, archive in zip(names, archives, strict=True):
            Source.objects.filter(name=name).update(name="of old")
            source = SourceFactory(now, name=name, candidate_repository=candidates)
            builds.append(take_in(build_id=built(now, archive, source=source).pk, now=now))
        side = side_for(candidates.registry)
        found = {tag: str(side.head_manifest(candidates.path, tag)) for tag in side.tags(candidates.path)}
        assert len(found) == len(archives)
        assert found == {tag_of(build): digest_of(archive) for build, archive in zip(builds, archives, strict=True)}

    def test_twice_is_once(self, now: datetime, tmp_path: Path) -> None:
        build = built(now, image_archive(tmp_path, {"app": b"1"}))

        take_in(build_id=build.pk, now=now)
        take_in(build_id=build.pk, now=now)

        assert Subversion.objects.count() == 1
        assert Record.objects.filter(verb="build.succeeded").count() == 1

    def test_names_the_older_candidates_that_still_wait(self, now: datetime, tmp_path: Path) -> None:
        source = SourceFactory(now)
        first = take_in(build_id=built(now, image_archive(tmp_path, {"app": b"1"}), source=source).pk, now=now)

        second = take_in(build_id=built(now, image_archive(tmp_path, {"app": b"2"}), source=source).pk, now=now)

        told = Record.objects.get(verb="build.succeeded", subject_id=str(second.pk))
        assert told.data["older_candidates"] == [str(first.subversion)]

    def test_without_an_archive_says_what_to_do(self, now: datetime, tmp_path: Path) -> None:
        build = built(now, image_archive(tmp_path, {"app": b"1"}))
        (directory_of(build.pk) / "image.tar").unlink()

        with pytest.raises(BuildOutputMissing, match="Start the build again"):
            take_in(build_id=build.pk, now=now)


class TestNoChange:
    def test_same_content_as_the_latest_candidate_adds_nothing(self, now: datetime, tmp_path: Path) -> None:
        source = SourceFactory(now)
        archive = image_archive(tmp_path, {"app": b"1"})
        first = take_in(build_id=built(now, archive, source=source).pk, now=now)
        again = built(now, relabelled(archive, {"org.opencontainers.image.created": "later"}), source=source)

        ended = take_in(build_id=again.pk, now=now)

        assert ended.state == "no_change"
        assert (ended.artifact, ended.subversion) == (None, None)
        assert Subversion.objects.count() == Artifact.objects.count() == 1
        assert Record.objects.get(verb="build.unchanged").data["same_as"] == str(first.subversion_id)
        assert not directory_of(again.pk).exists()

    def test_other_files_are_a_change(self, now: datetime, tmp_path: Path) -> None:
        source = SourceFactory(now)
        take_in(build_id=built(now, image_archive(tmp_path, {"app": b"1"}), source=source).pk, now=now)

        again = take_in(build_id=built(now, image_archive(tmp_path, {"app": b"2"}), source=source).pk, now=now)

        assert again.state == "succeeded"
        assert Build.objects.filter(state="succeeded").count() == 2


class TestSeveralPlatforms:
    IMAGES = {"linux/amd64": {"app": b"1"}, "linux/arm64": {"app": b"one"}}

    def taken(self, now: datetime, tmp_path: Path, images=None, *, source=None, labels=None) -> Build:
        archive = index_archive(tmp_path / f"{len(list(tmp_path.iterdir()))}.tar", images or self.IMAGES, labels=labels)
        return take_in(build_id=built(now, archive, source=source).pk, now=now)

    def test_are_one_candidate_an_index_of_images(self, now: datetime, tmp_path: Path, candidates: Repository) -> None:
        source = SourceFactory(now, candidate_repository=candidates, platforms=TWO)
        build = self.taken(now, tmp_path, source=source)
        assert Subversion.objects.get().artifact == build.artifact
        assert build.artifact.is_index
        children = runnable_images(build.artifact)
        assert [one.platform for one in children] == TWO
        side = side_for(candidates.registry)
        assert str(side.head_manifest(candidates.path, tag_of(build))) == build.artifact.digest
        for child in children:
            assert str(side.head_manifest(candidates.path, child.digest)) == child.digest

    def test_same_content_on_each_is_no_change(self, now: datetime, tmp_path: Path) -> None:
        source = SourceFactory(now, platforms=TWO)
        self.taken(now, tmp_path, source=source)
        again = self.taken(now, tmp_path, source=source, labels={"org.opencontainers.image.created": "later"})
        assert again.state == "no_change"
        assert Subversion.objects.count() == 1

    @pytest.mark.parametrize(
        "images",
        [
            pytest.param({**IMAGES, "linux/arm64": {"app": b"two"}}, id="one-of-two-changed"),
            pytest.param({"linux/amd64": {"app": b"1"}}, id="one-went"),
            pytest.param({**IMAGES, "linux/s390x": {"app": b"I"}}, id="one-came"),
        ],
    )
    def test_a_change_on_one_platform_is_a_change(self, now: datetime, tmp_path: Path, images) -> None:
        source = SourceFactory(now, platforms=TWO)
        self.taken(now, tmp_path, source=source)
        assert self.taken(now, tmp_path, images, source=source).state == "succeeded"

    def test_the_difference_says_on_which_platform(self, now: datetime, tmp_path: Path) -> None:
        source = SourceFactory(now, platforms=TWO)
        first = self.taken(now, tmp_path, source=source)
        changed = {**self.IMAGES, "linux/arm64": {"app": b"two"}, "linux/s390x": {"app": b"I"}}
        second = self.taken(now, tmp_path, changed, source=source)
        for build in (first, second):
            assert len(inspect_artifact(build.artifact_id, now=now)) == len(runnable_images(build.artifact))
        found = difference(first.artifact, second.artifact)
        assert found.only_newer == ("linux/s390x",)
        told = {one.newer.platform: [each.path for each in one.files.listed] for one in found.images}
        assert told == {"linux/amd64": [], "linux/arm64": ["app"]}
