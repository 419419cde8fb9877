"""Decisions on which a policy in the shadow would have decided otherwise are found at once."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [('orders', '0020_routing_policies')]

    operations = [
        AddIndexConcurrently(
            model_name='routingdecision',
            index=models.Index(condition=models.Q(('shadow_differs', True)), fields=['-decided_at', '-id'], name='routing_decision_differing'),
        ),
        AddIndexConcurrently(
            model_name='routingdecision',
            index=models.Index(condition=models.Q(('shadow__isnull', False)), fields=['-decided_at'], name='routing_decision_shadowed'),
        ),
    ]
