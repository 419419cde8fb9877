"""Limits of goodwill: how much one person may give away on their own."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0035_one_parcel_for_several_orders'),
    ]

    operations = [
        migrations.CreateModel(
            name='GoodwillLimit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('permission', models.CharField(max_length=40, unique=True, verbose_name='right')),
                ('amount_minor', models.PositiveIntegerField(verbose_name='limit, in the smallest unit (cents)')),
            ],
            options={
                'verbose_name': 'goodwill limit',
                'verbose_name_plural': 'goodwill limits',
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_minor__lte', 10000000)), name='goodwill_limit_sane')],
            },
        ),
    ]
