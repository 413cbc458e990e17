"""The record only grows: raw SQL is refused."""

import pytest
from django.db import IntegrityError, connection, transaction

from audit.actor import Actor, Subject
from audit.models import Record
from audit.services import record
from audit.verbs import Verb

STATEMENTS = [
    pytest.param("UPDATE audit_record SET actor_name = 'nobody'", id="update"),
    pytest.param("UPDATE audit_record SET actor_name = 'nobody' WHERE false", id="update-of-nothing"),
    pytest.param("DELETE FROM audit_record", id="delete"),
    pytest.param("TRUNCATE audit_record CASCADE", id="truncate"),
]


@pytest.mark.django_db(transaction=True)
class TestRecordOnlyGrows:
    @pytest.mark.parametrize("role", ["origin", "replica"])
    @pytest.mark.parametrize("statement", STATEMENTS)
    def test_refuses_raw_sql(self, now, statement, role):
        with transaction.atomic():
            record(Verb.TEAM_CREATED, actor=Actor.system("t"), subject=Subject("team", "1", "blue"), at=now)
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL session_replication_role = {role}")
            cursor.execute(statement)
        assert Record.objects.get().actor_name == "t"

    def test_has_no_setting_that_opens_it(self, now):
        with transaction.atomic():
            record(Verb.TEAM_CREATED, actor=Actor.system("t"), subject=Subject("team", "1", "blue"), at=now)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL pgtrigger.ignore = '{refuse_change}'")
            cursor.execute("DELETE FROM audit_record")
