"""No index beside a longer one that begins with the same column: orders and their lines are written into one index less."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0005_names_for_people'),
        ('orders', '0008_orders_by_status'),
    ]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.channel', verbose_name='channel'),
        ),
        migrations.AlterField(
            model_name='orderline',
            name='order',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='orders.order'),
        ),
    ]
