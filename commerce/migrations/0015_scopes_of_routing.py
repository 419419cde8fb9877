"""Scopes for reading and changing the policy of routing."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0014_scope_for_prices_by_hand'),
    ]

    operations = [
        migrations.AlterField(
            model_name='channelkey',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('availability:read', 'Availability:read'), ('reservations:write', 'Reservations:write'), ('pickup_windows:read', 'Pickup windows:read'), ('quotes:write', 'Quotes:write'), ('prices:override', 'Prices:override'), ('orders:read', 'Orders:read'), ('orders:write', 'Orders:write'), ('payments:write', 'Payments:write'), ('returns:write', 'Returns:write'), ('routing:read', 'Routing:read'), ('routing:manage', 'Routing:manage'), ('stock:write', 'Stock:write'), ('transfers:write', 'Transfers:write'), ('supply:write', 'Supply:write'), ('counts:write', 'Counts:write'), ('statements:write', 'Statements:write'), ('sharing:write', 'Sharing:write'), ('waiting_list:write', 'Waiting list:write'), ('scarcity:read', 'Scarcity:read'), ('experiments:write', 'Experiments:write'), ('catalog:read', 'Catalog:read'), ('webhooks:manage', 'Webhooks:manage'), ('events:read', 'Events:read')], max_length=40), size=None, verbose_name='scopes'),
        ),
    ]
