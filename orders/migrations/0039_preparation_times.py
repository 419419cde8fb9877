"""What products and categories need besides being picked."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0018_scope_for_settlements'),
        ('orders', '0038_return_labels'),
    ]

    operations = [
        migrations.CreateModel(
            name='PreparationTime',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('category', models.CharField(blank=True, default='', max_length=120, verbose_name='category')),
                ('minutes', models.PositiveIntegerField(default=0, verbose_name='minutes once')),
                ('minutes_per_piece', models.PositiveIntegerField(default=0, verbose_name='minutes a piece')),
                ('what', models.CharField(blank=True, default='', max_length=60, verbose_name='what for')),
                ('product', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'preparation time',
                'verbose_name_plural': 'preparation times',
                'constraints': [models.UniqueConstraint(fields=('product', 'category'), name='preparation_time_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('product__isnull', True), ('category', ''), _connector='XOR'), name='preparation_time_of_one'), models.CheckConstraint(condition=models.Q(('minutes__lte', 14400), ('minutes_per_piece__lte', 14400)), name='preparation_time_sane')],
            },
        ),
    ]
