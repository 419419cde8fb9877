"""Orders from before the column get the status that their fulfilments come to."""

from django.db import migrations

FILL = """
UPDATE orders_order o SET status = computed.status
FROM (
    SELECT order_id, CASE WHEN bool_or(state = 'placed') THEN 'open'
                          WHEN bool_or(state IN ('accepted', 'picking')) THEN 'in_progress'
                          WHEN bool_or(state IN ('ready', 'arrived')) THEN 'ready'
                          WHEN bool_or(state = 'no_show') THEN 'not_collected'
                          WHEN bool_or(state IN ('handed_over', 'shipped')) THEN 'completed'
                          WHEN bool_or(state = 'returned_to_stock') THEN 'returned'
                          WHEN bool_or(state = 'rejected') THEN 'rejected' ELSE 'cancelled' END AS status
    FROM orders_fulfilment GROUP BY order_id
) computed
WHERE computed.order_id = o.id AND o.status <> computed.status
"""


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0006_orders_know_their_status'),
    ]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
