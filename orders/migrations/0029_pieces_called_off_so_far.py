"""What was called off before it had a column of its own."""

from django.db import migrations

COUNT = """
UPDATE orders_fulfilmentline SET called_off = rejected WHERE reject_reason IN ('cancelled', 'moved_to_other_part') AND rejected > 0
"""


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0028_pieces_called_off'),
    ]

    operations = [
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
