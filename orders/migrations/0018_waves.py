"""Waves of orders that one person picks in one walk."""


import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0017_transit_and_value_classes'),
        ('orders', '0017_amendments'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE orders_wave_number START 1001", "DROP SEQUENCE orders_wave_number"
        ),
        migrations.CreateModel(
            name='Wave',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('number', models.CharField(max_length=24, unique=True)),
                ('way_out', models.CharField(max_length=10)),
                ('begun_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('holder', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location')),
            ],
            options={
                'verbose_name': 'wave',
                'verbose_name_plural': 'waves',
            },
        ),
        migrations.CreateModel(
            name='WaveScan',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('scanned', models.CharField(max_length=80)),
                ('outcome', models.CharField(max_length=20)),
                ('placed', models.JSONField()),
                ('scanned_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('scanned_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('wave', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.wave')),
            ],
        ),
        migrations.CreateModel(
            name='WaveTote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tote', models.PositiveSmallIntegerField()),
                ('is_open', models.BooleanField(default=True)),
                ('fulfilment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.fulfilment')),
                ('wave', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='totes', to='orders.wave')),
            ],
        ),
        migrations.AddIndex(
            model_name='wave',
            index=models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['location', '-begun_at'], name='wave_open'),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gte', models.F('begun_at')), _connector='OR'), name='wave_ends_after_it_began'),
        ),
        migrations.AddConstraint(
            model_name='wavetote',
            constraint=models.UniqueConstraint(fields=('wave', 'tote'), name='wave_tote_once'),
        ),
        migrations.AddConstraint(
            model_name='wavetote',
            constraint=models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('fulfilment',), name='wave_holds_an_order_once'),
        ),
    ]
