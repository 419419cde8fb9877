"""Buffers, obligations to channels, and dynamic policies: what is withheld, with the laws of their lives."""

import django.db.models.deletion
from django.db import migrations, models

LAWS = """
-- What was previewed and activated is what holds, and what held can be read later: content stays, states go forward.
CREATE FUNCTION inventory_refuse_sharing_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moves text[] := ARRAY['state', 'activator', 'activated_at', 'retired_at', 'taken', 'ended_at'];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(OLD) - moves = to_jsonb(NEW) - moves AND (TG_TABLE_NAME = 'inventory_obligation'
            OR (to_jsonb(OLD) ->> 'state' = 'active' AND to_jsonb(NEW) ->> 'state' = 'retired'
                AND to_jsonb(OLD) ->> 'activator' = to_jsonb(NEW) ->> 'activator'
                AND to_jsonb(OLD) -> 'activated_at' = to_jsonb(NEW) -> 'activated_at')) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what % was agreed on stays as it is; retire it and make another', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_stays';
END $$;
CREATE TRIGGER buffer_rule_stays BEFORE UPDATE OR DELETE ON inventory_bufferrule
    FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION inventory_refuse_sharing_change();
CREATE TRIGGER dynamic_policy_stays BEFORE UPDATE OR DELETE ON inventory_dynamicpolicy
    FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION inventory_refuse_sharing_change();
CREATE TRIGGER obligation_stays BEFORE UPDATE OR DELETE ON inventory_obligation
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_sharing_change();

CREATE TRIGGER obligation_take_is_immutable BEFORE UPDATE OR DELETE ON inventory_obligationtake
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER obligation_take_is_not_truncated BEFORE TRUNCATE ON inventory_obligationtake
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER buffer_step_is_immutable BEFORE UPDATE OR DELETE ON inventory_bufferstep
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER buffer_step_is_not_truncated BEFORE TRUNCATE ON inventory_bufferstep
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();
"""
LAWLESS = """
DROP TRIGGER buffer_step_is_not_truncated ON inventory_bufferstep;
DROP TRIGGER buffer_step_is_immutable ON inventory_bufferstep;
DROP TRIGGER obligation_take_is_not_truncated ON inventory_obligationtake;
DROP TRIGGER obligation_take_is_immutable ON inventory_obligationtake;
DROP TRIGGER obligation_stays ON inventory_obligation;
DROP TRIGGER dynamic_policy_stays ON inventory_dynamicpolicy;
DROP TRIGGER buffer_rule_stays ON inventory_bufferrule;
DROP FUNCTION inventory_refuse_sharing_change();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0006_counts"), ("commerce", "0002_laws")]

    operations = [
        migrations.CreateModel(
            name="DynamicPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("category", models.CharField(blank=True, max_length=120)),
                ("name", models.CharField(max_length=80)),
                ("minimum", models.BigIntegerField()),
                ("maximum", models.BigIntegerField()),
                ("factor_percent", models.PositiveIntegerField()),
                ("step_limit", models.BigIntegerField()),
                ("cool_down_seconds", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("active", "Active"), ("retired", "Retired")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("author", models.CharField(max_length=200)),
                ("activator", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
                ("activated_at", models.DateTimeField(null=True)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.channel"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.locationgroup",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.product"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DynamicBuffer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pieces", models.BigIntegerField()),
                ("stepped_at", models.DateTimeField()),
                ("pinned_until", models.DateTimeField(null=True)),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
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
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="buffers",
                        to="inventory.dynamicpolicy",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BufferStep",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("before", models.BigIntegerField()),
                ("after", models.BigIntegerField()),
                ("cause", models.CharField(max_length=10)),
                ("undoes", models.UUIDField(null=True, unique=True)),
                ("inputs", models.JSONField()),
                ("actor", models.CharField(max_length=200)),
                ("stepped_at", models.DateTimeField()),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
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
                (
                    "policy",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="inventory.dynamicpolicy",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Obligation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("category", models.CharField(blank=True, max_length=120)),
                ("name", models.CharField(max_length=80)),
                ("quantity", models.BigIntegerField()),
                ("taken", models.BigIntegerField(default=0)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("author", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.channel"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.locationgroup",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.product"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ObligationShare",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pieces", models.BigIntegerField()),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "obligation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="shares", to="inventory.obligation"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="commerce.product",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ObligationTake",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("cause_id", models.UUIDField(db_index=True)),
                ("quantity", models.BigIntegerField()),
                ("taken_at", models.DateTimeField()),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "obligation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="takes", to="inventory.obligation"
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
        ),
        migrations.CreateModel(
            name="SharingVersion",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("token", models.UUIDField()),
                ("told_until", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="sharing_version_is_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="BufferRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("category", models.CharField(blank=True, max_length=120)),
                ("name", models.CharField(max_length=80)),
                ("purpose", models.CharField(max_length=10)),
                ("kind", models.CharField(max_length=10)),
                ("amount", models.BigIntegerField()),
                ("priority", models.SmallIntegerField(default=0)),
                ("starts_at", models.DateTimeField(null=True)),
                ("ends_at", models.DateTimeField(null=True)),
                ("daily_from", models.TimeField(null=True)),
                ("daily_until", models.TimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("active", "Active"), ("retired", "Retired")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("preview", models.JSONField(null=True)),
                ("previewed_at", models.DateTimeField(null=True)),
                ("author", models.CharField(max_length=200)),
                ("activator", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
                ("activated_at", models.DateTimeField(null=True)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.channel"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.locationgroup",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.product"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "active")), fields=["id"], name="buffer_rule_active")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["fixed", "percentage", "cap", "cut_off"])),
                        name="buffer_rule_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["draft", "active", "retired"])),
                        name="buffer_rule_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["buffer", "holdback"])), name="buffer_rule_purpose_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount__range", (1, 100)), ("kind", "percentage")),
                            models.Q(("amount__range", (0, 1000000000)), ("kind", "cap")),
                            models.Q(("amount__range", (1, 1000000000)), ("kind__in", ["fixed", "cut_off"])),
                            _connector="OR",
                        ),
                        name="buffer_rule_amount_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("location__isnull", True), ("group__isnull", True), _connector="OR"),
                        name="buffer_rule_one_scope_of_places",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("product__isnull", True), ("category", ""), _connector="OR"),
                        name="buffer_rule_one_scope_of_products",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("starts_at__isnull", True),
                            ("ends_at__isnull", True),
                            ("ends_at__gt", models.F("starts_at")),
                            _connector="OR",
                        ),
                        name="buffer_rule_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("daily_from__isnull", True), ("daily_until__isnull", True)),
                            models.Q(
                                ("daily_from__isnull", False),
                                ("daily_until__isnull", False),
                                models.Q(("daily_from", models.F("daily_until")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="buffer_rule_daily_hours_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "draft"),
                            models.Q(
                                ("activated_at__isnull", False),
                                ("previewed_at__isnull", False),
                                models.Q(("activator", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="buffer_rule_active_after_preview",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("retired_at__isnull", False), ("state", "retired")),
                            models.Q(models.Q(("state", "retired"), _negated=True), ("retired_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="buffer_rule_retired_has_time",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="dynamicpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "active", "retired"])), name="dynamic_policy_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="dynamicpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("maximum__gte", models.F("minimum")), ("maximum__range", (1, 1000000000)), ("minimum__gte", 0)
                ),
                name="dynamic_policy_bounds_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="dynamicpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("factor_percent__range", (1, 10000))), name="dynamic_policy_factor_in_bounds"
            ),
        ),
        migrations.AddConstraint(
            model_name="dynamicpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("step_limit__range", (1, 1000000000))), name="dynamic_policy_step_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="dynamicpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("cool_down_seconds__range", (10, 86400))), name="dynamic_policy_cool_down_in_bounds"
            ),
        ),
        migrations.AddConstraint(
            model_name="dynamicpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("location__isnull", True), ("group__isnull", True), _connector="OR"),
                name="dynamic_policy_one_scope_of_places",
            ),
        ),
        migrations.AddConstraint(
            model_name="dynamicpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("product__isnull", True), ("category", ""), _connector="OR"),
                name="dynamic_policy_one_scope_of_products",
            ),
        ),
        migrations.AddConstraint(
            model_name="dynamicpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "draft"),
                    models.Q(("activated_at__isnull", False), models.Q(("activator", ""), _negated=True)),
                    _connector="OR",
                ),
                name="dynamic_policy_active_has_activator",
            ),
        ),
        migrations.AddConstraint(
            model_name="dynamicbuffer",
            constraint=models.UniqueConstraint(fields=("policy", "product", "location"), name="dynamic_buffer_once"),
        ),
        migrations.AddConstraint(
            model_name="dynamicbuffer",
            constraint=models.CheckConstraint(
                condition=models.Q(("pieces__gte", 0)), name="dynamic_buffer_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="bufferstep",
            index=models.Index(fields=["policy", "-stepped_at"], name="buffer_step_by_policy"),
        ),
        migrations.AddConstraint(
            model_name="bufferstep",
            constraint=models.CheckConstraint(
                condition=models.Q(("cause__in", ["tightened", "released", "undone"])), name="buffer_step_cause_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="bufferstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cause", "undone"), ("undoes__isnull", False)),
                    models.Q(models.Q(("cause", "undone"), _negated=True), ("undoes__isnull", True)),
                    _connector="OR",
                ),
                name="buffer_step_undone_names_step",
            ),
        ),
        migrations.AddIndex(
            model_name="obligation",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)), fields=["ends_at"], name="obligation_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="obligation",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__isnull", False)), name="obligation_has_channel"
            ),
        ),
        migrations.AddConstraint(
            model_name="obligation",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__range", (1, 1000000000))), name="obligation_quantity_in_bounds"
            ),
        ),
        migrations.AddConstraint(
            model_name="obligation",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken__gte", 0)), name="obligation_taken_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="obligation",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="obligation_ends_after_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="obligation",
            constraint=models.CheckConstraint(
                condition=models.Q(("location__isnull", True), ("group__isnull", True), _connector="OR"),
                name="obligation_one_scope_of_places",
            ),
        ),
        migrations.AddConstraint(
            model_name="obligation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("category", ""), ("product__isnull", False)),
                    models.Q(("product__isnull", True), models.Q(("category", ""), _negated=True)),
                    _connector="OR",
                ),
                name="obligation_names_product_or_category",
            ),
        ),
        migrations.AddConstraint(
            model_name="obligationshare",
            constraint=models.UniqueConstraint(
                fields=("obligation", "product", "location"), name="obligation_share_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="obligationshare",
            constraint=models.CheckConstraint(condition=models.Q(("pieces__gte", 1)), name="obligation_share_positive"),
        ),
        migrations.AddConstraint(
            model_name="obligationtake",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity", 0), _negated=True), name="obligation_take_not_zero"
            ),
        ),
        migrations.RunSQL(LAWS, LAWLESS),
    ]
