"""Discrepancies: what was found other than expected, until it is settled."""

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
    ]
