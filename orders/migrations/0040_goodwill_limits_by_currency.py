"""What may be given away is said for each currency; what was said before holds for those that channels sell in."""

from django.db import migrations, models

EACH = """
WITH named AS (SELECT DISTINCT currency FROM commerce_channel),
copied AS (
    INSERT INTO orders_goodwilllimit (permission, currency, amount_minor)
    SELECT permission, named.currency, amount_minor FROM orders_goodwilllimit, named
    RETURNING 1
)
DELETE FROM orders_goodwilllimit WHERE currency = '';
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0018_scope_for_settlements'),
        ('orders', '0039_preparation_times'),
    ]

    operations = [
        migrations.AlterField(
            model_name='goodwilllimit',
            name='permission',
            field=models.CharField(max_length=40, verbose_name='right'),
        ),
        migrations.AddField(
            model_name='goodwilllimit',
            name='currency',
            field=models.CharField(default='', max_length=3, verbose_name='currency'),
            preserve_default=False,
        ),
        migrations.RunSQL(EACH, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='goodwilllimit',
            constraint=models.UniqueConstraint(fields=('permission', 'currency'), name='goodwill_limit_once'),
        ),
    ]
