"""Other goods may come instead of pieces that could not be found."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

STATES = ['open', 'asked', 'waiting', 'rerouted', 'substituted', 'declined', 'ended']
SETTLED = ['rerouted', 'substituted', 'declined', 'ended']


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0032_days_that_were_told'),
    ]

    operations = [
        migrations.AddField(
            model_name='shortage',
            name='substitute',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.orderline'),
        ),
        migrations.AlterField(
            model_name='shortage',
            name='state',
            field=models.CharField(choices=[('open', 'Open'), ('asked', 'Asked'), ('waiting', 'Waiting'), ('rerouted', 'Rerouted'), ('substituted', 'Substituted'), ('declined', 'Declined'), ('ended', 'Ended')], default='open', max_length=12),
        ),
        migrations.RemoveConstraint(model_name='shortage', name='shortage_state_known'),
        migrations.AddConstraint(
            model_name='shortage',
            constraint=models.CheckConstraint(condition=Q(('state__in', STATES)), name='shortage_state_known'),
        ),
        migrations.RemoveConstraint(model_name='shortage', name='shortage_settled_when_over'),
        migrations.AddConstraint(
            model_name='shortage',
            constraint=models.CheckConstraint(condition=Q(Q(('settled_at__isnull', False), ('state__in', SETTLED)), Q(Q(('state__in', SETTLED), _negated=True), ('settled_at__isnull', True)), _connector='OR'), name='shortage_settled_when_over'),
        ),
        migrations.AddConstraint(
            model_name='shortage',
            constraint=models.CheckConstraint(condition=Q(Q(('state', 'substituted'), ('substitute__isnull', False)), Q(Q(('state', 'substituted'), _negated=True), ('substitute__isnull', True)), _connector='OR'), name='shortage_substituted_by_something'),
        ),
    ]
