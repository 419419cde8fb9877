"""Deliveries are claimed subscriber by subscriber, oldest first; a person may dismiss one; a channel reads its stream."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0002_laws'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='outboxdelivery',
            name='outbox_delivery_state_known',
        ),
        migrations.RemoveIndex(
            model_name='outboxdelivery',
            name='outbox_delivery_due',
        ),
        migrations.AlterField(
            model_name='outboxdelivery',
            name='state',
            field=models.CharField(choices=[('pending', 'Pending'), ('done', 'Done'), ('superseded', 'Superseded'), ('parked', 'Parked'), ('dismissed', 'Dismissed')], default='pending', max_length=10),
        ),
        migrations.AddIndex(
            model_name='outboxdelivery',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['subscriber', 'id'], name='outbox_delivery_due'),
        ),
        migrations.AddIndex(
            model_name='outboxdelivery',
            index=models.Index(condition=models.Q(('state', 'parked')), fields=['id'], name='outbox_delivery_parked'),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('channel__isnull', False)), fields=['channel', 'position'], name='outbox_stream'),
        ),
        migrations.AddConstraint(
            model_name='outboxdelivery',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'done', 'superseded', 'parked', 'dismissed'])), name='outbox_delivery_state_known'),
        ),
    ]
