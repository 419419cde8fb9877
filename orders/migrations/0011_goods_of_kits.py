"""A line of a fulfilment names its goods: those of the order line, or what is in its kit."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.lookups import Exact

# Checked at once, or the column could not be altered in the same transaction.
FILL = """
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE orders_fulfilmentline owed SET product_id = line.product_id FROM orders_orderline line WHERE line.id = owed.order_line_id;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("commerce", "0008_kits"), ("orders", "0010_names_of_pickup_windows")]

    operations = [
        migrations.AddField(
            model_name="fulfilmentline",
            name="product",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="commerce.product",
            ),
        ),
        migrations.AddField(model_name="fulfilmentline", name="per_unit", field=models.PositiveIntegerField(default=1)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="fulfilmentline",
            name="product",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="commerce.product",
            ),
        ),
        migrations.AddConstraint(
            model_name="fulfilmentline",
            constraint=models.CheckConstraint(
                name="fulfilment_line_of_whole_units",
                condition=models.Q(per_unit__gte=1)
                & models.Q(
                    Exact(models.F("quantity") % models.F("per_unit"), 0),
                    Exact(models.F("rejected") % models.F("per_unit"), 0),
                ),
            ),
        ),
    ]
