"""What no program may do: change the audit. And what need not survive a crash: the rate windows."""

from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations

IMMUTABLE = """
CREATE FUNCTION commerce_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a journal: rows are never changed or deleted; write a correcting row', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_immutable';
END $$;
CREATE TRIGGER audit_is_immutable BEFORE UPDATE OR DELETE ON commerce_auditentry
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON commerce_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();
"""
MUTABLE = """
DROP TRIGGER audit_is_not_truncated ON commerce_auditentry;
DROP TRIGGER audit_is_immutable ON commerce_auditentry;
DROP FUNCTION commerce_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("commerce", "0001_initial")]

    operations = [
        BtreeGistExtension(),
        migrations.RunSQL(IMMUTABLE, MUTABLE),
        migrations.RunSQL(
            "ALTER TABLE commerce_ratewindow SET UNLOGGED", "ALTER TABLE commerce_ratewindow SET LOGGED"
        ),
    ]
