"""Other goods may be proposed for missing pieces; customers may agree to that when they order."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0018_scope_for_settlements'),
        ('orders', '0036_goodwill_limits'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='orderline',
            name='takes_substitutes',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('units', models.PositiveIntegerField()),
                ('amount_minor', models.BigIntegerField()),
                ('instead_of_minor', models.BigIntegerField()),
                ('consent', models.CharField(choices=[('before', 'Before'), ('asked', 'Asked')], max_length=8)),
                ('reservation_id', models.UUIDField(null=True)),
                ('state', models.CharField(choices=[('open', 'Open'), ('accepted', 'Accepted'), ('refused', 'Refused'), ('lapsed', 'Lapsed'), ('withdrawn', 'Withdrawn')], default='open', max_length=10)),
                ('proposed_at', models.DateTimeField()),
                ('answer_by', models.DateTimeField(null=True)),
                ('settled_at', models.DateTimeField(null=True)),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.product')),
                ('proposed_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('shortage', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.shortage')),
            ],
            options={
                'indexes': [models.Index(fields=['shortage', '-proposed_at'], name='proposal_of_shortage')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['open', 'accepted', 'refused', 'lapsed', 'withdrawn'])), name='proposal_state_known'), models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('units__gte', 1)), name='proposal_of_something'), models.CheckConstraint(condition=models.Q(('consent', 'asked'), models.Q(('amount_minor__lte', models.F('instead_of_minor')), ('consent', 'before')), _connector='OR'), name='proposal_dearer_only_when_asked'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'open'), _negated=True), models.Q(('answer_by__isnull', False), ('reservation_id__isnull', False), ('settled_at__isnull', True)), _connector='OR'), name='proposal_keeps_goods_while_asked'), models.CheckConstraint(condition=models.Q(('state', 'open'), ('settled_at__isnull', False), _connector='OR'), name='proposal_settled_when_over'), models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('shortage',), name='proposal_one_at_a_time')],
            },
        ),
    ]
