"""Transfers between places with the law of their lives, and the shelves where products lie."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

LAWS = """
CREATE SEQUENCE inventory_transfer_number START 100001;

-- What was agreed on when the goods left stays: pieces only get a fate, states only go forward, an ended transfer is history.
CREATE FUNCTION inventory_refuse_transfer_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state IN ('sent', 'partly_received') AND NEW.state <> 'draft'
        AND NOT (OLD.state = 'partly_received' AND NEW.state IN ('sent', 'cancelled'))
        AND (OLD.origin_id, OLD.destination_id, OLD.condition, OLD.number, OLD.sent_at)
            = (NEW.origin_id, NEW.destination_id, NEW.condition, NEW.number, NEW.sent_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'transfer % was sent: it goes on, and never back', OLD.number
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'transfer_goes_on';
END $$;
CREATE TRIGGER transfer_goes_on BEFORE UPDATE OR DELETE ON inventory_transfer
    FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION inventory_refuse_transfer_change();

CREATE FUNCTION inventory_refuse_transfer_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched inventory_transferline := CASE WHEN TG_OP = 'INSERT' THEN NEW ELSE OLD END;
    state_now text := (SELECT state FROM inventory_transfer WHERE id = touched.transfer_id);
BEGIN
    IF state_now = 'draft' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND state_now IN ('sent', 'partly_received') THEN
        IF (OLD.transfer_id, OLD.product_id, OLD.quantity) = (NEW.transfer_id, NEW.product_id, NEW.quantity)
            AND NEW.received >= OLD.received AND NEW.lost >= OLD.lost AND NEW.returned >= OLD.returned THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the lines of a transfer that was sent stay as they are'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'transfer_line_stays';
END $$;
CREATE TRIGGER transfer_line_stays BEFORE INSERT OR UPDATE OR DELETE ON inventory_transferline
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_transfer_line_change();
"""
LAWLESS = """
DROP TRIGGER transfer_line_stays ON inventory_transferline;
DROP FUNCTION inventory_refuse_transfer_line_change();
DROP TRIGGER transfer_goes_on ON inventory_transfer;
DROP FUNCTION inventory_refuse_transfer_change();
DROP SEQUENCE inventory_transfer_number;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0003_location_groups"), ("commerce", "0002_laws")]

    operations = [
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="number")),
                ("condition", models.CharField(default="sellable", max_length=16)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("sent", "Sent"),
                            ("partly_received", "Partly received"),
                            ("received", "Received"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="draft",
                        max_length=16,
                    ),
                ),
                ("expected_on", models.DateField(null=True, verbose_name="expected on")),
                ("note", models.CharField(blank=True, max_length=200)),
                ("reference", models.CharField(blank=True, max_length=64)),
                ("source", models.CharField(blank=True, max_length=40)),
                ("version", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "destination",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                        verbose_name="to",
                    ),
                ),
                (
                    "origin",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                        verbose_name="from",
                    ),
                ),
            ],
            options={
                "verbose_name": "transfer",
                "verbose_name_plural": "transfers",
            },
        ),
        migrations.CreateModel(
            name="TransferLine",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField()),
                ("quantity", models.BigIntegerField()),
                ("pack", models.PositiveIntegerField(default=1)),
                ("received", models.BigIntegerField(default=0)),
                ("lost", models.BigIntegerField(default=0)),
                ("returned", models.BigIntegerField(default=0)),
                ("difference_reason", models.CharField(blank=True, max_length=16)),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.product"
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="inventory.transfer",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TransferScan",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "transfer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="inventory.transfer"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ShelfPlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("shelf", models.CharField(max_length=20, verbose_name="shelf")),
                ("is_primary", models.BooleanField(default=False, verbose_name="where pickers look first")),
                ("placed_at", models.DateTimeField()),
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.product"
                    ),
                ),
            ],
            options={
                "verbose_name": "place on a shelf",
                "verbose_name_plural": "places on shelves",
                "indexes": [models.Index(fields=["location", "shelf"], name="shelf_place_by_shelf")],
                "constraints": [
                    models.UniqueConstraint(fields=("location", "product", "shelf"), name="shelf_place_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_primary", True)),
                        fields=("location", "product"),
                        name="shelf_place_one_primary",
                    ),
                    models.CheckConstraint(condition=models.Q(("shelf", ""), _negated=True), name="shelf_place_named"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("state__in", ["sent", "partly_received"])),
                fields=["destination", "expected_on"],
                name="transfer_coming",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["origin", "created_at"], name="transfer_of_origin"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["destination", "created_at"], name="transfer_of_destination"),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "sent", "partly_received", "received", "cancelled"])),
                name="transfer_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("condition__in", ["sellable", "damaged", "quality_control", "in_transit"]),
                    models.Q(("condition", "in_transit"), _negated=True),
                ),
                name="transfer_condition_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin", models.F("destination")), _negated=True), name="transfer_leaves_its_place"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["sent", "partly_received"]), _negated=True),
                    models.Q(("expected_on__isnull", False), ("sent_at__isnull", False)),
                    _connector="OR",
                ),
                name="transfer_on_the_way_is_expected",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", False), ("state__in", ["received", "cancelled"])),
                    models.Q(("ended_at__isnull", True), ("state__in", ["draft", "sent", "partly_received"])),
                    _connector="OR",
                ),
                name="transfer_ended_when_over",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferline",
            constraint=models.UniqueConstraint(fields=("transfer", "product"), name="transfer_line_once"),
        ),
        migrations.AddConstraint(
            model_name="transferline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="transfer_line_quantity_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="transferline",
            constraint=models.CheckConstraint(condition=models.Q(("pack__gte", 1)), name="transfer_line_pack_positive"),
        ),
        migrations.AddConstraint(
            model_name="transferline",
            constraint=models.CheckConstraint(
                condition=models.Q(("lost__gte", 0), ("received__gte", 0), ("returned__gte", 0)),
                name="transfer_line_parts_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", models.F("received") + models.F("lost") + models.F("returned"))),
                name="transfer_line_not_more_than_sent",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("difference_reason", ""), ("lost", 0)),
                    ("difference_reason__in", ["lost", "stolen", "destroyed", "left_behind"]),
                    _connector="OR",
                ),
                name="transfer_line_reason_known",
            ),
        ),
        migrations.RunSQL(LAWS, LAWLESS),
    ]
