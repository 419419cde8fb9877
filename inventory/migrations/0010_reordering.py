"""Replenishment: demand by day, forecasts, rules and what they propose."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inventory", "0009_scarcity"), ("commerce", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="DemandMark",
            fields=[
                (
                    "level",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="inventory.stocklevel",
                    ),
                ),
                ("version", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="ForecastSpread",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weeks_ahead", models.PositiveSmallIntegerField()),
                ("size", models.PositiveSmallIntegerField()),
                ("observations", models.PositiveIntegerField()),
                ("quantiles", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("weeks_ahead", "size"), name="forecast_spread_once")],
            },
        ),
        migrations.CreateModel(
            name="ReplenishmentRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("category", models.CharField(blank=True, max_length=120, verbose_name="category")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("reorder_point", models.IntegerField(blank=True, null=True, verbose_name="reorder point")),
                ("target_level", models.IntegerField(blank=True, null=True, verbose_name="target level")),
                ("safety_stock", models.IntegerField(default=0, verbose_name="least safety stock")),
                ("service_level_percent", models.FloatField(default=95, verbose_name="service level in percent")),
                ("review_days", models.IntegerField(default=7, verbose_name="review period in days")),
                ("lead_time_days", models.FloatField(default=7, verbose_name="lead time in days")),
                (
                    "lead_time_deviation_days",
                    models.FloatField(default=0, verbose_name="deviation of the lead time in days"),
                ),
                ("lot_size", models.IntegerField(default=1, verbose_name="lot size")),
                ("case_pack", models.IntegerField(default=1, verbose_name="pieces per case")),
                ("minimum_order", models.IntegerField(default=1, verbose_name="minimum order")),
                ("supplier_code", models.CharField(blank=True, max_length=40, verbose_name="supplier")),
                (
                    "order_weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="order days",
                    ),
                ),
                ("closed_from", models.DateField(blank=True, null=True, verbose_name="supplier closed from")),
                ("closed_until", models.DateField(blank=True, null=True, verbose_name="supplier closed until")),
                (
                    "channel_priorities",
                    models.JSONField(blank=True, default=dict, verbose_name="priorities of channels"),
                ),
                ("transfer_radius_km", models.IntegerField(default=0, verbose_name="transfers from up to km away")),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.locationgroup",
                        verbose_name="location group",
                    ),
                ),
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
                "verbose_name": "replenishment rule",
                "verbose_name_plural": "replenishment rules",
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="ReplenishmentProposal",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=10)),
                ("state", models.CharField(default="proposed", max_length=12)),
                ("supplier_code", models.CharField(blank=True, max_length=40)),
                ("quantity", models.IntegerField()),
                ("order_on", models.DateField()),
                ("expected_on", models.DateField()),
                ("inputs", models.JSONField()),
                ("made_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decided_by", models.CharField(blank=True, max_length=80)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("order_reference", models.CharField(blank=True, max_length=64)),
                (
                    "from_location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.location"
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
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="inventory.replenishmentrule",
                    ),
                ),
            ],
            options={
                "verbose_name": "replenishment proposal",
                "verbose_name_plural": "replenishment proposals",
            },
        ),
        migrations.CreateModel(
            name="DemandDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("sold", models.BigIntegerField(default=0)),
                ("returned", models.BigIntegerField(default=0)),
                ("came_in", models.BigIntegerField(default=0)),
                ("delta", models.BigIntegerField(default=0)),
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
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="commerce.product",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("product", "location", "day"), name="demand_day_once")],
            },
        ),
        migrations.CreateModel(
            name="DemandForecast",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("until", models.DateField()),
                ("demand_class", models.CharField(max_length=12)),
                ("method", models.CharField(max_length=24)),
                ("per_week", models.FloatField()),
                ("evidence", models.JSONField(default=dict)),
                ("made_at", models.DateTimeField()),
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
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="commerce.product",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("product", "location"), name="demand_forecast_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("demand_class__in", ["smooth", "erratic", "intermittent", "lumpy", "new", "none"])
                        ),
                        name="demand_forecast_class_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("per_week__gte", 0)), name="demand_forecast_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PromotionUplift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("category", models.CharField(blank=True, max_length=120, verbose_name="category")),
                ("factor", models.FloatField(verbose_name="factor")),
                ("first_day", models.DateField(verbose_name="first day")),
                ("last_day", models.DateField(verbose_name="last day")),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="commerce.product",
                    ),
                ),
            ],
            options={
                "ordering": ["first_day", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("factor__gt", 0), ("factor__lte", 50)), name="promotion_uplift_factor_sane"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last_day__gte", models.F("first_day"))),
                        name="promotion_uplift_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("category", ""), ("product__isnull", False)),
                            models.Q(("product__isnull", True), models.Q(("category", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="promotion_uplift_product_or_category",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="replenishmentrule",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("product", "category", "location", "group"),
                name="replenishment_rule_once_per_scope",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("product__isnull", True), ("category", ""), _connector="OR"),
                name="replenishment_rule_product_or_category",
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("location__isnull", True), ("group__isnull", True), _connector="OR"),
                name="replenishment_rule_location_or_group",
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("lead_time_days__gte", 0),
                    ("lead_time_deviation_days__gte", 0),
                    ("safety_stock__gte", 0),
                    ("case_pack__gte", 1),
                    ("lot_size__gte", 1),
                    ("minimum_order__gte", 1),
                    ("review_days__gte", 1),
                    ("transfer_radius_km__gte", 0),
                    models.Q(("reorder_point__isnull", True), ("reorder_point__gte", 0), _connector="OR"),
                ),
                name="replenishment_rule_nothing_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("target_level__isnull", True),
                    models.Q(("reorder_point__isnull", True), ("target_level__gte", models.F("safety_stock"))),
                    models.Q(("reorder_point__isnull", False), ("target_level__gte", models.F("reorder_point"))),
                    _connector="OR",
                ),
                name="replenishment_rule_target_not_below_point",
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("service_level_percent__gte", 50), ("service_level_percent__lte", 99.9)),
                name="replenishment_rule_service_level_sane",
            ),
        ),
        migrations.AddIndex(
            model_name="replenishmentproposal",
            index=models.Index(
                condition=models.Q(("state", "proposed")),
                fields=["location", "made_at"],
                name="replenishment_proposal_open",
            ),
        ),
        migrations.AddIndex(
            model_name="replenishmentproposal",
            index=models.Index(fields=["product", "location", "made_at"], name="replenishment_proposal_of_good"),
        ),
        migrations.AddConstraint(
            model_name="replenishmentproposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "proposed")),
                fields=("product", "location", "from_location"),
                name="replenishment_proposal_open_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["purchase", "transfer"])), name="replenishment_proposal_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["proposed", "approved", "ordered", "dismissed", "superseded"])),
                name="replenishment_proposal_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="replenishment_proposal_quantity_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("from_location__isnull", False), ("kind", "transfer")),
                    models.Q(("from_location__isnull", True), ("kind", "purchase")),
                    _connector="OR",
                ),
                name="replenishment_proposal_origin_fits",
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("from_location__isnull", True),
                    models.Q(("from_location", models.F("location")), _negated=True),
                    _connector="OR",
                ),
                name="replenishment_proposal_not_to_itself",
            ),
        ),
        migrations.AddConstraint(
            model_name="replenishmentproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "ordered"), _negated=True),
                    models.Q(("order_reference", ""), _negated=True),
                    _connector="OR",
                ),
                name="replenishment_proposal_ordered_has_reference",
            ),
        ),
        migrations.CreateModel(
            name="ReplenishmentAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=16)),
                ("facts", models.JSONField(default=dict)),
                ("found_at", models.DateTimeField()),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="commerce.product",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alerts",
                        to="inventory.replenishmentrule",
                    ),
                ),
            ],
            options={
                "verbose_name": "replenishment alert",
                "verbose_name_plural": "replenishment alerts",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["contradiction", "stock_out", "dismissed", "overstock"])),
                        name="replenishment_alert_kind_known",
                    )
                ],
            },
        ),
    ]
