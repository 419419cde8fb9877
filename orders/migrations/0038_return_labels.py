"""Labels for goods that come back."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0037_other_goods_proposed'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReturnLabel',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('carrier', models.CharField(max_length=40)),
                ('reference', models.CharField(max_length=35, unique=True)),
                ('state', models.CharField(default='asked', max_length=10)),
                ('tracking_number', models.CharField(blank=True, max_length=80)),
                ('document', models.BinaryField(null=True)),
                ('said', models.CharField(blank=True, max_length=200)),
                ('asked_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('stage', models.CharField(default='unknown', max_length=12)),
                ('stage_text', models.CharField(blank=True, max_length=200)),
                ('stage_at', models.DateTimeField(null=True)),
                ('looked_at', models.DateTimeField(null=True)),
                ('of_return', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='labels', to='orders.return')),
            ],
            options={
                'indexes': [models.Index(fields=['of_return', '-asked_at'], name='return_label_of'), models.Index(condition=models.Q(('state__in', ['asked', 'cancelling'])), fields=['asked_at'], name='return_label_unsettled'), models.Index(condition=models.Q(('state', 'made'), models.Q(('stage', 'delivered'), _negated=True)), fields=['looked_at'], name='return_label_under_way')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['asked', 'made', 'refused', 'unclear', 'cancelling', 'cancelled'])), name='return_label_state_known'), models.CheckConstraint(condition=models.Q(('stage__in', ['announced', 'under_way', 'delivered', 'problem', 'unknown'])), name='return_label_stage_known'), models.UniqueConstraint(condition=models.Q(('state__in', ['asked', 'made', 'cancelling'])), fields=('of_return',), name='return_label_once'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'made'), _negated=True), models.Q(('tracking_number', ''), _negated=True), _connector='OR'), name='return_label_made_has_a_number')],
            },
        ),
    ]
