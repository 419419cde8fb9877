"""Counts of stock: their items, what people counted of them, what could not be taken, and how often what is counted."""

import django.db.models.deletion
from django.db import migrations, models

LAWS = """
CREATE SEQUENCE inventory_count_number START 100001;

CREATE TRIGGER count_record_is_immutable BEFORE UPDATE OR DELETE ON inventory_countrecord
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER count_record_is_not_truncated BEFORE TRUNCATE ON inventory_countrecord
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();

-- What is settled is not counted on: a figure that comes in late becomes a finding.
CREATE FUNCTION inventory_refuse_late_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM inventory_countitem i
    WHERE i.id = NEW.item_id AND i.round = NEW.round AND i.state IN ('open', 'review') FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the item of this count is settled'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'count_record_of_open_item';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER count_record_of_open_item AFTER INSERT ON inventory_countrecord
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_late_record();

-- Author and approver are two people (law 15), whatever the code believes.
CREATE FUNCTION inventory_refuse_own_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM inventory_countrecord r
        WHERE r.item_id = NEW.id AND r.round = NEW.round
          AND r.counter_kind = NEW.approver_kind AND r.counter_id = NEW.approver_id
    ) THEN
        RAISE EXCEPTION 'who counted an item can not approve its difference'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'count_item_second_person';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER count_item_second_person AFTER INSERT OR UPDATE ON inventory_countitem
    FOR EACH ROW WHEN (NEW.approver_id <> '') EXECUTE FUNCTION inventory_refuse_own_count();
"""
LAWLESS = """
DROP TRIGGER count_item_second_person ON inventory_countitem;
DROP FUNCTION inventory_refuse_own_count();
DROP TRIGGER count_record_of_open_item ON inventory_countrecord;
DROP FUNCTION inventory_refuse_late_record();
DROP TRIGGER count_record_is_not_truncated ON inventory_countrecord;
DROP TRIGGER count_record_is_immutable ON inventory_countrecord;
DROP SEQUENCE inventory_count_number;
"""


class Migration(migrations.Migration):
    dependencies = [("commerce", "0002_laws"), ("inventory", "0005_supply")]

    operations = [
        migrations.CreateModel(
            name="StockCount",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="number")),
                ("condition", models.CharField(default="sellable", max_length=16)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("directed", "Directed"),
                            ("free", "Free"),
                            ("shelf", "Shelf"),
                            ("category", "Category"),
                            ("store", "Store"),
                        ],
                        max_length=10,
                    ),
                ),
                ("shelf", models.CharField(blank=True, max_length=20)),
                ("category", models.CharField(blank=True, max_length=120)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("in_review", "In review"),
                            ("posted", "Posted"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                ("source", models.CharField(blank=True, max_length=40)),
                ("opened_at", models.DateTimeField()),
                ("handed_in_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
            ],
            options={
                "verbose_name": "count",
                "verbose_name_plural": "counts",
            },
        ),
        migrations.CreateModel(
            name="CountItem",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("condition", models.CharField(max_length=16)),
                ("is_directed", models.BooleanField(default=False)),
                ("reason", models.CharField(blank=True, max_length=12)),
                ("value_class", models.CharField(blank=True, max_length=1)),
                ("state", models.CharField(default="open", max_length=12)),
                ("round", models.PositiveSmallIntegerField(default=1)),
                ("asked_at", models.DateTimeField()),
                ("records", models.PositiveIntegerField(default=0)),
                ("counted", models.BigIntegerField(null=True)),
                ("counted_at", models.DateTimeField(null=True)),
                ("expected", models.BigIntegerField(null=True)),
                ("posted", models.BigIntegerField(default=0)),
                ("short", models.BigIntegerField(default=0)),
                ("unit_value_minor", models.BigIntegerField(null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("is_uncertain", models.BooleanField(default=False)),
                ("is_impossible", models.BooleanField(default=False)),
                ("needs_approval", models.BooleanField(default=False)),
                ("approver_kind", models.CharField(blank=True, max_length=10)),
                ("approver_id", models.CharField(blank=True, max_length=64)),
                ("discrepancy_id", models.UUIDField(null=True)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("settled_at", models.DateTimeField(null=True)),
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
                    "count",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="inventory.stockcount",
                    ),
                ),
            ],
            options={
                "verbose_name": "item of a count",
                "verbose_name_plural": "items of counts",
            },
        ),
        migrations.CreateModel(
            name="CountFinding",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=8)),
                ("text", models.CharField(max_length=80)),
                ("quantity", models.BigIntegerField()),
                ("mode", models.CharField(max_length=8)),
                ("counter_kind", models.CharField(max_length=10)),
                ("counter_id", models.CharField(max_length=64)),
                ("station", models.CharField(blank=True, max_length=40)),
                ("counted_at", models.DateTimeField()),
                ("or_counted_at", models.DateTimeField(null=True)),
                ("is_time_doubtful", models.BooleanField(default=False)),
                ("recorded_at", models.DateTimeField()),
                ("state", models.CharField(default="open", max_length=10)),
                ("settled_by_kind", models.CharField(blank=True, max_length=10)),
                ("settled_by_id", models.CharField(blank=True, max_length=64)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "product",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.product"
                    ),
                ),
                (
                    "count",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="findings", to="inventory.stockcount"
                    ),
                ),
            ],
            options={
                "verbose_name": "finding of a count",
                "verbose_name_plural": "findings of counts",
            },
        ),
        migrations.CreateModel(
            name="CountPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("a_days", models.PositiveSmallIntegerField(default=30)),
                ("b_days", models.PositiveSmallIntegerField(default=90)),
                ("c_days", models.PositiveSmallIntegerField(default=180)),
                ("items_at_once", models.PositiveSmallIntegerField(default=30)),
                ("approve_above_pieces", models.PositiveIntegerField(default=5)),
                ("approve_above_minor", models.PositiveIntegerField(default=5000)),
                ("changed_at", models.DateTimeField()),
                (
                    "location",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
            ],
            options={
                "verbose_name": "rules of counting",
                "verbose_name_plural": "rules of counting",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("location",), name="count_policy_one_for_the_house", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("a_days__gte", 1), ("b_days__gte", models.F("a_days")), ("c_days__gte", models.F("b_days"))
                        ),
                        name="count_policy_days_sane",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("items_at_once__range", (1, 500))), name="count_policy_items_sane"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CountRecord",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("round", models.PositiveSmallIntegerField()),
                ("quantity", models.BigIntegerField()),
                ("mode", models.CharField(max_length=8)),
                ("text", models.CharField(max_length=80)),
                ("counter_kind", models.CharField(max_length=10)),
                ("counter_id", models.CharField(max_length=64)),
                ("station", models.CharField(blank=True, max_length=40)),
                ("counted_at", models.DateTimeField()),
                ("or_counted_at", models.DateTimeField(null=True)),
                ("is_time_doubtful", models.BooleanField(default=False)),
                ("recorded_at", models.DateTimeField()),
                ("place", models.PositiveSmallIntegerField()),
                (
                    "item",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.countitem",
                    ),
                ),
            ],
            options={
                "verbose_name": "figure of a count",
                "verbose_name_plural": "figures of counts",
                "indexes": [models.Index(fields=["item", "round"], name="count_record_of_item")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("quantity__gte", 0)), name="count_record_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["add", "replace"])), name="count_record_mode_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("counter_kind__in", ["staff", "channel", "customer", "system"])),
                        name="count_record_counter_known",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="stockcount",
            index=models.Index(fields=["location", "-opened_at"], name="stock_count_lately"),
        ),
        migrations.AddConstraint(
            model_name="stockcount",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["directed", "free", "shelf", "category", "store"])),
                name="stock_count_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="stockcount",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "in_review", "posted", "cancelled"])),
                name="stock_count_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="stockcount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("condition__in", ["sellable", "damaged", "quality_control", "in_transit"]),
                    models.Q(("condition", "in_transit"), _negated=True),
                ),
                name="stock_count_condition_countable",
            ),
        ),
        migrations.AddConstraint(
            model_name="stockcount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state__in", ["open", "in_review"])),
                    models.Q(("state__in", ["posted", "cancelled"]), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="stock_count_ended_when_over",
            ),
        ),
        migrations.AddIndex(
            model_name="countitem",
            index=models.Index(fields=["location", "product", "-counted_at"], name="count_item_of_product"),
        ),
        migrations.AddIndex(
            model_name="countitem",
            index=models.Index(
                condition=models.Q(("state__in", ["open", "review"])),
                fields=["location", "product"],
                name="count_item_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="countitem",
            constraint=models.UniqueConstraint(fields=("count", "product"), name="count_item_once"),
        ),
        migrations.AddConstraint(
            model_name="countitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["open", "review", "right", "posted", "overtaken", "left", "uncounted"])
                ),
                name="count_item_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="countitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), ("reason__in", ["not_found", "surprise", "due"]), _connector="OR"),
                name="count_item_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="countitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", True), ("state__in", ["open", "review"])),
                    models.Q(models.Q(("state__in", ["open", "review"]), _negated=True), ("settled_at__isnull", False)),
                    _connector="OR",
                ),
                name="count_item_settled_when_over",
            ),
        ),
        migrations.AddConstraint(
            model_name="countitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["open", "uncounted"]),
                    models.Q(("counted__gte", 0), ("counted_at__isnull", False), ("expected__isnull", False)),
                    _connector="OR",
                ),
                name="count_item_has_figures",
            ),
        ),
        migrations.AddConstraint(
            model_name="countitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "counted",
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("expected"), "+", models.F("posted")
                                ),
                                "+",
                                models.F("short"),
                            ),
                        ),
                        ("short__lte", 0),
                        ("state", "posted"),
                    ),
                    models.Q(models.Q(("state", "posted"), _negated=True), ("posted", 0), ("short", 0)),
                    _connector="OR",
                ),
                name="count_item_posts_its_difference",
            ),
        ),
        migrations.AddConstraint(
            model_name="countitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("needs_approval", True), ("state", "posted"), _negated=True),
                    models.Q(("approver_id", ""), _negated=True),
                    _connector="OR",
                ),
                name="count_item_large_is_approved",
            ),
        ),
        migrations.AddConstraint(
            model_name="countfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["unknown", "charge", "late"])), name="count_finding_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="countfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "taken", "dismissed"])), name="count_finding_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="countfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 0)), name="count_finding_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="countfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", True), ("state", "open")),
                    models.Q(models.Q(("state", "open"), _negated=True), ("settled_at__isnull", False)),
                    _connector="OR",
                ),
                name="count_finding_settled_when_over",
            ),
        ),
        migrations.AddConstraint(
            model_name="countfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "taken"), _negated=True), ("product__isnull", False), _connector="OR"
                ),
                name="count_finding_taken_has_a_product",
            ),
        ),
        migrations.RunSQL(LAWS, LAWLESS),
    ]
