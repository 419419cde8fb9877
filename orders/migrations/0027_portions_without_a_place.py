"""What of orders is accepted and has no place yet."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0014_scope_for_prices_by_hand'),
        ('orders', '0026_collecting'),
    ]

    operations = [
        migrations.CreateModel(
            name='UnroutedPortion',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('method', models.CharField(choices=[('pickup', 'Pickup'), ('curbside', 'Curbside'), ('ship', 'Ship'), ('same_day', 'Same day'), ('ship_to_store', 'Ship to store')], max_length=16)),
                ('is_express', models.BooleanField(default=False)),
                ('promised_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('next_at', models.DateTimeField()),
                ('refusal', models.CharField(blank=True, max_length=60)),
                ('accepted_at', models.DateTimeField()),
                ('routed_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='unrouted', to='orders.order')),
            ],
            options={
                'verbose_name': 'portion without a place',
                'verbose_name_plural': 'portions without a place',
            },
        ),
        migrations.CreateModel(
            name='UnroutedLine',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('quantity', models.PositiveIntegerField()),
                ('per_unit', models.PositiveIntegerField(default=1)),
                ('order_line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.orderline')),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.product')),
                ('portion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='orders.unroutedportion')),
            ],
        ),
        migrations.AddIndex(
            model_name='unroutedportion',
            index=models.Index(condition=models.Q(('routed_at__isnull', True), ('withdrawn_at__isnull', True)), fields=['-is_express', 'next_at', 'id'], name='unrouted_portion_due'),
        ),
        migrations.AddConstraint(
            model_name='unroutedportion',
            constraint=models.CheckConstraint(condition=models.Q(('method__in', ['pickup', 'curbside', 'ship', 'same_day', 'ship_to_store'])), name='unrouted_portion_method_known'),
        ),
        migrations.AddConstraint(
            model_name='unroutedportion',
            constraint=models.CheckConstraint(condition=models.Q(('routed_at__isnull', True), ('withdrawn_at__isnull', True), _connector='OR'), name='unrouted_portion_ends_once'),
        ),
        migrations.AddConstraint(
            model_name='unroutedportion',
            constraint=models.UniqueConstraint(condition=models.Q(('routed_at__isnull', True), ('withdrawn_at__isnull', True)), fields=('order', 'method'), name='unrouted_portion_once_per_method'),
        ),
        migrations.AddConstraint(
            model_name='unroutedline',
            constraint=models.CheckConstraint(condition=models.Q(('per_unit__gte', 1), ('quantity__gte', models.F('per_unit'))), name='unrouted_line_of_whole_units'),
        ),
    ]
