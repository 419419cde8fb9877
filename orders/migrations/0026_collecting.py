"""Who comes for a pickup and how, and when customers are reminded."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0010_minimum_age'),
        ('inventory', '0017_transit_and_value_classes'),
        ('orders', '0025_settlements'),
    ]

    operations = [
        migrations.CreateModel(
            name='PickupVisit',
            fields=[
                ('fulfilment', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='visit', serialize=False, to='orders.fulfilment')),
                ('on_way_at', models.DateTimeField(null=True)),
                ('eta_at', models.DateTimeField(null=True)),
                ('car', models.CharField(blank=True, max_length=60)),
                ('plate', models.CharField(blank=True, max_length=15)),
                ('helper_name', models.CharField(blank=True, max_length=80)),
                ('helper_at', models.DateTimeField(null=True)),
                ('moves', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('erased_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('erased_at__isnull', True)), fields=['created_at'], name='pickup_visit_not_erased')],
                'constraints': [models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), models.Q(('car', ''), ('eta_at__isnull', True), ('helper_name', ''), ('plate', '')), _connector='OR'), name='pickup_visit_erased_is_empty')],
            },
        ),
        migrations.CreateModel(
            name='PickupReminder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message', models.CharField(max_length=60, verbose_name='message')),
                ('hours_before', models.PositiveSmallIntegerField(verbose_name='hours before the pickup ends')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('channel', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='commerce.channel', verbose_name='channel')),
                ('location', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location', verbose_name='location')),
            ],
            options={
                'verbose_name': 'reminder of pickups',
                'verbose_name_plural': 'reminders of pickups',
                'constraints': [models.UniqueConstraint(fields=('message', 'location', 'channel'), name='pickup_reminder_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('hours_before__range', (1, 720))), name='pickup_reminder_within_reach')],
            },
        ),
    ]
