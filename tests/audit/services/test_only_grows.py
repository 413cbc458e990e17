"""The record only grows: raw SQL is refused, in every table that it consists of."""

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import Leaf, Record
from audit.services import seal_pending
from tests.factories.audit import RecordFactory

TABLES = ["record", "seal", "leaf", "checkpoint", "checkpointkey", "delivery"]
STATEMENTS = [
    pytest.param("UPDATE {table} SET {column} = {column}", id="update"),
    pytest.param("UPDATE {table} SET {column} = {column} WHERE false", id="update-of-nothing"),
    pytest.param("DELETE FROM {table}", id="delete"),
    pytest.param("DELETE FROM {table} WHERE false", id="delete-of-nothing"),
]
COLUMN = {
    "record": "actor_name",
    "seal": "hash",
    "leaf": "hash",
    "checkpoint": "signature",
    "checkpointkey": "public_key",
    "delivery": "sink",
}


def execute(statement: str, setting: str = "") -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if setting:
            cursor.execute(f"SET LOCAL {setting}")
        cursor.execute(statement)


@pytest.mark.django_db
class TestOnlyGrows:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("statement", STATEMENTS)
    def test_refuses_raw_sql(self, now, table, statement):
        RecordFactory()
        seal_pending(now)
        with pytest.raises(IntegrityError, match=f"audit_{table} only grows"):
            execute(statement.format(table=f"audit_{table}", column=COLUMN[table]))

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("table", TABLES)
    def test_refuses_truncate(self, now, table):
        RecordFactory()
        seal_pending(now)
        with pytest.raises(IntegrityError, match=r"only grows: TRUNCATE"):
            execute(f"TRUNCATE audit_{table} CASCADE")
        assert Record.objects.count() == Leaf.objects.count() == 1

    @pytest.mark.parametrize(
        "setting", ["session_replication_role = replica", "pgtrigger.ignore = '{refuse_change,audit:refuse_change}'"]
    )
    def test_no_setting_of_the_session_opens_it(self, setting):
        RecordFactory()
        with pytest.raises(IntegrityError, match="only grows"):
            execute("DELETE FROM audit_record", setting)

    def test_the_orm_is_refused_too(self):
        record = RecordFactory()
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            Record.objects.filter(pk=record.pk).update(actor_name="nobody")
        assert Record.objects.get().actor_name == record.actor_name
