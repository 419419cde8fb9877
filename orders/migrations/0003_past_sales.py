"""Invoice lines from before Kontor, and the files they came from."""

import django.db.models.deletion
from django.db import migrations, models

# A merge of profiles or an erasure may point a line to another customer; nothing else about it ever changes.
IMMUTABLE = """
CREATE TRIGGER past_sale_is_immutable BEFORE DELETE OR UPDATE OF id, file_id, line_number, kind, invoice, stock_code,
    description, product_id, customer_reference, country, quantity, unit_price, occurred_at ON orders_pastsale
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER past_sale_is_not_truncated BEFORE TRUNCATE ON orders_pastsale
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();
"""
MUTABLE = """
DROP TRIGGER past_sale_is_not_truncated ON orders_pastsale;
DROP TRIGGER past_sale_is_immutable ON orders_pastsale;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0002_laws'),
        ('customers', '0001_initial'),
        ('orders', '0002_laws'),
    ]

    operations = [
        migrations.CreateModel(
            name='PastSalesFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=200)),
                ('sha256', models.CharField(max_length=64)),
                ('mapping_sha256', models.CharField(max_length=64)),
                ('figures', models.JSONField(default=dict)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'file of past sales',
                'verbose_name_plural': 'files of past sales',
                'constraints': [models.UniqueConstraint(fields=('source', 'sha256'), name='past_sales_file_once')],
            },
        ),
        migrations.CreateModel(
            name='PastSale',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('line_number', models.BigIntegerField()),
                ('kind', models.CharField(max_length=10)),
                ('invoice', models.CharField(max_length=64)),
                ('stock_code', models.CharField(max_length=64)),
                ('description', models.CharField(blank=True, max_length=250)),
                ('customer_reference', models.CharField(blank=True, max_length=64)),
                ('country', models.CharField(blank=True, max_length=60)),
                ('quantity', models.IntegerField()),
                ('unit_price', models.DecimalField(decimal_places=6, max_digits=18)),
                ('occurred_at', models.DateTimeField()),
                ('customer', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.profile')),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.product')),
                ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.pastsalesfile')),
            ],
            options={
                'verbose_name': 'past sale',
                'verbose_name_plural': 'past sales',
                'indexes': [models.Index(fields=['product', 'occurred_at'], name='past_sale_by_product'), models.Index(condition=models.Q(('customer__isnull', False)), fields=['customer', 'occurred_at'], name='past_sale_by_customer'), models.Index(fields=['invoice'], name='past_sale_by_invoice')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['sale', 'return', 'correction', 'charge'])), name='past_sale_kind_known'), models.CheckConstraint(condition=models.Q(('quantity', 0), _negated=True), name='past_sale_quantity_not_zero')],
            },
        ),
        migrations.RunSQL(IMMUTABLE, MUTABLE),
    ]
