"""What is published, when, in which order, and what is refused."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, transaction

from admission import published, selectors, snapshot_keys
from admission.errors import SnapshotKeysExist, SnapshotKeysUnavailable, SnapshotUnavailable
from admission.facts import all_facts
from admission.management.commands.run_publisher import Loop
from admission.models import SnapshotChange, SnapshotPublication
from admission.tuf_repository import TufRepository
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from catalog.models import Subversion
from gate.facts import ScanState
from gate.snapshot import Snapshot
from gate.tuf import Chain, UntrustedSnapshot
from jobs.models import Job
from jobs.services import enqueue
from tests.factories.admission import certified_subversion, deed, publisher_of, revoke, subversion_of
from tests.factories.signing import Images, known_artifact

ACTOR = Actor.system("test")


def snapshot() -> Snapshot:
    return published.published_snapshot()


@pytest.mark.django_db
class TestPublish:
    def test_before_the_first_version_nothing_can_be_said(self):
        with pytest.raises(SnapshotUnavailable, match="No snapshot is published yet"):
            snapshot()

    def test_the_first_version_knows_every_artifact(self, publisher, artifact, now):
        assert publisher.publish_due(now=now)
        facts = snapshot().lookup(artifact.digest)
        assert facts.repositories == ("registry.example/golden/debian",)
        assert (facts.user, facts.scan) == ("65532", ScanState.NONE)
        assert snapshot().trusted_repositories == ("registry.example/golden",)
        assert SnapshotPublication.objects.get().version == snapshot().version == 1

    def test_with_nothing_new_nothing_is_published(self, publisher, artifact, now):
        publisher.publish_due(now=now)
        assert not publisher.publish_due(now=now)
        assert snapshot().version == 1

    def test_a_deed_is_in_force_after_one_look_and_only_then_confirmed(self, publisher, artifact, now):
        subversion = certified_subversion(artifact, now=now)
        publisher.publish_due(now=now)
        revoke(subversion, now)
        assert not selectors.is_published(subversion)
        assert publisher.publish_due(now=now)
        assert snapshot().lookup(artifact.digest).revoked_at == int(now.timestamp())
        assert snapshot().lookup(artifact.digest).reason == "bad"
        assert selectors.is_published(subversion)
        assert selectors.published_at(subversion) == now
        assert snapshot().base_version == 1  # the overlay alone was written

    def test_a_deed_that_is_undone_publishes_nothing(self, publisher, artifact, now):
        subversion = certified_subversion(artifact, now=now)
        publisher.publish_due(now=now)
        with transaction.atomic():
            revoke(subversion, now)
            transaction.set_rollback(True)
        assert not publisher.publish_due(now=now)

    def test_taking_back_goes_first(self, publisher, artifact, now):
        subversion = certified_subversion(artifact, now=now)
        images = Images()
        publisher.publish_due(now=now)
        other = known_artifact(images, images.image("other"), now=now)
        with transaction.atomic():
            subject = Subject(kind="artifact", id=str(other.pk), label=other.digest)
            record(Verb.ARTIFACT_IMPORTED, actor=ACTOR, subject=subject, at=now)
            record(Verb.FEED_SYNCED, actor=ACTOR, subject=Subject("feed", "x", "x"), at=now)
        revoke(subversion, now)
        publisher.publish_due(now=now)
        assert snapshot().lookup(artifact.digest).revoked_at
        assert snapshot().lookup(other.digest) is None
        publisher.publish_due(now=now)
        assert snapshot().lookup(other.digest) is not None

    def test_what_is_certified_and_what_replaces_it_is_said(self, publisher, artifact, golden, now):
        old = certified_subversion(artifact, now=now - timedelta(days=1))
        images = Images()
        newer = known_artifact(images, images.image("newer"), now=now)
        publisher.publish_due(now=now)
        certified_subversion(newer, now=now, name="12.16")
        deed(Verb.CERTIFICATION_COMPLETED, Subversion.objects.get(name="12.16"), now)
        publisher.publish_due(now=now)
        facts = snapshot().lookup(artifact.digest)
        assert facts.use_instead == f"registry.example/golden/debian@{newer.digest}"
        assert facts.use_instead_name == "12.16"
        assert facts.subversion == f"debian/12 {old.name}"
        assert snapshot().instead_of("registry.example/golden/debian") == facts.use_instead

    def test_a_feed_makes_a_new_base(self, publisher, artifact, now):
        publisher.publish_due(now=now)
        with transaction.atomic():
            record(Verb.FEED_SYNCED, actor=ACTOR, subject=Subject("feed", "x", "x"), at=now)
        publisher.publish_due(now=now)
        assert snapshot().base_version == 2
        assert not SnapshotChange.objects.filter(publication=None).exists()

    def test_a_scan_that_ended_in_nothing_is_no_longer_running(self, publisher, artifact, now):
        job = enqueue("scans.inventory", subject_id=artifact.pk, now=now)
        publisher.publish_due(now=now)
        assert snapshot().lookup(artifact.digest).scan is ScanState.RUNNING
        Job.objects.filter(pk=job.pk).update(state="failed", finished_at=now)
        with transaction.atomic():
            record(Verb.JOB_FAILED, actor=ACTOR, subject=Subject("job", str(job.pk), job.kind), at=now)
        publisher.publish_due(now=now)
        assert snapshot().lookup(artifact.digest).scan is ScanState.NONE

    def test_a_base_is_made_again_each_hour(self, publisher, artifact, now):
        publisher.publish_due(now=now)
        assert not publisher.publish_due(now=now + timedelta(minutes=59))
        assert publisher.publish_due(now=now + timedelta(minutes=60))
        assert snapshot().base_version == 2

    def test_a_restart_goes_on_where_it_was(self, publisher, artifact, home, now):
        subversion = certified_subversion(artifact, now=now)
        publisher.publish_due(now=now)
        revoke(subversion, now)
        publisher.publish_due(now=now)
        again = publisher_of(home)
        again.resume()
        assert not again.publish_due(now=now)
        deed(Verb.SUSPENSION_LIFTED, subversion, now)
        again.publish_due(now=now)
        assert (snapshot().version, snapshot().base_version) == (3, 1)

    def test_a_death_between_signing_and_confirming_publishes_again(self, publisher, artifact, home, now):
        subversion = certified_subversion(artifact, now=now)
        publisher.publish_due(now=now)
        revoke(subversion, now)
        publisher.publish_due(now=now)
        SnapshotChange.objects.update(publication=None)
        SnapshotPublication.objects.filter(version=2).delete()
        again = publisher_of(home)
        again.resume()
        again.publish_due(now=now)
        assert snapshot().version == 3
        assert snapshot().lookup(artifact.digest).revoked_at

    def test_on_another_host_versions_go_on_growing(self, publisher, artifact, home, settings, now):
        publisher.publish_due(now=now)
        settings.GOLDGATE_HOME = home / "other"
        other = publisher_of(home)
        other.resume()
        other.publish_due(now=now)
        assert snapshot().version == 2


@pytest.mark.django_db(transaction=True)
class TestLargeBase:
    """A base that takes long is made beside the loop."""

    @pytest.fixture
    def gate_open(self, monkeypatch):
        """Holds the base back until it is set."""
        opened = threading.Event()

        def slow(at):
            opened.wait(20)
            yield from all_facts(at)

        monkeypatch.setattr("admission.publisher.all_facts", slow)
        monkeypatch.setattr("admission.publisher.MAX_INLINE_DIGESTS", 0)
        return opened

    def until_done(self, publisher, now):
        for _ in range(200):
            if publisher.publish_due(now=now) and snapshot().base_version > 1:
                return
            time.sleep(0.05)
        raise AssertionError("the base was never put in force")

    def test_a_revocation_does_not_wait_for_it_and_is_not_lost_by_it(self, publisher, artifact, gate_open, now):
        subversion = certified_subversion(artifact, now=now)
        gate_open.set()
        publisher.publish_due(now=now)
        gate_open.clear()
        with transaction.atomic():
            record(Verb.FEED_SYNCED, actor=ACTOR, subject=Subject("feed", "x", "x"), at=now)
        publisher.publish_due(now=now)
        revoke(subversion, now)
        assert publisher.publish_due(now=now)
        assert snapshot().base_version == 1
        assert snapshot().lookup(artifact.digest).revoked_at
        gate_open.set()
        self.until_done(publisher, now)
        assert snapshot().lookup(artifact.digest).revoked_at
        assert not SnapshotChange.objects.filter(publication=None).exists()

    def test_one_that_fails_is_not_put_in_force(self, publisher, artifact, monkeypatch, now):
        publisher.publish_due(now=now)

        def broken(at):
            raise RuntimeError("broken")
            yield

        monkeypatch.setattr("admission.publisher.all_facts", broken)
        monkeypatch.setattr("admission.publisher.MAX_INLINE_DIGESTS", 0)
        later = now + timedelta(hours=1)
        publisher.publish_due(now=later)
        with pytest.raises(RuntimeError, match="broken"):
            self.until_done(publisher, later)
        assert snapshot().version == 1


@pytest.mark.django_db
class TestTimestamp:
    def test_it_lives_for_its_seconds_and_is_signed_again_at_a_third(self, publisher, home, now):
        publisher = publisher_of(home, timestamp_seconds=30)
        publisher.publish_due(now=now)
        stamp = publisher.repository.timestamp()
        assert stamp.expires == now + timedelta(seconds=30)
        publisher.publish_due(now=now + timedelta(seconds=9))
        assert publisher.repository.timestamp().version == stamp.version
        publisher.publish_due(now=now + timedelta(seconds=10))
        again = publisher.repository.timestamp()
        assert again.expires == now + timedelta(seconds=40)
        assert again.version > stamp.version
        assert again.snapshot_meta.version == stamp.snapshot_meta.version

    def test_it_is_signed_at_least_each_minute(self, publisher, now):
        publisher.publish_due(now=now)
        assert publisher.repository.resign_seconds == 60
        assert publisher.repository.is_timestamp_due(now=now + timedelta(seconds=60))
        assert not publisher.repository.is_timestamp_due(now=now + timedelta(seconds=59))

    def test_targets_and_snapshot_live_a_week_and_the_root_a_year(self, publisher, home, now):
        publisher.publish_due(now=now)
        assert publisher.repository.targets().expires == now + timedelta(days=7)
        assert snapshot_keys.load(str(home / "keys")).root.expires == now + timedelta(days=365)

    def test_the_end_of_the_root_is_alarmed(self, publisher, now):
        publisher.publish_due(now=now)
        assert selectors.publisher_status()["message"] == ""
        publisher.sign_again(now=now + timedelta(days=306))
        assert "root ends in 59 days" in selectors.publisher_status()["message"]

    def test_the_snapshot_that_is_read_ends_with_its_timestamp(self, publisher, now):
        publisher.publish_due(now=now)
        assert snapshot().expires_at == int(now.timestamp()) + 900


@pytest.mark.django_db
class TestReader:
    """What a gate's own reader makes of what is published."""

    def chain(self, publisher):
        metadata = publisher.repository.metadata_dir
        chain = Chain((metadata / "1.root.json").read_bytes())
        chain.set_timestamp((metadata / "timestamp.json").read_bytes())
        version = chain.timestamp.snapshot_meta.version
        chain.set_snapshot((metadata / f"{version}.snapshot.json").read_bytes())
        chain.set_targets((metadata / f"{version}.targets.json").read_bytes())
        return chain

    def test_a_newer_version_is_taken_and_the_older_one_refused(self, publisher, artifact, now):
        publisher.publish_due(now=now)
        metadata = publisher.repository.metadata_dir
        older = (metadata / "timestamp.json").read_bytes()
        deed(Verb.CERTIFICATION_COMPLETED, subversion_of(artifact, now=now), now)
        publisher.publish_due(now=now)
        chain = self.chain(publisher)
        with pytest.raises(UntrustedSnapshot, match="older"):
            chain.set_timestamp(older)

    def test_another_publishers_keys_are_refused(self, publisher, artifact, home, now):
        publisher.publish_due(now=now)
        root = (publisher.repository.metadata_dir / "1.root.json").read_bytes()
        snapshot_keys.make(home / "foreign", home / "foreign" / "root", now=now)
        keys = snapshot_keys.load(str(home / "foreign"))
        foreign = TufRepository(home / "elsewhere", keys, timestamp_seconds=900)
        foreign.publish(9, {}, now=now)
        with pytest.raises(UntrustedSnapshot):
            Chain(root).set_timestamp((foreign.metadata_dir / "timestamp.json").read_bytes())

    def test_a_renewed_root_is_followed(self, publisher, artifact, home, now):
        publisher.publish_due(now=now)
        snapshot_keys.renew_root(home / "keys", home / "keys" / "root", now=now + timedelta(days=300))
        again = publisher_of(home)
        chain = self.chain(again)
        chain.add_root((again.repository.metadata_dir / "2.root.json").read_bytes())
        assert chain.root.expires == now + timedelta(days=665)
        again.resume()
        again.publish_due(now=now + timedelta(days=300))
        assert snapshot().version == 2

    def test_new_online_keys_are_followed_and_the_old_ones_refused(self, publisher, artifact, home, now):
        publisher.publish_due(now=now)
        root = (publisher.repository.metadata_dir / "1.root.json").read_bytes()
        snapshot_keys.rotate(home / "keys", home / "keys" / "root", now=now)
        publisher.repository.sign_timestamp(now=now + timedelta(seconds=5))  # by whoever has the old key
        old = (publisher.repository.metadata_dir / "timestamp.json").read_bytes()
        again = publisher_of(home)
        again.resume()
        assert again.publish_due(now=now + timedelta(seconds=6))
        chain = Chain(root)
        chain.add_root((again.repository.metadata_dir / "2.root.json").read_bytes())
        with pytest.raises(UntrustedSnapshot):
            chain.set_timestamp(old)
        chain.set_timestamp((again.repository.metadata_dir / "timestamp.json").read_bytes())
        assert snapshot().version == 2

    def test_the_portal_refuses_a_changed_overlay(self, publisher, artifact, now):
        publisher.publish_due(now=now)
        (path,) = publisher.repository.targets_dir.glob("*.overlay-1.json")
        path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":7'))
        with pytest.raises(SnapshotUnavailable, match="cannot be trusted"):
            snapshot()

    def test_the_fingerprint_is_of_the_first_root(self, publisher, home, now):
        first = selectors.root_fingerprint()
        assert len(first) == 64
        snapshot_keys.renew_root(home / "keys", home / "keys" / "root", now=now)
        publisher_of(home)
        assert selectors.root_fingerprint() == first


class TestRepository:
    def test_a_version_that_is_not_newer_is_refused(self, home, now):
        snapshot_keys.make(home / "keys", home / "keys" / "root", now=now)
        repository = TufRepository(home / "s", snapshot_keys.load(str(home / "keys")), timestamp_seconds=900)
        repository.publish(5, {}, now=now)
        for version in (5, 4):
            with pytest.raises(SnapshotUnavailable, match="not newer"):
                repository.publish(version, {}, now=now)

    def test_a_second_writer_is_refused(self, home, now):
        snapshot_keys.make(home / "keys", home / "keys" / "root", now=now)
        keys = snapshot_keys.load(str(home / "keys"))
        first, second = (TufRepository(home / "s", keys, timestamp_seconds=900) for _ in range(2))
        with first.exclusively(), pytest.raises(SnapshotUnavailable), second.exclusively():
            pass

    def test_old_files_go_after_a_while_and_those_in_force_stay(self, home, now):
        snapshot_keys.make(home / "keys", home / "keys" / "root", now=now)
        repository = TufRepository(home / "s", snapshot_keys.load(str(home / "keys")), timestamp_seconds=900)
        for version in (1, 2):
            body = home / "part"
            body.write_text(f"base {version}")
            target = repository.add_target(f"base-{version}.bin", body)
            repository.publish(version, {f"base-{version}.bin": target}, now=now)
        repository.remove_old(now=now)
        assert len(list(repository.targets_dir.iterdir())) == 2
        repository.remove_old(now=now + timedelta(days=400))
        assert [path.name[65:] for path in repository.targets_dir.iterdir()] == ["base-2.bin"]
        assert (repository.metadata_dir / "1.root.json").exists()
        assert not (repository.metadata_dir / "1.targets.json").exists()


class TestKeys:
    def test_keys_are_never_written_over(self, home, now):
        snapshot_keys.make(home / "k", home / "r", now=now)
        with pytest.raises(SnapshotKeysExist):
            snapshot_keys.make(home / "k", home / "r", now=now)

    def test_the_root_key_is_not_among_the_publishers(self, home, now):
        snapshot_keys.make(home / "k", home / "r", now=now)
        assert not (home / "k" / "root.pem").exists()
        (home / "r" / "root.pem").unlink()  # taken off the machine
        assert set(snapshot_keys.load(str(home / "k")).signers) == {"targets", "snapshot", "timestamp"}
        with pytest.raises(SnapshotKeysUnavailable):
            snapshot_keys.renew_root(home / "k", home / "r", now=now)

    def test_a_key_that_is_open_missing_or_foreign_is_refused(self, home, now):
        snapshot_keys.make(home / "k", home / "r", now=now)
        snapshot_keys.make(home / "k2", home / "r2", now=now)
        path = home / "k" / "targets.pem"
        path.chmod(0o644)
        with pytest.raises(SnapshotKeysUnavailable, match="0644"):
            snapshot_keys.load(str(home / "k"))
        path.unlink()
        with pytest.raises(SnapshotKeysUnavailable, match="cannot be read"):
            snapshot_keys.load(str(home / "k"))
        (home / "k2" / "targets.pem").rename(path)
        with pytest.raises(SnapshotKeysUnavailable, match="not the one that the root names"):
            snapshot_keys.load(str(home / "k"))
        with pytest.raises(SnapshotKeysUnavailable, match="no snapshot keys"):
            snapshot_keys.load("")


@pytest.mark.django_db
class TestWithoutDatabase:
    """PostgreSQL's absence, acted: the real one is in the integration tests."""

    @pytest.fixture
    def loop(self, publisher, now):
        found = Loop(publisher)
        assert found.step(now=now)
        return found

    def away(self, monkeypatch):
        def fail(self):
            raise OperationalError("connection refused")

        monkeypatch.setattr("admission.publisher.Leadership.hold", fail)
        monkeypatch.setattr("admission.management.commands.run_publisher.connection.close", lambda: None)

    def test_who_led_goes_on_signing_and_says_what_that_means(self, loop, publisher, monkeypatch, now):
        self.away(monkeypatch)
        before = publisher.repository.timestamp()
        loop.step(now=now + timedelta(seconds=61))
        after = publisher.repository.timestamp()
        assert after.version > before.version
        assert after.snapshot_meta.version == before.snapshot_meta.version
        assert "nothing can be revoked" in selectors.publisher_status()["message"]

    def test_after_a_day_it_stops(self, loop, publisher, monkeypatch, now):
        self.away(monkeypatch)
        loop.step(now=now + timedelta(seconds=61))
        loop.step(now=now + timedelta(hours=24, seconds=60))
        last = publisher.repository.timestamp().version
        loop.step(now=now + timedelta(hours=24, seconds=180))
        assert publisher.repository.timestamp().version == last

    def test_who_never_led_stays_silent(self, loop, home, monkeypatch, now):
        self.away(monkeypatch)
        other = publisher_of(home)
        before = other.repository.timestamp().version
        Loop(other).step(now=now + timedelta(seconds=120))
        assert other.repository.timestamp().version == before

    def test_back_again_it_publishes_what_waited(self, loop, publisher, artifact, monkeypatch, now):
        with monkeypatch.context() as patch:
            self.away(patch)
            loop.step(now=now + timedelta(seconds=61))
        subversion = certified_subversion(artifact, now=now)
        revoke(subversion, now)
        assert loop.step(now=now + timedelta(seconds=62))
        assert snapshot().lookup(artifact.digest).revoked_at
        assert selectors.publisher_status()["message"] == ""


class TestStatus:
    def test_it_is_empty_before_anything_ran_and_for_junk(self, home):
        assert selectors.publisher_status() == {}
        (home / "snapshots").mkdir()
        (home / "snapshots" / "status.json").write_text(json.dumps([1]))
        assert selectors.publisher_status() == {}
        assert selectors.root_fingerprint() == ""
        assert selectors.root_expires_at() is None
