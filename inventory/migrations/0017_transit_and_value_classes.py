"""How long goods are on the road, what makes how much of a place's turnover, and counts that begin at night."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0009_experiments'),
        ('inventory', '0016_corrected_once'),
    ]

    operations = [
        migrations.AddField(
            model_name='countpolicy',
            name='opens_at_night',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.CreateModel(
            name='TransitTime',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('up_to_km', models.PositiveIntegerField(blank=True, null=True, verbose_name='to our places up to so many km away')),
                ('country', models.CharField(blank=True, max_length=2, verbose_name='as a parcel to this country')),
                ('days', models.PositiveSmallIntegerField(verbose_name='days on the road')),
                ('destination', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location', verbose_name='to our place')),
                ('origin', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location', verbose_name='from')),
            ],
            options={
                'verbose_name': 'transit time',
                'verbose_name_plural': 'transit times',
                'ordering': ['country', 'destination', 'up_to_km', 'origin'],
                'constraints': [models.UniqueConstraint(fields=('origin', 'destination', 'up_to_km', 'country'), name='transit_time_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(models.Q(('country', ''), ('destination__isnull', False), ('up_to_km__isnull', True)), models.Q(('country', ''), ('destination__isnull', True), ('up_to_km__isnull', False)), models.Q(('destination__isnull', True), ('up_to_km__isnull', True), models.Q(('country', ''), _negated=True)), _connector='OR'), name='transit_time_says_where_to'), models.CheckConstraint(condition=models.Q(('origin__isnull', True), ('destination__isnull', True), models.Q(('origin', models.F('destination')), _negated=True), _connector='OR'), name='transit_time_between_two_places'), models.CheckConstraint(condition=models.Q(('days__lte', 90)), name='transit_time_sane')],
            },
        ),
        migrations.CreateModel(
            name='ValueClassing',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('value_class', models.CharField(max_length=1, verbose_name='class')),
                ('pieces', models.BigIntegerField(verbose_name='pieces')),
                ('value_minor', models.BigIntegerField(null=True, verbose_name='turnover')),
                ('currency', models.CharField(blank=True, max_length=3, verbose_name='currency')),
                ('made_at', models.DateTimeField(verbose_name='worked out')),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location')),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='commerce.product')),
            ],
            options={
                'verbose_name': 'value class',
                'verbose_name_plural': 'value classes',
                'constraints': [models.UniqueConstraint(fields=('location', 'product'), name='value_class_once'), models.CheckConstraint(condition=models.Q(('value_class__in', ['A', 'B', 'C'])), name='value_class_known')],
            },
        ),
    ]
