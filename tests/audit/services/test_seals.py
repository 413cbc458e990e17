"""Sealing, checkpoints and the sink, with transactions that commit out of order."""

import json
import subprocess
import threading
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection, transaction

from audit.adapters.key_file import create_key, load_signer
from audit.adapters.sink import DirectorySink, GitSink, sink_at
from audit.errors import KeyUnreadable, SinkDisagrees, SinkUnavailable
from audit.models import Checkpoint, Delivery, Leaf, Pending, Seal
from audit.services import deliver_checkpoints, seal_pending, sign_checkpoint
from audit.services.seals import SEALER_LOCK
from core.canonical import canonical_json
from tests.factories.audit import RecordFactory
from tests.undone import undone

NO_KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def signer(tmp_path):
    return create_key(tmp_path / "keys" / "audit.pem")


def seal_some(count: int, now) -> Seal:
    for _ in range(count):
        RecordFactory()
    return seal_pending(now)[-1]


def leave_open(begun: threading.Event, finish: threading.Event) -> None:
    """Write a record in a transaction that stays open until ``finish``."""
    try:
        with transaction.atomic():
            RecordFactory()
            begun.set()
            assert finish.wait(10)
    finally:
        connection.close()


@pytest.mark.django_db
class TestSealPending:
    def test_nothing_pending_seals_nothing(self, now):
        assert seal_pending(now) == []

    def test_chains_the_batches(self, now):
        first, second = seal_some(3, now), seal_some(2, now)
        assert (first.number, first.first, first.count, first.previous) == (1, 1, 3, "0" * 64)
        assert (second.number, second.first, second.count, second.previous) == (2, 4, 2, first.hash)
        assert list(Leaf.objects.values_list("position", flat=True)) == [1, 2, 3, 4, 5]
        assert not Pending.objects.exists()

    def test_many_are_sealed_in_several_batches(self, now, monkeypatch):
        monkeypatch.setattr("audit.services.seals.BATCH", 2)
        for _ in range(5):
            RecordFactory()
        assert [seal.count for seal in seal_pending(now)] == [2, 2, 1]


@pytest.mark.django_db(transaction=True)
class TestSealPendingBesideOthers:
    def test_a_lower_id_that_commits_later_is_sealed_later(self, now):
        begun, finish = threading.Event(), threading.Event()
        slow = threading.Thread(target=leave_open, args=(begun, finish))
        slow.start()
        assert begun.wait(10)
        quick = RecordFactory()
        first = seal_pending(now)
        finish.set()
        slow.join()
        second = seal_pending(now)
        late = Leaf.objects.get(position=2).record_id
        assert [seal.count for seal in first + second] == [1, 1]
        assert Leaf.objects.get(position=1).record_id == quick.pk
        assert late < quick.pk

    def test_a_gap_of_ids_leaves_no_gap_of_positions(self, now):
        RecordFactory()
        with undone():
            RecordFactory()
        RecordFactory()
        seal_pending(now)
        ids = list(Leaf.objects.order_by("position").values_list("record_id", flat=True))
        assert ids[1] - ids[0] == 2
        assert list(Leaf.objects.values_list("position", flat=True)) == [1, 2]

    def test_a_second_sealer_does_nothing(self, now):
        RecordFactory()
        other = connection.get_new_connection(connection.get_connection_params())
        try:
            other.execute("SELECT pg_advisory_lock(%s)", [SEALER_LOCK])
            assert seal_pending(now) == []
            other.execute("SELECT pg_advisory_unlock(%s)", [SEALER_LOCK])
        finally:
            other.close()
        assert len(seal_pending(now)) == 1


@pytest.mark.django_db
class TestSignCheckpoint:
    def test_signs_the_documented_bytes(self, now, signer):
        seal = seal_some(2, now)
        checkpoint = sign_checkpoint(signer=signer, now=now)
        body = {
            "format": "goldgate-checkpoint/1",
            "number": 1,
            "size": 2,
            "head": seal.hash,
            "at": "2026-11-24T12:00:00.000000Z",
            "key_id": signer.key_id,
        }
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(checkpoint.key.public_key))
        key.verify(bytes.fromhex(checkpoint.signature), canonical_json(body))

    def test_waits_for_sixty_seconds_or_a_hundred_records(self, now, signer):
        seal_some(1, now)
        sign_checkpoint(signer=signer, now=now)
        seal_some(99, now)
        assert sign_checkpoint(signer=signer, now=now + timedelta(seconds=59)) is None
        seal_some(1, now)
        assert sign_checkpoint(signer=signer, now=now + timedelta(seconds=59)) is not None
        seal_some(1, now)
        assert sign_checkpoint(signer=signer, now=now + timedelta(seconds=119)) is not None

    def test_says_nothing_twice(self, now, signer):
        seal_some(1, now)
        sign_checkpoint(signer=signer, now=now)
        assert sign_checkpoint(signer=signer, now=now + timedelta(hours=1)) is None
        assert sign_checkpoint(signer=signer, now=now, is_forced=True) is None


@pytest.mark.django_db
class TestDeliverCheckpoints:
    def test_into_a_directory(self, now, signer, tmp_path):
        seal_some(2, now)
        checkpoint = sign_checkpoint(signer=signer, now=now)
        sink = sink_at(str(tmp_path / "sink"))
        assert deliver_checkpoints(sink=sink, now=now) == 1
        assert deliver_checkpoints(sink=sink, now=now) == 0
        document = json.loads((tmp_path / "sink" / "000000000001.json").read_bytes())
        assert document["signature"] == checkpoint.signature
        assert document["public_key"] == signer.public_key.hex()
        assert Delivery.objects.get().sink == str(tmp_path / "sink")

    def test_a_new_sink_gets_them_all(self, now, signer, tmp_path):
        for minute in range(3):
            seal_some(1, now)
            sign_checkpoint(signer=signer, now=now + timedelta(minutes=minute))
        deliver_checkpoints(sink=DirectorySink(tmp_path), now=now)
        (tmp_path / "other").mkdir()
        assert deliver_checkpoints(sink=DirectorySink(tmp_path / "other"), now=now) == 3

    def test_a_delivery_that_was_not_noted_is_the_same_again(self, now, signer, tmp_path):
        seal_some(1, now)
        checkpoint = sign_checkpoint(signer=signer, now=now)
        sink = DirectorySink(tmp_path)
        with undone():
            deliver_checkpoints(sink=sink, now=now)
        assert deliver_checkpoints(sink=sink, now=now) == 1
        assert Delivery.objects.get().checkpoint == checkpoint

    def test_another_history_in_the_sink_is_told(self, now, signer, tmp_path):
        """What a restored backup, or a chain computed anew, looks like from outside."""
        (tmp_path / "000000000001.json").write_bytes(b'{"checkpoint":{}}\n')
        seal_some(1, now)
        sign_checkpoint(signer=signer, now=now)
        with pytest.raises(SinkDisagrees):
            deliver_checkpoints(sink=DirectorySink(tmp_path), now=now)
        assert (tmp_path / "000000000001.json").read_bytes() == b'{"checkpoint":{}}\n'

    def test_a_sink_that_is_away_keeps_the_checkpoint_for_later(self, now, signer, tmp_path):
        seal_some(1, now)
        sign_checkpoint(signer=signer, now=now)
        with pytest.raises(SinkUnavailable):
            deliver_checkpoints(sink=DirectorySink(tmp_path / "gone"), now=now)
        assert Checkpoint.objects.count() == 1
        assert not Delivery.objects.exists()

    def test_into_git_and_on_to_its_remote(self, now, signer, tmp_path):
        remote, tree = tmp_path / "remote.git", tmp_path / "tree"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
        subprocess.run(["git", "clone", "-q", str(remote), str(tree)], check=True, capture_output=True)
        subprocess.run(["git", "-C", str(tree), "config", "push.autoSetupRemote", "true"], check=True)
        for minute in range(2):
            seal_some(1, now)
            sign_checkpoint(signer=signer, now=now + timedelta(minutes=minute))
        sink = sink_at(str(tree))
        assert isinstance(sink, GitSink)
        assert deliver_checkpoints(sink=sink, now=now) == 2
        log = subprocess.run(
            ["git", "--git-dir", str(remote), "log", "--format=%s", "--name-only"], capture_output=True, check=True
        )
        assert log.stdout.split(b"\n\n")[0] == b"Checkpoint 2"
        assert b"000000000001.json" in log.stdout

    def test_a_remote_that_is_away_is_told(self, now, signer, tmp_path):
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
        subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", "/nowhere"], check=True)
        seal_some(1, now)
        sign_checkpoint(signer=signer, now=now)
        with pytest.raises(SinkUnavailable, match="git push"):
            deliver_checkpoints(sink=GitSink(tmp_path), now=now)


class TestKeyFile:
    def test_is_made_for_its_owner_alone_and_read_again(self, tmp_path):
        path = tmp_path / "audit.pem"
        made = create_key(path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert load_signer(path).key_id == made.key_id

    def test_is_never_replaced(self, tmp_path):
        path = tmp_path / "audit.pem"
        create_key(path)
        with pytest.raises(FileExistsError):
            create_key(path)

    @pytest.mark.parametrize("mode", [0o604, 0o620, 0o644])
    def test_open_to_others_is_refused(self, tmp_path, mode):
        path = tmp_path / "audit.pem"
        create_key(path)
        path.chmod(mode)
        with pytest.raises(KeyUnreadable, match="open to others"):
            load_signer(path)

    @pytest.mark.parametrize("content", [b"", b"no key", NO_KEY])
    def test_no_key_is_refused(self, tmp_path, content):
        path = tmp_path / "audit.pem"
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(KeyUnreadable):
            load_signer(path)

    def test_missing_says_the_cure(self, tmp_path):
        with pytest.raises(KeyUnreadable, match="create_audit_key"):
            load_signer(tmp_path / "none.pem")
