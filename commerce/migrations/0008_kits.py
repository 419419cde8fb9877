"""Kits: what is in them, and that it is goods."""

import django.db.models.deletion
from django.db import migrations, models

KINDS = [("goods", "Goods"), ("charge", "Charge"), ("kit", "Kit")]

LAWS = """
CREATE FUNCTION commerce_check_kit_component() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'commerce_product' THEN
        IF EXISTS (SELECT FROM commerce_kitcomponent part
                   WHERE (part.component_id = NEW.id AND NEW.kind <> 'goods')
                      OR (part.kit_id = NEW.id AND NEW.kind <> 'kit')) THEN
            RAISE EXCEPTION 'product % is part of a kit and keeps its kind', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'kit_component_is_goods';
        END IF;
    ELSIF (SELECT kind FROM commerce_product WHERE id = NEW.component_id FOR SHARE) <> 'goods'
          OR (SELECT kind FROM commerce_product WHERE id = NEW.kit_id) <> 'kit' THEN
        RAISE EXCEPTION 'product % can not be in product %', NEW.component_id, NEW.kit_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'kit_component_is_goods';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER kit_component_is_goods BEFORE INSERT OR UPDATE ON commerce_kitcomponent
    FOR EACH ROW EXECUTE FUNCTION commerce_check_kit_component();
CREATE TRIGGER kit_component_stays_goods BEFORE UPDATE OF kind ON commerce_product
    FOR EACH ROW WHEN (OLD.kind <> NEW.kind) EXECUTE FUNCTION commerce_check_kit_component();

CREATE FUNCTION commerce_check_kit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint;
BEGIN
    IF TG_TABLE_NAME = 'commerce_product' THEN
        wanted := NEW.id;
    ELSE
        wanted := OLD.kit_id;
    END IF;
    IF EXISTS (SELECT FROM commerce_product WHERE id = wanted AND kind = 'kit' AND is_active)
       AND NOT EXISTS (SELECT FROM commerce_kitcomponent WHERE kit_id = wanted) THEN
        RAISE EXCEPTION 'kit % is active and has no components', wanted
            USING ERRCODE = 'check_violation', CONSTRAINT = 'kit_has_components';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER kit_has_components AFTER INSERT OR UPDATE OF kind, is_active ON commerce_product
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'kit' AND NEW.is_active)
    EXECUTE FUNCTION commerce_check_kit();
CREATE CONSTRAINT TRIGGER kit_keeps_components AFTER DELETE OR UPDATE OF kit_id ON commerce_kitcomponent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commerce_check_kit();
"""
NO_LAWS = """
DROP TRIGGER kit_keeps_components ON commerce_kitcomponent;
DROP TRIGGER kit_has_components ON commerce_product;
DROP FUNCTION commerce_check_kit();
DROP TRIGGER kit_component_stays_goods ON commerce_product;
DROP TRIGGER kit_component_is_goods ON commerce_kitcomponent;
DROP FUNCTION commerce_check_kit_component();
"""


class Migration(migrations.Migration):
    dependencies = [("commerce", "0007_scopes")]

    operations = [
        migrations.RemoveConstraint(model_name="product", name="product_kind_known"),
        migrations.AlterField(
            model_name="product",
            name="kind",
            field=models.CharField(choices=KINDS, default="goods", max_length=10, verbose_name="kind"),
        ),
        migrations.AlterField(
            model_name="historicalproduct",
            name="kind",
            field=models.CharField(choices=KINDS, default="goods", max_length=10, verbose_name="kind"),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                name="product_kind_known", condition=models.Q(kind__in=["goods", "charge", "kit"])
            ),
        ),
        migrations.CreateModel(
            name="KitComponent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.PositiveIntegerField(default=1, verbose_name="pieces")),
                (
                    "component",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="kits",
                        to="commerce.product",
                        verbose_name="component",
                    ),
                ),
                (
                    "kit",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="components",
                        to="commerce.product",
                    ),
                ),
            ],
            options={
                "verbose_name": "component",
                "verbose_name_plural": "components",
                "constraints": [
                    models.UniqueConstraint(fields=("kit", "component"), name="kit_component_once"),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gte", 1)), name="kit_component_quantity_positive"
                    ),
                ],
            },
        ),
        migrations.RunSQL(LAWS, NO_LAWS),
    ]
