"""Upstream tags that are followed: a move becomes a candidate, a loop is stopped, silence is no answer."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.roles import Role
from audit.actor import Actor
from audit.models import Record
from builds.errors import WatchExists, WatchGoesOn, WatchTimerWrong, WatchWithoutTag
from builds.models import Watch
from builds.services.watches import WatchFields, add_watch, ask_look, change_watch, look, resume_watch
from catalog.models import Subversion
from oci.digest import Digest
from registry.adapters.archive import Archive
from registry.errors import RegistryUnavailable
from registry.models import Import, Registry
from registry.selectors import side_for
from tests.builds.archives import digest_of, image_archive
from tests.factories.accounts import person_with
from tests.factories.catalog import VersionFactory
from tests.factories.registry import LayoutFactory, RegistryFactory
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ADMIN = Actor.system("test")


@pytest.fixture
def upstream(tmp_path: Path, settings: Any) -> Registry:
    settings.GOLDGATE_HOME = tmp_path / "home"  # what other tests keep there would be no news
    return LayoutFactory("upstream.example", side="source", path_prefix="")


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    directory = tmp_path / "images"
    directory.mkdir()
    return [image_archive(directory, {"app": str(number).encode()}) for number in range(6)]


def push(registry: Registry, archive: Path, tag: str = "12") -> str:
    """Put the image upstream under ``tag``; its digest."""
    side = side_for(registry)
    with Archive(archive) as found:
        top = found.choose()
        body = found.manifest(top.digest)
        named = json.loads(body)
        for blob in (named["config"], *named["layers"]):
            digest = Digest.parse(blob["digest"])
            side.put_blob("library/debian", digest, blob["size"], found.blob(digest, max_bytes=blob["size"]))
        side.put_manifest("library/debian", tag, body, top.media_type)
    return str(top.digest)


def watched(now: datetime, registry: Registry) -> Watch:
    fields = WatchFields(reference=f"{registry.host}/library/debian:12")
    return add_watch(version=VersionFactory(now), fields=fields, owner=person_with(Role.PLATFORM_ADMIN), now=now)


class TestLook:
    def test_a_move_becomes_a_candidate(self, now: datetime, upstream: Registry, images: list[Path]) -> None:
        push(upstream, images[0])
        watch = watched(now, upstream)
        run_due_jobs(now, queues=("default",))

        digest = push(upstream, images[1])
        look(watch_id=watch.pk, now=now + HOUR)
        run_due_jobs(now + HOUR, queues=("default",))

        watch.refresh_from_db()
        newest = Subversion.objects.filter(version=watch.version).latest("created_at")
        assert (watch.last_digest, newest.artifact.digest, newest.created_by) == (digest, digest, watch.owner)
        moved = Record.objects.filter(verb="watch.moved").latest("pk")
        assert (moved.data["before"], moved.data["after"]) == (digest_of(images[0]), digest)
        adopted = Record.objects.filter(verb="candidate.adopted").latest("pk")
        assert adopted.data["subversion"] == str(newest.pk)

    def test_an_unmoved_tag_brings_nothing(self, now: datetime, upstream: Registry, images: list[Path]) -> None:
        push(upstream, images[0])
        watch = watched(now, upstream)
        run_due_jobs(now, queues=("default",))

        look(watch_id=watch.pk, now=now + HOUR)

        watch.refresh_from_db()
        assert watch.last_checked_at == now + HOUR
        assert Import.objects.count() == Subversion.objects.count() == 1

    def test_looking_twice_at_one_move_imports_once(
        self, now: datetime, upstream: Registry, images: list[Path]
    ) -> None:
        push(upstream, images[0])
        watch = watched(now, upstream)

        look(watch_id=watch.pk, now=now)
        look(watch_id=watch.pk, now=now)

        assert Import.objects.count() == 1

    def test_what_was_adopted_by_hand_is_not_imported_again(
        self, now: datetime, upstream: Registry, images: list[Path]
    ) -> None:
        push(upstream, images[0])
        first = watched(now, upstream)
        run_due_jobs(now, queues=("default",))
        fields = WatchFields(reference=f"{upstream.host}/library/debian:also")
        push(upstream, images[0], tag="also")
        second = add_watch(version=first.version, fields=fields, owner=first.owner, now=now)

        look(watch_id=second.pk, now=now)

        assert Import.objects.count() == 1

    def test_a_registry_that_is_down_is_a_failure_and_never_unchanged(self, now: datetime) -> None:
        registry = RegistryFactory("127.0.0.1:9", base_url="http://127.0.0.1:9", allow_private=True)
        watch = watched(now, registry)

        with pytest.raises(RegistryUnavailable):
            look(watch_id=watch.pk, now=now)

        watch.refresh_from_db()
        assert watch.last_failure
        assert watch.last_checked_at is None

    def test_a_tag_that_is_gone_is_a_failure(self, now: datetime, upstream: Registry, images: list[Path]) -> None:
        push(upstream, images[0], tag="other")
        watch = watched(now, upstream)

        look(watch_id=watch.pk, now=now)

        watch.refresh_from_db()
        assert "no upstream.example/library/debian:12 any more" in watch.last_failure
        assert watch.last_checked_at is None

    def test_a_failed_look_does_not_forget_what_was_there(
        self, now: datetime, upstream: Registry, images: list[Path]
    ) -> None:
        digest = push(upstream, images[0])
        watch = watched(now, upstream)
        look(watch_id=watch.pk, now=now)
        shutil.rmtree(upstream.layout_path)

        look(watch_id=watch.pk, now=now + HOUR)

        watch.refresh_from_db()
        assert (watch.last_digest, watch.last_checked_at) == (digest, now)
        assert watch.last_failure


class TestBreaker:
    @pytest.fixture
    def stopped(self, now: datetime, upstream: Registry, images: list[Path]) -> Watch:
        """A tag pushed again and again: the first look and four moves."""
        push(upstream, images[0])
        watch = watched(now, upstream)
        look(watch_id=watch.pk, now=now)
        for number in range(1, 5):
            push(upstream, images[number])
            look(watch_id=watch.pk, now=now + number * HOUR)
        watch.refresh_from_db()
        return watch

    def test_a_tag_pushed_again_and_again_is_followed_no_longer(
        self, now: datetime, stopped: Watch, images: list[Path]
    ) -> None:
        assert stopped.stopped_at == now + 4 * HOUR
        assert stopped.last_digest == digest_of(images[3])
        assert Import.objects.count() == 4
        assert "4 times" in Record.objects.get(verb="watch.stopped").data["why"]

    def test_two_digests_in_turn_are_a_loop_too(self, now: datetime, upstream: Registry, images: list[Path]) -> None:
        push(upstream, images[0])
        watch = watched(now, upstream)
        for number in range(6):
            push(upstream, images[number % 2])
            look(watch_id=watch.pk, now=now + number * HOUR)

        watch.refresh_from_db()
        assert watch.stopped_at == now + 4 * HOUR

    def test_slow_moves_are_followed_for_ever(self, now: datetime, upstream: Registry, images: list[Path]) -> None:
        push(upstream, images[0])
        watch = watched(now, upstream)
        for number in range(6):
            push(upstream, images[number])
            look(watch_id=watch.pk, now=now + number * 9 * HOUR)

        watch.refresh_from_db()
        assert watch.stopped_at is None

    def test_it_is_not_looked_at_until_a_person_lets_it_go_on(self, now: datetime, stopped: Watch) -> None:
        with pytest.raises(WatchGoesOn):
            ask_look(watch_id=stopped.pk, now=now + 50 * HOUR)
        look(watch_id=stopped.pk, now=now + 50 * HOUR)

        assert Import.objects.count() == 4

    def test_once_it_goes_on_earlier_moves_count_no_longer(
        self, now: datetime, stopped: Watch, images: list[Path]
    ) -> None:
        resume_watch(watch_id=stopped.pk, actor=ADMIN, now=now + 5 * HOUR)

        look(watch_id=stopped.pk, now=now + 5 * HOUR)

        stopped.refresh_from_db()
        assert (stopped.stopped_at, stopped.last_digest) == (None, digest_of(images[4]))

    def test_what_was_not_stopped_cannot_go_on(self, now: datetime, upstream: Registry) -> None:
        with pytest.raises(WatchGoesOn):
            resume_watch(watch_id=watched(now, upstream).pk, actor=ADMIN, now=now)


class TestWriting:
    def test_the_same_tag_twice_is_refused(self, now: datetime, upstream: Registry) -> None:
        watch = watched(now, upstream)

        with pytest.raises(WatchExists):
            add_watch(version=watch.version, fields=WatchFields(str(watch)), owner=watch.owner, now=now)

    @pytest.mark.parametrize("reference", ["upstream.example/library/debian@sha256:" + "0" * 64])
    def test_a_digest_does_not_move(self, now: datetime, upstream: Registry, reference: str) -> None:
        with pytest.raises(WatchWithoutTag):
            add_watch(
                version=VersionFactory(now), fields=WatchFields(reference), owner=person_with(Role.VIEWER), now=now
            )

    @pytest.mark.parametrize("seconds", [0, 299, 30 * 24 * 3600 + 1])
    def test_too_often_and_too_seldom_are_refused(self, now: datetime, upstream: Registry, seconds: int) -> None:
        watch = watched(now, upstream)

        with pytest.raises(WatchTimerWrong):
            change_watch(watch_id=watch.pk, every_seconds=seconds, actor=ADMIN, now=now)

    def test_a_paused_one_is_not_looked_at(self, now: datetime, upstream: Registry, images: list[Path]) -> None:
        push(upstream, images[0])
        watch = watched(now, upstream)
        change_watch(watch_id=watch.pk, is_paused=True, actor=ADMIN, now=now)

        look(watch_id=watch.pk, now=now)

        assert not Import.objects.exists()


class TestAnImportThatFailed:
    @pytest.fixture
    def failed(self, now: datetime, upstream: Registry, images: list[Path]) -> Watch:
        """The registry named a digest and gave other bytes for it, or none: its blobs are not there yet."""
        push(upstream, images[0])
        watch = watched(now, upstream)
        blobs = Path(upstream.layout_path).rglob("blobs")
        self.blobs = next(blobs)
        self.away = self.blobs.with_name("away")
        manifest = self.blobs / digest_of(images[0]).replace(":", "/")
        kept = manifest.read_bytes()
        self.blobs.rename(self.away)
        manifest.parent.mkdir(parents=True)
        manifest.write_bytes(kept)
        run_due_jobs(now, queues=("default",))
        watch.refresh_from_db()
        assert watch.last_import is not None
        return watch

    def test_is_asked_for_again_at_the_next_look(self, now: datetime, failed: Watch, images: list[Path]) -> None:
        """Else the tag would look followed and no candidate would ever come."""
        assert not Subversion.objects.exists()
        shutil.copytree(self.away, self.blobs, dirs_exist_ok=True)

        look(watch_id=failed.pk, now=now + 7 * HOUR)
        run_due_jobs(now + 7 * HOUR, queues=("default",))

        assert Subversion.objects.get().artifact.digest == digest_of(images[0])
