"""Refuse UPDATE, DELETE and TRUNCATE on everything that only grows (docs/adr/0003)."""

from django.db import migrations

PROTECTED = ["audit_record", "audit_seal", "audit_leaf", "audit_checkpointkey", "audit_checkpoint", "audit_delivery"]

# One trigger a table, for the statement: it refuses even what would touch no row. ALWAYS: it also
# fires under session_replication_role = replica. Only the tables' owner can take it off.
FUNCTION = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;
"""
TRIGGER = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_change;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION, reverse_sql="DROP FUNCTION audit_refuse_change();"),
        *(
            migrations.RunSQL(TRIGGER.format(table=table), reverse_sql=f"DROP TRIGGER refuse_change ON {table};")
            for table in PROTECTED
        ),
    ]
