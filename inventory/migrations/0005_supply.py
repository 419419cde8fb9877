"""Suppliers, their calendars and terms, purchase orders and expected deliveries."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

NUMBERS = "CREATE SEQUENCE inventory_purchase_order_number START 10001 CACHE 1"


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_moving"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="HistoricalSupplier",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("code", models.SlugField(max_length=40, verbose_name="code")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("country", models.CharField(max_length=2, verbose_name="country")),
                ("region", models.CharField(blank=True, max_length=4, verbose_name="region (ISO 3166-2 part)")),
                ("time_zone", models.CharField(default="Europe/Berlin", max_length=40, verbose_name="time zone")),
                ("currency", models.CharField(default="EUR", max_length=3, verbose_name="currency")),
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
                (
                    "delivery_weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="delivery days",
                    ),
                ),
                ("cut_off", models.TimeField(blank=True, null=True, verbose_name="orders of the day until")),
                ("lead_time_days", models.IntegerField(default=7, verbose_name="agreed lead time in days")),
                ("minimum_order_minor", models.BigIntegerField(default=0, verbose_name="minimum order value")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical supplier",
                "verbose_name_plural": "historical suppliers",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Supplier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=40, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("country", models.CharField(max_length=2, verbose_name="country")),
                ("region", models.CharField(blank=True, max_length=4, verbose_name="region (ISO 3166-2 part)")),
                ("time_zone", models.CharField(default="Europe/Berlin", max_length=40, verbose_name="time zone")),
                ("currency", models.CharField(default="EUR", max_length=3, verbose_name="currency")),
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
                (
                    "delivery_weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="delivery days",
                    ),
                ),
                ("cut_off", models.TimeField(blank=True, null=True, verbose_name="orders of the day until")),
                ("lead_time_days", models.IntegerField(default=7, verbose_name="agreed lead time in days")),
                ("minimum_order_minor", models.BigIntegerField(default=0, verbose_name="minimum order value")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "verbose_name": "supplier",
                "verbose_name_plural": "suppliers",
                "ordering": ["code"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("order_weekdays__contained_by", [1, 2, 3, 4, 5, 6, 7]),
                            ("delivery_weekdays__contained_by", [1, 2, 3, 4, 5, 6, 7]),
                        ),
                        name="supplier_weekdays_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lead_time_days__range", (0, 365))), name="supplier_lead_time_sane"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minimum_order_minor__gte", 0)), name="supplier_minimum_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SupplierClosure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_day", models.DateField(verbose_name="first day")),
                ("last_day", models.DateField(verbose_name="last day")),
                ("reason", models.CharField(blank=True, max_length=80, verbose_name="reason")),
                (
                    "supplier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="closures", to="inventory.supplier"
                    ),
                ),
            ],
            options={
                "verbose_name": "closed days of a supplier",
                "verbose_name_plural": "closed days of suppliers",
                "ordering": ["first_day", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("supplier", "first_day", "last_day"), name="supplier_closure_once"),
                    models.CheckConstraint(
                        condition=models.Q(("last_day__gte", models.F("first_day"))),
                        name="supplier_closure_ends_after_it_begins",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SupplierTerm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("supplier_sku", models.CharField(blank=True, max_length=64, verbose_name="number at the supplier")),
                ("unit_cost_minor", models.BigIntegerField(blank=True, null=True, verbose_name="cost of a piece")),
                ("case_pack", models.IntegerField(default=1, verbose_name="pieces per case")),
                ("lot_size", models.IntegerField(default=1, verbose_name="lot size")),
                ("minimum_order", models.IntegerField(default=1, verbose_name="minimum order")),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.product",
                        verbose_name="product",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="terms", to="inventory.supplier"
                    ),
                ),
            ],
            options={
                "verbose_name": "terms of a supplier",
                "verbose_name_plural": "terms of suppliers",
                "constraints": [
                    models.UniqueConstraint(fields=("supplier", "product"), name="supplier_term_once"),
                    models.CheckConstraint(
                        condition=models.Q(("case_pack__gte", 1), ("lot_size__gte", 1), ("minimum_order__gte", 1)),
                        name="supplier_term_quantities_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("unit_cost_minor__isnull", True), ("unit_cost_minor__gte", 0), _connector="OR"
                        ),
                        name="supplier_term_cost_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PurchaseOrder",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="number")),
                ("state", models.CharField(default="draft", max_length=16)),
                ("source", models.CharField(max_length=10)),
                ("reference", models.CharField(blank=True, max_length=64, verbose_name="reference")),
                ("currency", models.CharField(max_length=3)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("version", models.IntegerField(default=1)),
                ("author", models.CharField(max_length=200)),
                ("approver", models.CharField(blank=True, max_length=200)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("announced_as_of", models.DateTimeField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("ordered_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
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
                    "supplier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.supplier"
                    ),
                ),
            ],
            options={
                "verbose_name": "purchase order",
                "verbose_name_plural": "purchase orders",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["ordered", "partly_received"])),
                        fields=["location"],
                        name="purchase_order_coming",
                    ),
                    models.Index(fields=["created_at", "id"], name="purchase_order_newest"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "draft",
                                    "approved",
                                    "ordered",
                                    "partly_received",
                                    "received",
                                    "closed_short",
                                    "cancelled",
                                ],
                            )
                        ),
                        name="purchase_order_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["planner", "announced"])), name="purchase_order_source_known"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("reference", ""), _negated=True),
                        fields=("supplier", "reference"),
                        name="purchase_order_reference_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("closed_at__isnull", False), ("state__in", ["received", "closed_short", "cancelled"])
                            ),
                            models.Q(
                                models.Q(("state__in", ["received", "closed_short", "cancelled"]), _negated=True),
                                ("closed_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="purchase_order_closed_when_over",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("source", "announced"), _negated=True),
                            models.Q(("reference", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="purchase_order_announced_has_a_reference",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "closed_short"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="purchase_order_closed_short_has_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PurchaseOrderLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                ("quantity", models.BigIntegerField()),
                ("received", models.BigIntegerField(default=0)),
                ("unit_cost_minor", models.BigIntegerField(null=True)),
                ("expected_on", models.DateField()),
                ("received_at", models.DateTimeField(null=True)),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="inventory.purchaseorder",
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
                "verbose_name": "purchase order line",
                "verbose_name_plural": "purchase order lines",
                "ordering": ["order", "number"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("received__lt", models.F("quantity"))),
                        fields=["product"],
                        name="purchase_order_line_awaited",
                    ),
                    models.Index(fields=["product", "received_at"], name="purchase_order_line_of_product"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("order", "number"), name="purchase_order_line_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gte", 0), ("received__gte", 0)),
                        name="purchase_order_line_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gte", 1), ("received__gte", 1), _connector="OR"),
                        name="purchase_order_line_says_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("unit_cost_minor__isnull", True), ("unit_cost_minor__gte", 0), _connector="OR"
                        ),
                        name="purchase_order_line_cost_not_negative",
                    ),
                ],
            },
        ),
        migrations.RunSQL(NUMBERS, "DROP SEQUENCE inventory_purchase_order_number"),
    ]
