"""A second build of the same recipe: the same layers, or from which one on it is another."""

from pathlib import Path

import pytest

from audit.models import Record
from audit.verbs import Verb
from builds.domain.reproduction import compare_layers
from builds.errors import NothingToCompare
from builds.models import Build
from builds.services.asking import ask_reproduction
from builds.services.directories import directory_of
from builds.services.inspections import inspect_artifact
from builds.services.reproducing import compare, name_files
from builds.services.taking_in import take_in
from catalog.models import Subversion
from tests.builds.archives import built, image_archive, relabelled
from tests.builds.builders.platforms import index_archive
from tests.factories.images import archive_on
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db


def second_of(first: Build, archive: Path, now) -> Build:
    """A reproduction of ``first`` that its builder has finished with ``archive``."""
    asked = ask_reproduction(build=first, by=first.source.owner, now=now)
    waiting = built(now, archive, source=first.source)
    # The files lie where the second build's are.
    directory_of(asked.pk).parent.mkdir(parents=True, exist_ok=True)
    directory_of(waiting.pk).rename(directory_of(asked.pk))
    Build.objects.filter(pk=waiting.pk).update(state="no_change", finished_at=now)
    Build.objects.filter(pk=asked.pk).update(state="built", started_at=now)
    asked.refresh_from_db()
    return asked


@pytest.fixture
def first(now, tmp_path) -> Build:
    return take_in(build_id=built(now, image_archive(tmp_path, {"app": b"1"})).pk, now=now)


class TestLayers:
    def test_the_same_are_reproduced(self):
        found = compare_layers({"linux/amd64": ["a", "b"]}, {"linux/amd64": ["a", "b"]}, is_same_manifest=False)
        assert (found.layers, found.equal, found.is_reproduced, found.first_difference) == (2, 2, True, None)

    @pytest.mark.parametrize(
        ("second", "layer", "equal"),
        [(["a", "x"], 2, 1), (["x", "b"], 1, 0), (["a"], 2, 1), (["a", "b", "c"], 3, 2), (["b", "a"], 1, 0)],
    )
    def test_the_first_that_is_not_is_named(self, second, layer, equal):
        found = compare_layers({"": ["a", "b"]}, {"": second}, is_same_manifest=False)
        assert found.first_difference.layer == layer
        assert (found.equal, found.is_reproduced) == (equal, False)

    def test_a_platform_that_one_side_lacks_is_a_difference(self):
        found = compare_layers(
            {"linux/amd64": ["a"]}, {"linux/amd64": ["a"], "linux/arm64": ["b"]}, is_same_manifest=False
        )
        assert found.first_difference.platform == "linux/arm64"
        assert not found.is_reproduced

    def test_nothing_is_not_the_same_as_nothing(self):
        assert not compare_layers({}, {}, is_same_manifest=True).is_reproduced
        assert not compare_layers({"": []}, {"": []}, is_same_manifest=True).is_reproduced


class TestReproduction:
    def test_the_same_bytes_are_reproduced(self, first, now, tmp_path):
        second = second_of(first, image_archive(tmp_path, {"app": b"1"}), now)
        ended = take_in(build_id=second.pk, now=now)
        assert ended.state == "succeeded"
        assert ended.comparison["is_reproduced"]
        assert ended.comparison["is_same_manifest"]
        told = Record.objects.get(verb=Verb.BUILD_COMPARED)
        assert told.data["reproduces"] == str(first.pk)
        assert told.data["is_reproduced"] is True

    def test_equal_layers_under_another_manifest_are_reproduced_too(self, first, now, tmp_path):
        again = relabelled(image_archive(tmp_path, {"app": b"1"}), {"org.opencontainers.image.created": "later"})
        ended = take_in(build_id=second_of(first, again, now).pk, now=now)
        assert ended.comparison["is_reproduced"]
        assert not ended.comparison["is_same_manifest"]

    def test_another_file_is_another_layer(self, first, now, tmp_path):
        ended = take_in(build_id=second_of(first, image_archive(tmp_path, {"app": b"2"}), now).pk, now=now)
        assert (ended.state, ended.comparison["is_reproduced"]) == ("succeeded", False)
        one = ended.comparison["first_difference"]
        assert one["layer"] == 1
        assert one["first"] == first.artifact.diff_ids[0]
        assert one["second"] == ended.artifact.diff_ids[0]

    def test_it_is_no_candidate_and_has_no_provenance_of_its_own(self, first, now, tmp_path):
        ended = take_in(build_id=second_of(first, image_archive(tmp_path, {"app": b"2"}), now).pk, now=now)
        assert ended.subversion is None
        assert Subversion.objects.count() == 1
        assert not Record.objects.filter(verb=Verb.BUILD_SUCCEEDED, subject_id=str(ended.pk)).exists()

    def test_compared_twice_it_is_compared_once(self, first, now, tmp_path):
        second = second_of(first, image_archive(tmp_path, {"app": b"2"}), now)
        take_in(build_id=second.pk, now=now)
        compare(second.pk, first.artifact, now)
        second.refresh_from_db()
        assert not second.comparison["is_reproduced"]
        assert Record.objects.filter(verb=Verb.BUILD_COMPARED).count() == 1

    def test_with_nothing_to_compare_with_it_says_so(self, first, now, tmp_path):
        second = second_of(first, image_archive(tmp_path, {"app": b"1"}), now)
        Build.objects.filter(pk=first.pk).update(artifact=None)
        with pytest.raises(NothingToCompare):
            take_in(build_id=second.pk, now=now)


class TestSeveralPlatforms:
    IMAGES = {"linux/amd64": {"app": b"1"}, "linux/arm64": {"app": b"one"}}

    @pytest.fixture
    def index(self, now, tmp_path) -> Build:
        archive = index_archive(tmp_path / "first.tar", self.IMAGES)
        return take_in(build_id=built(now, archive).pk, now=now)

    def test_each_is_compared_with_its_own(self, index, now, tmp_path):
        again = index_archive(tmp_path / "again.tar", self.IMAGES, labels={"a": "b"})
        ended = take_in(build_id=second_of(index, again, now).pk, now=now)
        assert (ended.comparison["is_reproduced"], ended.comparison["layers"]) == (True, 2)
        assert not ended.comparison["is_same_manifest"]

    def test_the_one_that_is_not_the_same_is_named_with_its_files(self, index, now, tmp_path):
        other = index_archive(tmp_path / "other.tar", {**self.IMAGES, "linux/arm64": {"app": b"two"}})
        ended = take_in(build_id=second_of(index, other, now).pk, now=now)
        assert ended.comparison["first_difference"]["platform"] == "linux/arm64"
        run_due_jobs(queues=("default",))
        ended.refresh_from_db()
        assert [(one["platform"], one["path"]) for one in ended.comparison["files"]] == [("linux/arm64", "app")]

    def test_one_platform_less_is_not_reproduced(self, index, now, tmp_path):
        less = index_archive(tmp_path / "less.tar", {"linux/amd64": self.IMAGES["linux/amd64"]})
        ended = take_in(build_id=second_of(index, less, now).pk, now=now)
        assert ended.comparison["first_difference"]["platform"] == "linux/arm64"


class TestFiles:
    def test_are_named_once_both_were_looked_into(self, first, now, tmp_path):
        ended = take_in(build_id=second_of(first, image_archive(tmp_path, {"app": b"2"}), now).pk, now=now)
        assert "files" not in ended.comparison
        inspect_artifact(first.artifact_id, now=now)
        assert name_files(first.artifact_id, now) == 0
        inspect_artifact(ended.artifact_id, now=now)
        assert name_files(ended.artifact_id, now) == 1
        ended.refresh_from_db()
        assert ended.comparison["file_count"] == 1
        (one,) = ended.comparison["files"]
        assert (one["path"].rpartition("/")[2], one["move"], one["what"]) == ("app", "changed", ["content"])

    def test_the_jobs_look_into_them(self, first, now, tmp_path):
        archive_on(None, tmp_path / "other.tar", {"app": b"2", "more": b"x"})
        ended = take_in(build_id=second_of(first, tmp_path / "other.tar", now).pk, now=now)
        run_due_jobs(queues=("default",))
        ended.refresh_from_db()
        assert {one["path"].rpartition("/")[2] for one in ended.comparison["files"]} == {"app", "more"}
