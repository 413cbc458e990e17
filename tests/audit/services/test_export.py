"""An export shows what was done to the record: changed, missing, put in, cut off, computed anew."""

import json
from datetime import timedelta

import pytest
from django.db import connection, transaction

from audit.actor import Actor
from audit.adapters.key_file import create_key
from audit.domain import chain
from audit.models import Leaf, Record, Seal
from audit.services import export, seal_pending, sign_checkpoint
from audit.services.seals import body_of
from audit.verbs import Verb
from tests.audit.reading import faults
from tests.factories.audit import RecordFactory

ADA = Actor("person", "1", "Ada")


@pytest.fixture
def sealed(now, tmp_path):
    """Seven records under three seals (3, 1, 3); the checkpoint over the last, as a sink holds it."""
    signer = create_key(tmp_path / "audit.pem")
    for minute, count in enumerate([3, 1, 3]):
        for _ in range(count):
            RecordFactory()
        seal_pending(now + timedelta(minutes=minute))
        checkpoint = sign_checkpoint(signer=signer, now=now + timedelta(minutes=minute))
    return body_of(checkpoint)


def lines(now, after: int = 0) -> list[bytes]:
    return list(export(actor=ADA, now=now, after=after))


def kinds(exported: list[bytes]) -> list[str]:
    return [json.loads(line)["type"] for line in exported]


def tamper(statement: str, *parameters: object) -> None:
    """What somebody with the tables' owner's password can do."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("record", "seal", "leaf", "checkpoint", "delivery"):
            cursor.execute(f"ALTER TABLE audit_{table} DISABLE TRIGGER ALL")
        cursor.execute(statement, parameters)


@pytest.mark.django_db
class TestExport:
    def test_lines_come_in_the_documented_order(self, now, sealed):
        assert kinds(lines(now)) == [
            "header",
            *["record", "record", "record", "seal", "checkpoint"],
            *["record", "seal", "checkpoint"],
            *["record", "record", "record", "seal", "checkpoint"],
            "unsealed",  # the export's own record
            "end",
        ]

    def test_nothing_is_wrong_with_it(self, now, sealed):
        assert faults(lines(now), sealed) == []

    def test_end_counts_the_lines(self, now, sealed):
        assert json.loads(lines(now)[-1]) == {"type": "end", "records": 7, "seals": 3, "checkpoints": 3, "unsealed": 1}

    def test_after_a_seal(self, now, sealed):
        rest = lines(now, after=2)
        assert kinds(rest).count("seal") == 1
        assert json.loads(rest[0])["after"] == 2

    def test_is_itself_recorded(self, now, sealed):
        lines(now)
        written = Record.objects.get(verb=Verb.RECORD_EXPORTED)
        assert (written.actor_name, written.data) == ("Ada", {"after": 0, "through": 3})

    def test_costs_the_same_queries_for_a_long_seal(self, now, django_assert_max_num_queries):
        for _ in range(100):
            RecordFactory()
        seal_pending(now)
        with django_assert_max_num_queries(16):
            lines(now)


@pytest.mark.django_db
class TestTampering:
    def test_a_changed_row_is_named(self, now, sealed):
        record = Leaf.objects.get(position=5).record_id
        tamper("UPDATE audit_record SET actor_name = 'nobody' WHERE id = %s", record)
        assert faults(lines(now), sealed) == ["record 5 changed"]

    @pytest.mark.parametrize(
        "change",
        [
            "uuid = gen_random_uuid()",
            "verb = 'team.removed'",
            "actor_kind = 'gate'",
            "actor_id = 'x'",
            "subject_kind = 'x'",
            "subject_id = 'x'",
            "subject_label = 'x'",
            "at = at + interval '1 microsecond'",
            "data = '{}'",
            "request_id = 'x'",
        ],
    )
    def test_every_column_counts(self, now, sealed, change):
        record = Leaf.objects.get(position=2).record_id
        tamper(f"UPDATE audit_record SET {change} WHERE id = %s", record)
        assert faults(lines(now), sealed) == ["record 2 changed"]

    def test_two_rows_swapped(self, now, sealed):
        first, second = Leaf.objects.get(position=1), Leaf.objects.get(position=2)
        swap = "UPDATE audit_record SET id = %s WHERE id = %s"
        for new, old in [(-1, first.record_id), (first.record_id, second.record_id), (second.record_id, -1)]:
            tamper(swap, new, old)
        assert faults(lines(now), sealed) == ["record 1 changed", "record 2 changed"]

    def test_a_deleted_row_is_named_with_its_leaf_kept(self, now, sealed):
        tamper("DELETE FROM audit_record WHERE id = %s", Leaf.objects.get(position=5).record_id)
        assert faults(lines(now), sealed) == ["record 5 missing"]

    def test_a_deleted_row_and_leaf(self, now, sealed):
        record = Leaf.objects.get(position=5).record_id
        tamper("DELETE FROM audit_leaf WHERE position = 5")
        tamper("DELETE FROM audit_record WHERE id = %s", record)
        assert "record 5 missing" in faults(lines(now), sealed)
        assert "seal 3 root" in faults(lines(now), sealed)

    def test_a_row_put_in_past_the_services(self, now, sealed):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO audit_record (uuid, verb, actor_kind, actor_id, actor_name, subject_kind, subject_id,"
                " subject_label, at, data, request_id) VALUES (gen_random_uuid(), 'role.granted', 'person', '1', 'Ada',"
                " 'person', '2', 'Eve', %s, '{}', '') RETURNING id",
                [now],
            )
            stray = cursor.fetchone()[0]
        assert faults(lines(now), sealed) == [f"stray record {stray}"]

    def test_a_cut_tail_is_located_by_the_checkpoint_outside(self, now, sealed):
        for table, column in [("checkpoint", "seal_id"), ("leaf", "seal_id"), ("seal", "number")]:
            tamper(f"DELETE FROM audit_{table} WHERE {column} = 3")
        exported = lines(now)
        assert [fault for fault in faults(exported) if "stray" not in fault] == []
        assert "tail cut: 5 to 7 missing" in faults(exported, sealed)

    def test_a_chain_computed_anew_disagrees_with_the_checkpoint_outside(self, now, sealed):
        """Everything fits itself again; only what was taken away before tells."""
        leaf = Leaf.objects.get(position=6)
        tamper("UPDATE audit_record SET subject_label = 'other' WHERE id = %s", leaf.record_id)
        forged = chain.leaf_hash(Record.objects.get(pk=leaf.record_id).body())
        tamper("UPDATE audit_leaf SET hash = %s WHERE position = 6", forged.hex())
        seal = Seal.objects.get(number=3)
        hashes = [bytes.fromhex(each.hash) for each in Leaf.objects.filter(seal=3).order_by("position")]
        seal.root = chain.merkle_root(hashes).hex()
        tamper("UPDATE audit_seal SET root = %s, hash = %s WHERE number = 3", seal.root, chain.seal_hash(seal.body()))
        exported = lines(now)
        assert faults(exported) == []
        assert faults(exported, sealed) == ["rewritten up to seal 3"]
