"""The scope for prices that are set by hand."""

import django.contrib.postgres.fields
from django.db import migrations, models

SCOPES = [
    "availability:read", "reservations:write", "pickup_windows:read", "quotes:write",
    "prices:override", "orders:read", "orders:write", "payments:write", "returns:write",
    "stock:write", "transfers:write", "supply:write", "counts:write", "statements:write",
    "sharing:write", "waiting_list:write", "scarcity:read", "experiments:write", "catalog:read",
    "webhooks:manage", "events:read",
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("commerce", "0013_keys_may_write_returns")]

    operations = [
        migrations.AlterField(
            model_name="channelkey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[(scope, scope.replace("_", " ").capitalize()) for scope in SCOPES], max_length=40
                ),
                size=None,
                verbose_name="scopes",
            ),
        ),
    ]
