"""Goods whose reductions need name no prior price: kept for good, as evidence; an exemption may only end earlier."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

LAWS = """
CREATE FUNCTION pricing_exemption_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NOT NEW.valid <@ OLD.valid OR lower(NEW.valid) <> lower(OLD.valid)
       OR (NEW.product_id, NEW.category, NEW.kind, NEW.reason, NEW.set_by, NEW.set_at)
          IS DISTINCT FROM (OLD.product_id, OLD.category, OLD.kind, OLD.reason, OLD.set_by, OLD.set_at) THEN
        RAISE EXCEPTION 'an exemption from prior prices may only end earlier'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'prior_price_exemption_is_kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER prior_price_exemption_is_kept BEFORE UPDATE OR DELETE ON pricing_priorpriceexemption
    FOR EACH ROW EXECUTE FUNCTION pricing_exemption_only_ends();
CREATE TRIGGER prior_price_exemption_is_not_truncated BEFORE TRUNCATE ON pricing_priorpriceexemption
    EXECUTE FUNCTION commerce_refuse_change();
"""
NO_LAWS = """
DROP TRIGGER prior_price_exemption_is_not_truncated ON pricing_priorpriceexemption;
DROP TRIGGER prior_price_exemption_is_kept ON pricing_priorpriceexemption;
DROP FUNCTION pricing_exemption_only_ends();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0018_scope_for_settlements'),
        ('pricing', '0013_simulations'),
    ]

    operations = [
        migrations.CreateModel(
            name='PriorPriceExemption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('category', models.CharField(blank=True, max_length=120, verbose_name='category')),
                ('kind', models.CharField(max_length=20, verbose_name='exempt because')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('valid', django.contrib.postgres.fields.ranges.DateTimeRangeField(verbose_name='valid')),
                ('set_by', models.CharField(max_length=200, verbose_name='set by')),
                ('set_at', models.DateTimeField(verbose_name='set at')),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'exemption from prior prices',
                'verbose_name_plural': 'exemptions from prior prices',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('category', ''), ('product__isnull', False)), models.Q(('product', None), models.Q(('category', ''), _negated=True)), _connector='OR'), name='prior_price_exemption_of_one'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='prior_price_exemption_has_a_reason'), models.CheckConstraint(condition=models.Q(('kind__in', ['perishable', 'short_shelf_life', 'individual'])), name='prior_price_exemption_kind_known'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('product', '='), ('valid', '&&')], name='prior_price_exemption_product_once'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('product', None)), expressions=[('category', '='), ('valid', '&&')], name='prior_price_exemption_category_once')],
            },
        ),
        migrations.RunSQL(LAWS, NO_LAWS),
    ]
