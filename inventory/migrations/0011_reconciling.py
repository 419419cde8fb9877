"""Statements of stock from outside, and discrepancies: what was found other than expected, until it is settled."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("commerce", "0002_laws"), ("inventory", "0010_reordering")]

    operations = [
        migrations.CreateModel(
            name="Discrepancy",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=24)),
                ("condition", models.CharField(default="sellable", max_length=20)),
                ("meaning", models.CharField(default="on_hand", max_length=10)),
                ("expected", models.BigIntegerField()),
                ("found", models.BigIntegerField()),
                ("repaired", models.BigIntegerField(default=0)),
                ("unit_value_minor", models.BigIntegerField(null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("source", models.CharField(max_length=40)),
                ("as_of", models.DateTimeField()),
                ("since", models.DateTimeField()),
                ("cause_type", models.CharField(blank=True, max_length=20)),
                ("cause_id", models.CharField(blank=True, max_length=64)),
                ("suggested_cause", models.CharField(blank=True, max_length=24)),
                ("cause_facts", models.JSONField(default=dict)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("owner_role", models.CharField(max_length=20)),
                ("due_at", models.DateTimeField()),
                ("repair_at", models.DateTimeField(null=True)),
                ("state", models.CharField(default="open", max_length=10)),
                ("recorded_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_by", models.CharField(blank=True, max_length=200)),
                ("settled_note", models.CharField(blank=True, max_length=300)),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
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
            ],
            options={
                "verbose_name": "discrepancy",
                "verbose_name_plural": "discrepancies",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")), fields=["location", "due_at"], name="discrepancy_open_at"
                    ),
                    models.Index(
                        condition=models.Q(("repair_at__isnull", False), ("state", "open")),
                        fields=["repair_at"],
                        name="discrepancy_by_itself",
                    ),
                    models.Index(fields=["product", "location", "recorded_at"], name="discrepancy_of_product"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "over_delivery",
                                    "under_delivery",
                                    "transfer_difference",
                                    "count_below_promised",
                                    "count_variance",
                                    "statement_difference",
                                    "negative_surprise",
                                ],
                            )
                        ),
                        name="discrepancy_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "repaired", "accepted", "vanished"])),
                        name="discrepancy_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("meaning__in", ["on_hand", "available"])), name="discrepancy_meaning_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("condition__in", ["sellable", "damaged", "quality_control", "in_transit"])),
                        name="discrepancy_condition_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "owner_role__in",
                                ["clerk", "store_manager", "service_agent", "merchandiser", "administrator"],
                            )
                        ),
                        name="discrepancy_owner_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "open"), _negated=True),
                            models.Q(("found", models.F("expected") + models.F("repaired")), _negated=True),
                            _connector="OR",
                        ),
                        name="discrepancy_open_has_a_rest",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_at__isnull", True), ("state", "open")),
                            models.Q(models.Q(("state", "open"), _negated=True), ("settled_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="discrepancy_settled_when_not_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("currency", ""), ("unit_value_minor__isnull", True)),
                            models.Q(("unit_value_minor__gte", 0), models.Q(("currency", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="discrepancy_value_has_a_currency",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "statement_difference"), ("state", "open")),
                        fields=("source", "product", "location", "condition", "meaning"),
                        name="discrepancy_of_source_once",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=12)),
                ("owner_role", models.CharField(default="store_manager", max_length=20)),
                ("repair_hours", models.PositiveIntegerField(default=24)),
                ("patience_minutes", models.PositiveIntegerField(default=60)),
                ("most_hours_old", models.PositiveIntegerField(default=72)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
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
            ],
            options={
                "verbose_name": "source of stock statements",
                "verbose_name_plural": "sources of stock statements",
            },
        ),
        migrations.CreateModel(
            name="StatementPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("meaning", models.CharField(max_length=10)),
                ("decision", models.CharField(max_length=10)),
                ("tolerance_pieces", models.PositiveIntegerField(default=0)),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="policies",
                        to="inventory.statementsource",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StockStatement",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reference", models.CharField(max_length=64)),
                ("sequence", models.BigIntegerField(null=True)),
                ("meaning", models.CharField(max_length=10)),
                ("condition", models.CharField(default="sellable", max_length=20)),
                ("as_of", models.DateTimeField()),
                (
                    "product_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "quantities",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("is_last", models.BooleanField(default=False)),
                ("digest", models.CharField(max_length=64)),
                ("answer", models.JSONField()),
                ("received_at", models.DateTimeField(db_index=True)),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="inventory.statementsource",
                    ),
                ),
            ],
            options={
                "verbose_name": "stock statement",
                "verbose_name_plural": "stock statements",
            },
        ),
        migrations.AddConstraint(
            model_name="statementsource",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["till", "erp", "logistics", "marketplace", "shop"])),
                name="statement_source_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementsource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("owner_role__in", ["clerk", "store_manager", "service_agent", "merchandiser", "administrator"])
                ),
                name="statement_source_owner_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementsource",
            constraint=models.CheckConstraint(
                condition=models.Q(("location__isnull", True), ("group__isnull", True), _connector="OR"),
                name="statement_source_one_scope_of_places",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementsource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("most_hours_old__range", (1, 8760)),
                    ("patience_minutes__lte", 525600),
                    ("repair_hours__range", (1, 8760)),
                ),
                name="statement_source_times_sane",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementpolicy",
            constraint=models.UniqueConstraint(fields=("source", "meaning"), name="statement_policy_once"),
        ),
        migrations.AddConstraint(
            model_name="statementpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("meaning__in", ["on_hand", "available"])), name="statement_policy_meaning_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ["ours", "theirs", "tolerance", "ask"])),
                name="statement_policy_decision_known",
            ),
        ),
        migrations.AddIndex(
            model_name="stockstatement",
            index=models.Index(
                fields=["source", "location", "meaning", "condition", "as_of"], name="stock_statement_newest"
            ),
        ),
        migrations.AddConstraint(
            model_name="stockstatement",
            constraint=models.UniqueConstraint(fields=("source", "reference"), name="stock_statement_once"),
        ),
        migrations.AddConstraint(
            model_name="stockstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(("meaning__in", ["on_hand", "available"])), name="stock_statement_meaning_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="stockstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(("condition__in", ["sellable", "damaged", "quality_control", "in_transit"])),
                name="stock_statement_condition_known",
            ),
        ),
    ]
