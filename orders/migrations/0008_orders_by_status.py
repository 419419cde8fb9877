"""A channel's orders of one status, newest first; built while orders are placed."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('orders', '0007_status_of_orders_that_stand'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(fields=['channel', 'status', '-placed_at', '-id'], name='order_by_status'),
        ),
    ]
