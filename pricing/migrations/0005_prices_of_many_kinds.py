"""Contracts, families, formulas on other lists, dated currency rates, contents for unit prices."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

NO_CIRCLE = """
CREATE FUNCTION pricing_refuse_circle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    base bigint := NEW.base_list_id;
BEGIN
    WHILE base IS NOT NULL LOOP
        IF base = NEW.id THEN
            RAISE EXCEPTION 'a price list can''t be computed from itself'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'price_list_formula_ends';
        END IF;
        SELECT base_list_id INTO base FROM pricing_pricelist WHERE id = base;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER price_list_formula_ends BEFORE INSERT OR UPDATE OF base_list_id ON pricing_pricelist
    FOR EACH ROW WHEN (NEW.base_list_id IS NOT NULL) EXECUTE FUNCTION pricing_refuse_circle();
"""
CIRCLES = """
DROP TRIGGER price_list_formula_ends ON pricing_pricelist;
DROP FUNCTION pricing_refuse_circle();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0010_minimum_age'),
        ('pricing', '0004_ruleset_versions'),
    ]

    operations = [
        migrations.CreateModel(
            name='CurrencyRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base', models.CharField(max_length=3, verbose_name='currency')),
                ('quote', models.CharField(max_length=3, verbose_name='in')),
                ('millionths', models.BigIntegerField(verbose_name='rate in millionths')),
                ('valid', django.contrib.postgres.fields.ranges.DateTimeRangeField(verbose_name='valid')),
            ],
            options={
                'verbose_name': 'currency rate',
                'verbose_name_plural': 'currency rates',
            },
        ),
        migrations.CreateModel(
            name='ProductTerms',
            fields=[
                ('product', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='commerce.product')),
                ('family', models.CharField(blank=True, db_index=True, max_length=40, verbose_name='family')),
                ('content_amount', models.PositiveIntegerField(blank=True, null=True, verbose_name='content of a piece')),
                ('content_unit', models.CharField(blank=True, max_length=5, verbose_name='unit of its content')),
            ],
            options={
                'verbose_name': 'pricing of a product',
                'verbose_name_plural': 'pricing of products',
            },
        ),
        migrations.AddField(
            model_name='historicalpricelist',
            name='base_list',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pricing.pricelist', verbose_name='computed from'),
        ),
        migrations.AddField(
            model_name='historicalpricelist',
            name='contract',
            field=models.CharField(blank=True, max_length=40, verbose_name='contract'),
        ),
        migrations.AddField(
            model_name='historicalpricelist',
            name='counts_family',
            field=models.BooleanField(default=False, verbose_name='tiers count a family together'),
        ),
        migrations.AddField(
            model_name='historicalpricelist',
            name='formula_add_minor',
            field=models.BigIntegerField(default=0, verbose_name='plus, in minor units'),
        ),
        migrations.AddField(
            model_name='historicalpricelist',
            name='formula_basis_points',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='share of its prices in basis points'),
        ),
        migrations.AddField(
            model_name='historicalpricelist',
            name='formula_rounding',
            field=models.CharField(default='exact', max_length=10, verbose_name='rounded to'),
        ),
        migrations.AddField(
            model_name='pricelist',
            name='base_list',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pricing.pricelist', verbose_name='computed from'),
        ),
        migrations.AddField(
            model_name='pricelist',
            name='contract',
            field=models.CharField(blank=True, max_length=40, verbose_name='contract'),
        ),
        migrations.AddField(
            model_name='pricelist',
            name='counts_family',
            field=models.BooleanField(default=False, verbose_name='tiers count a family together'),
        ),
        migrations.AddField(
            model_name='pricelist',
            name='formula_add_minor',
            field=models.BigIntegerField(default=0, verbose_name='plus, in minor units'),
        ),
        migrations.AddField(
            model_name='pricelist',
            name='formula_basis_points',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='share of its prices in basis points'),
        ),
        migrations.AddField(
            model_name='pricelist',
            name='formula_rounding',
            field=models.CharField(default='exact', max_length=10, verbose_name='rounded to'),
        ),
        migrations.AddConstraint(
            model_name='pricelist',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('base_list', None), ('formula_basis_points', None)), models.Q(('base_list__isnull', False), ('formula_basis_points__range', (1, 1000000))), _connector='OR'), name='price_list_formula_is_whole'),
        ),
        migrations.AddConstraint(
            model_name='pricelist',
            constraint=models.CheckConstraint(condition=models.Q(('formula_rounding__in', ['ends_9', 'ends_90', 'ends_95', 'ends_99', 'exact', 'five', 'ten', 'whole'])), name='price_list_rounding_known'),
        ),
        migrations.AddConstraint(
            model_name='currencyrate',
            constraint=models.CheckConstraint(condition=models.Q(('millionths__gt', 0)), name='currency_rate_positive'),
        ),
        migrations.AddConstraint(
            model_name='currencyrate',
            constraint=models.CheckConstraint(condition=models.Q(('base', models.F('quote')), _negated=True), name='currency_rate_of_two'),
        ),
        migrations.AddConstraint(
            model_name='currencyrate',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('base', '='), ('quote', '='), ('valid', '&&')], name='currency_rate_no_overlap'),
        ),
        migrations.AddConstraint(
            model_name='productterms',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('content_amount', None), ('content_unit', '')), models.Q(('content_amount__gte', 1), ('content_unit__in', ['cm', 'cm2', 'cm3', 'g', 'ml', 'piece'])), _connector='OR'), name='product_terms_content_is_whole'),
        ),
        migrations.RunSQL(NO_CIRCLE, CIRCLES),
    ]
