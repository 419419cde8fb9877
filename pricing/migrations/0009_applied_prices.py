"""The log of applied prices: only ever written after the last row, never changed, deleted or emptied."""

import django.db.models.deletion
from django.db import migrations, models


LAWS = """
CREATE FUNCTION pricing_applied_price_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM pricing_appliedprice
               WHERE channel_id = NEW.channel_id AND product_id = NEW.product_id AND from_at >= NEW.from_at) THEN
        RAISE EXCEPTION 'an applied price follows the ones before it'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'applied_price_in_order';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER applied_price_in_order BEFORE INSERT ON pricing_appliedprice
    FOR EACH ROW EXECUTE FUNCTION pricing_applied_price_follows();
CREATE TRIGGER applied_price_is_immutable BEFORE UPDATE OR DELETE ON pricing_appliedprice
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER applied_price_is_not_truncated BEFORE TRUNCATE ON pricing_appliedprice
    EXECUTE FUNCTION commerce_refuse_change();

CREATE FUNCTION pricing_mark_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.logged_until < OLD.logged_until OR NEW.channel_id <> OLD.channel_id THEN
        RAISE EXCEPTION 'what is written down stays written down'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'applied_price_mark_moves_on';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER applied_price_mark_moves_on BEFORE UPDATE ON pricing_appliedpricemark
    FOR EACH ROW EXECUTE FUNCTION pricing_mark_moves_on();
"""
NO_LAWS = """
DROP TRIGGER applied_price_mark_moves_on ON pricing_appliedpricemark;
DROP FUNCTION pricing_mark_moves_on();
DROP TRIGGER applied_price_is_not_truncated ON pricing_appliedprice;
DROP TRIGGER applied_price_is_immutable ON pricing_appliedprice;
DROP TRIGGER applied_price_in_order ON pricing_appliedprice;
DROP FUNCTION pricing_applied_price_follows();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0015_scopes_of_routing'),
        ('pricing', '0008_thresholds_to_begin_with'),
    ]

    operations = [
        migrations.CreateModel(
            name='AppliedPriceMark',
            fields=[
                ('channel', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='commerce.channel')),
                ('logged_until', models.DateTimeField()),
                ('entry_id', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='AppliedPrice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_at', models.DateTimeField(verbose_name='from')),
                ('amount_minor', models.BigIntegerField(null=True, verbose_name='amount in minor units')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('is_reduced', models.BooleanField(default=False, verbose_name='announced as reduced')),
                ('announced_at', models.DateTimeField(null=True, verbose_name='first announced at')),
                ('listed_minor', models.BigIntegerField(null=True, verbose_name='price of the list in minor units')),
                ('price_list', models.CharField(blank=True, max_length=40, verbose_name='price list')),
                ('tax_basis_points', models.PositiveIntegerField(default=0, verbose_name='rate in basis points')),
                ('promotions', models.JSONField(default=list, verbose_name='promotions')),
                ('ruleset_version', models.CharField(blank=True, max_length=40, verbose_name='version of the rules')),
                ('written_at', models.DateTimeField(verbose_name='written at')),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.channel', verbose_name='channel')),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'applied price',
                'verbose_name_plural': 'applied prices',
                'constraints': [models.UniqueConstraint(fields=('channel', 'product', 'from_at'), name='applied_price_once'), models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0)), name='applied_price_not_negative'), models.CheckConstraint(condition=models.Q(models.Q(('announced_at', None), ('is_reduced', False)), models.Q(('amount_minor__isnull', False), ('is_reduced', True)), _connector='OR'), name='applied_price_reduced_is_offered'), models.CheckConstraint(condition=models.Q(('from_at__lte', models.F('written_at'))), name='applied_price_is_past')],
            },
        ),
        migrations.RunSQL(LAWS, NO_LAWS),
    ]
