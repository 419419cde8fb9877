"""Backorders and their dates, demand without a place, purchase limits: tables, and what of them never changes."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

LAWS = """
CREATE TRIGGER promised_date_is_immutable BEFORE UPDATE OR DELETE ON inventory_promiseddate
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER promised_date_is_not_truncated BEFORE TRUNCATE ON inventory_promiseddate
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();

-- Policies and limits stay as they were made, so that what was promised under them can be read later; they only end, once.
CREATE FUNCTION inventory_refuse_terms_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(OLD) - 'ended_at' = to_jsonb(NEW) - 'ended_at' AND OLD.ended_at IS NULL THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what % says stays as it is; end it and make another', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_stays';
END $$;
CREATE TRIGGER backorder_policy_stays BEFORE UPDATE OR DELETE ON inventory_backorderpolicy
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_terms_change();
CREATE TRIGGER purchase_limit_stays BEFORE UPDATE OR DELETE ON inventory_purchaselimit
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_terms_change();
"""
LAWLESS = """
DROP TRIGGER purchase_limit_stays ON inventory_purchaselimit;
DROP TRIGGER backorder_policy_stays ON inventory_backorderpolicy;
DROP FUNCTION inventory_refuse_terms_change();
DROP TRIGGER promised_date_is_not_truncated ON inventory_promiseddate;
DROP TRIGGER promised_date_is_immutable ON inventory_promiseddate;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0007_sharing"), ("commerce", "0002_laws")]

    operations = [
        migrations.CreateModel(
            name="Backorder",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("claim_kind", models.CharField(max_length=10)),
                ("claim_id", models.UUIDField(unique=True)),
                ("demand_id", models.UUIDField(db_index=True)),
                ("quantity", models.BigIntegerField()),
                ("filled", models.BigIntegerField(default=0)),
                ("released", models.BigIntegerField(default=0)),
                ("since", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("promised_on", models.DateField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.channel"
                    ),
                ),
                (
                    "level",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.stocklevel",
                    ),
                ),
            ],
            options={
                "verbose_name": "backorder",
                "verbose_name_plural": "backorders",
            },
        ),
        migrations.CreateModel(
            name="BackorderPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[("backorder", "Backorder"), ("preorder", "Preorder")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("category", models.CharField(blank=True, max_length=80, verbose_name="category")),
                (
                    "channel_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("cap", models.BigIntegerField(verbose_name="pieces per product and place")),
                (
                    "safety",
                    models.BigIntegerField(default=0, verbose_name="pieces of a delivery that are not promised"),
                ),
                ("release_on", models.DateField(blank=True, null=True, verbose_name="released on")),
                (
                    "lead_days",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="days until there are goods again"),
                ),
                ("until", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                ("author", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                        verbose_name="location",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "backorder policy",
                "verbose_name_plural": "backorder policies",
            },
        ),
        migrations.CreateModel(
            name="PromisedDate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.PositiveIntegerField()),
                ("promised_on", models.DateField(null=True)),
                ("reason", models.CharField(max_length=20)),
                ("told_at", models.DateTimeField()),
                (
                    "backorder",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dates",
                        to="inventory.backorder",
                    ),
                ),
            ],
            options={
                "verbose_name": "promised date",
                "verbose_name_plural": "promised dates",
            },
        ),
        migrations.CreateModel(
            name="PurchaseLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("quantity", models.PositiveIntegerField(verbose_name="pieces per customer")),
                (
                    "channel_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("author", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "purchase limit",
                "verbose_name_plural": "purchase limits",
            },
        ),
        migrations.CreateModel(
            name="PurchaseLimitUse",
            fields=[
                ("hold_id", models.UUIDField(primary_key=True, serialize=False)),
                ("cause_id", models.UUIDField(db_index=True)),
                ("key", models.CharField(max_length=200)),
                ("quantity", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
                (
                    "limit",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.purchaselimit",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UnroutedDemand",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("country", models.CharField(max_length=2)),
                ("quantity", models.BigIntegerField()),
                ("routed", models.BigIntegerField(default=0)),
                ("withdrawn", models.BigIntegerField(default=0)),
                ("accepted_at", models.DateTimeField()),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.channel",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.product",
                    ),
                ),
            ],
            options={
                "verbose_name": "demand without a place",
                "verbose_name_plural": "demand without a place",
            },
        ),
        migrations.AddIndex(
            model_name="backorder",
            index=models.Index(
                condition=models.Q(
                    (
                        "quantity__gt",
                        django.db.models.expressions.CombinedExpression(models.F("filled"), "+", models.F("released")),
                    )
                ),
                fields=["level", "since", "id"],
                name="backorder_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="backorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("claim_kind__in", ["hold", "allocation"])), name="backorder_claim_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="backorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("filled__gte", 0),
                    (
                        "quantity__gte",
                        django.db.models.expressions.CombinedExpression(models.F("filled"), "+", models.F("released")),
                    ),
                    ("released__gte", 0),
                    ("quantity__gte", 1),
                ),
                name="backorder_not_overdrawn",
            ),
        ),
        migrations.AddConstraint(
            model_name="backorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("claim_kind", "hold"), ("expires_at__isnull", False)),
                    models.Q(("claim_kind", "allocation"), ("expires_at__isnull", True)),
                    _connector="OR",
                ),
                name="backorder_of_hold_expires",
            ),
        ),
        migrations.AddIndex(
            model_name="backorderpolicy",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)), fields=["id"], name="backorder_policy_active"
            ),
        ),
        migrations.AddConstraint(
            model_name="backorderpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["backorder", "preorder"])), name="backorder_policy_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="backorderpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("category", ""), ("product__isnull", False)),
                    models.Q(("product__isnull", True), models.Q(("category", ""), _negated=True)),
                    _connector="OR",
                ),
                name="backorder_policy_has_one_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="backorderpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("cap__gte", 1), ("cap__lte", 1000000), ("safety__gte", 0)),
                name="backorder_policy_cap_sane",
            ),
        ),
        migrations.AddConstraint(
            model_name="backorderpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "preorder"), _negated=True), ("release_on__isnull", False), _connector="OR"
                ),
                name="backorder_policy_preorder_has_release",
            ),
        ),
        migrations.AddConstraint(
            model_name="promiseddate",
            constraint=models.UniqueConstraint(fields=("backorder", "revision"), name="promised_date_once"),
        ),
        migrations.AddConstraint(
            model_name="purchaselimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="purchase_limit_quantity_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="purchaselimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="purchase_limit_ends_after_start"
            ),
        ),
        migrations.AddIndex(
            model_name="unrouteddemand",
            index=models.Index(
                condition=models.Q(
                    (
                        "quantity__gt",
                        django.db.models.expressions.CombinedExpression(models.F("routed"), "+", models.F("withdrawn")),
                    )
                ),
                fields=["product"],
                name="unrouted_demand_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="unrouteddemand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "quantity__gte",
                        django.db.models.expressions.CombinedExpression(models.F("routed"), "+", models.F("withdrawn")),
                    ),
                    ("routed__gte", 0),
                    ("withdrawn__gte", 0),
                    ("quantity__gte", 1),
                ),
                name="unrouted_demand_not_overdrawn",
            ),
        ),
        migrations.AddField(
            model_name="stocklevel",
            name="has_unrouted",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddIndex(
            model_name="stocklevel",
            index=models.Index(
                name="stock_level_has_unrouted", fields=["product"], condition=models.Q(has_unrouted=True)
            ),
        ),
        migrations.AddField(
            model_name="feedfigure",
            name="backorderable",
            field=models.BigIntegerField(default=0),
        ),
        migrations.RunSQL(LAWS, LAWLESS),
    ]
