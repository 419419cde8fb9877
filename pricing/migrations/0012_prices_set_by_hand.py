"""Prices that were set by hand, kept for good with who and why."""

import django.db.models.deletion
from django.db import migrations, models


LAWS = """
CREATE TRIGGER price_override_is_immutable BEFORE UPDATE OR DELETE ON pricing_priceoverride
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
"""
NO_LAWS = "DROP TRIGGER price_override_is_immutable ON pricing_priceoverride;"


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0016_scope_for_writing_prices'),
        ('pricing', '0011_price_files'),
    ]

    operations = [
        migrations.CreateModel(
            name='PriceOverride',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('quote_id', models.UUIDField(verbose_name='quote')),
                ('sku', models.CharField(max_length=64, verbose_name='SKU')),
                ('quantity', models.IntegerField(verbose_name='quantity')),
                ('difference_minor', models.BigIntegerField(verbose_name='difference in minor units')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('set_by', models.CharField(max_length=200, verbose_name='by')),
                ('set_at', models.DateTimeField(db_index=True, verbose_name='at')),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.channel', verbose_name='channel')),
            ],
            options={
                'verbose_name': 'price set by hand',
                'verbose_name_plural': 'prices set by hand',
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='price_override_has_a_reason')],
            },
        ),
        migrations.RunSQL(LAWS, NO_LAWS),
    ]
