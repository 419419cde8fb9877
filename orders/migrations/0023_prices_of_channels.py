"""Orders say whose prices they were sold at, and know what was asked for; what is agreed with channels about them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0011_scope_of_payments'),
        ('customers', '0003_where_customers_buy'),
        ('orders', '0022_returns'),
    ]

    operations = [
        migrations.CreateModel(
            name='IntakeTerms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('may_price', models.BooleanField(default=False, help_text='Its orders may bring prices, discounts and VAT of its own.', verbose_name='names its own prices')),
                ('tolerance_minor', models.PositiveIntegerField(default=0, help_text='By how many cents each of its sums may differ from ours.', verbose_name='tolerance')),
                ('may_choose_place', models.BooleanField(default=False, help_text='Its shipments may name the place they are sent from.', verbose_name='chooses the place')),
                ('routes_later', models.BooleanField(default=False, help_text='Its shipments are accepted at once and get their place moments later, many together.', verbose_name='routed in batches')),
            ],
            options={
                'verbose_name': 'intake terms',
                'verbose_name_plural': 'intake terms',
            },
        ),
        migrations.AddField(
            model_name='order',
            name='asked',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='price_source',
            field=models.CharField(choices=[('quote', 'Quote'), ('channel', 'Channel')], default='quote', max_length=10, verbose_name='prices'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('price_source__in', ['quote', 'channel'])), name='order_price_source_known'),
        ),
        migrations.AddField(
            model_name='intaketerms',
            name='channel',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.channel', verbose_name='channel'),
        ),
        migrations.AddField(
            model_name='intaketerms',
            name='shipping_product',
            field=models.ForeignKey(blank=True, help_text='The charge that stands for shipping costs that it names itself.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.product', verbose_name='charge for shipping'),
        ),
        migrations.AddConstraint(
            model_name='intaketerms',
            constraint=models.CheckConstraint(condition=models.Q(('tolerance_minor__lte', 100)), name='intake_tolerance_is_small'),
        ),
    ]
