"""Where customers stand: loyalty tier, and how much sooner their orders come."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0003_where_customers_buy'),
    ]

    operations = [
        migrations.CreateModel(
            name='Standing',
            fields=[
                ('profile', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='standing', serialize=False, to='customers.profile', verbose_name='customer profile')),
                ('tier', models.CharField(blank=True, default='', max_length=40, verbose_name='loyalty tier')),
                ('priority', models.PositiveSmallIntegerField(default=0, help_text='How much sooner orders come: 0 is as everybody, 9 the most.', verbose_name='priority')),
                ('reason', models.CharField(blank=True, default='', max_length=120, verbose_name='reason')),
                ('changed_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'standing of a customer',
                'verbose_name_plural': 'standings of customers',
                'constraints': [models.CheckConstraint(condition=models.Q(('priority__lte', 9)), name='standing_priority_known'), models.CheckConstraint(condition=models.Q(('priority', 0), ('reason', ''), ('tier', ''), _negated=True), name='standing_says_something')],
            },
        ),
    ]
