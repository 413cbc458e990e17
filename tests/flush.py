"""Lets the test database be emptied between tests, although triggers refuse TRUNCATE.

The owner of the tables takes the triggers off for the flush and puts them back; nothing in the product does so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connections, transaction
from django.db.backends.postgresql.operations import DatabaseOperations

GUARDED = """
SELECT tgrelid::regclass::text, quote_ident(tgname), tgenabled
FROM pg_trigger WHERE NOT tgisinternal AND (tgtype & 32) <> 0
"""
MODE = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


@contextmanager
def flushable_tables() -> Iterator[None]:
    """While this holds, Django's flush also empties the tables that only grow."""
    plain = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: Sequence[str]) -> None:
        alias = self.connection.alias
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute(GUARDED)
            guarded = [row for row in cursor.fetchall() if row[2] in MODE]
            for table, trigger, _ in guarded:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
            plain(self, sql_list)
            for table, trigger, mode in guarded:
                cursor.execute(f"ALTER TABLE {table} {MODE[mode]} TRIGGER {trigger}")

    DatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]
    try:
        yield
    finally:
        DatabaseOperations.execute_sql_flush = plain  # type: ignore[method-assign]
