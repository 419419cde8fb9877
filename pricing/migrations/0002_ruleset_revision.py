"""The revision of prices and rates, and the law that a given quote never changes."""

from django.db import migrations, models

SEQUENCE = "CREATE SEQUENCE pricing_ruleset_number"
NO_SEQUENCE = "DROP SEQUENCE pricing_ruleset_number"

QUOTES_ARE_KEPT = """
CREATE FUNCTION pricing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a quote that was given is never changed; give a new one'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'quote_is_immutable';
END $$;
CREATE TRIGGER quote_is_immutable BEFORE UPDATE ON pricing_quote
    FOR EACH ROW EXECUTE FUNCTION pricing_refuse_change();
"""
QUOTES_ARE_NOT_KEPT = """
DROP TRIGGER quote_is_immutable ON pricing_quote;
DROP FUNCTION pricing_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("pricing", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="RulesetRevision",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("written_in", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="ruleset_revision_is_one_row")
                ],
            },
        ),
        migrations.RunSQL(SEQUENCE, NO_SEQUENCE),
        migrations.RunSQL(QUOTES_ARE_KEPT, QUOTES_ARE_NOT_KEPT),
    ]
