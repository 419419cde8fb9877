"""Versions of the rules, their withdrawals, and the law that neither is ever changed."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

LAWS = """
CREATE FUNCTION pricing_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published version of the rules is never changed; publish another one'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER ruleset_version_is_immutable BEFORE UPDATE OR DELETE ON pricing_rulesetversion
    FOR EACH ROW EXECUTE FUNCTION pricing_refuse_rewriting();
CREATE TRIGGER ruleset_version_is_not_truncated BEFORE TRUNCATE ON pricing_rulesetversion
    EXECUTE FUNCTION pricing_refuse_rewriting();
CREATE TRIGGER ruleset_withdrawal_is_immutable BEFORE UPDATE OR DELETE ON pricing_rulesetwithdrawal
    FOR EACH ROW EXECUTE FUNCTION pricing_refuse_rewriting();
CREATE TRIGGER ruleset_withdrawal_is_not_truncated BEFORE TRUNCATE ON pricing_rulesetwithdrawal
    EXECUTE FUNCTION pricing_refuse_rewriting();
"""
NO_LAWS = """
DROP TRIGGER ruleset_withdrawal_is_not_truncated ON pricing_rulesetwithdrawal;
DROP TRIGGER ruleset_withdrawal_is_immutable ON pricing_rulesetwithdrawal;
DROP TRIGGER ruleset_version_is_not_truncated ON pricing_rulesetversion;
DROP TRIGGER ruleset_version_is_immutable ON pricing_rulesetversion;
DROP FUNCTION pricing_refuse_rewriting();
"""


class Migration(migrations.Migration):
    dependencies = [("pricing", "0003_quotes_without_a_hash")]

    operations = [
        migrations.CreateModel(
            name="RulesetVersion",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False, verbose_name="number")),
                ("content", models.JSONField(verbose_name="content")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("of_number", models.BigIntegerField(blank=True, null=True, verbose_name="content of version")),
                ("effective_from", models.DateTimeField(db_index=True, verbose_name="effective from")),
                ("effective_to", models.DateTimeField(blank=True, null=True, verbose_name="effective until")),
                ("published_by", models.CharField(max_length=200, verbose_name="published by")),
                ("published_at", models.DateTimeField(verbose_name="published at")),
            ],
            options={
                "verbose_name": "ruleset version",
                "verbose_name_plural": "ruleset versions",
                "ordering": ["-number"],
                "constraints": [
                    models.CheckConstraint(condition=Q(("number__gte", 1)), name="ruleset_version_number_positive"),
                    models.CheckConstraint(
                        condition=Q(("effective_from__gte", F("published_at"))), name="ruleset_version_not_in_the_past"
                    ),
                    models.CheckConstraint(
                        condition=Q(("effective_to", None), ("effective_to__gt", F("effective_from")), _connector="OR"),
                        name="ruleset_version_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=Q(("of_number", None), ("of_number__lt", F("number")), _connector="OR"),
                        name="ruleset_version_goes_back",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RulesetWithdrawal",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="withdrawal",
                        serialize=False,
                        to="pricing.rulesetversion",
                        verbose_name="version",
                    ),
                ),
                ("withdrawn_at", models.DateTimeField(verbose_name="withdrawn at")),
                ("withdrawn_by", models.CharField(max_length=200, verbose_name="withdrawn by")),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
            ],
            options={"verbose_name": "withdrawal", "verbose_name_plural": "withdrawals"},
        ),
        migrations.RunSQL(LAWS, NO_LAWS),
    ]
