"""What goods cost us, from purchase orders and suppliers' terms: discrepancies and counts are valued by it."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from inventory.valuation import UnitValue

_COSTS = """
SELECT DISTINCT ON (product_id) product_id, unit_cost_minor, currency FROM (
    SELECT l.product_id, l.unit_cost_minor, o.currency, o.ordered_at, 0 AS rank
    FROM inventory_purchaseorderline l JOIN inventory_purchaseorder o ON o.id = l.order_id
    WHERE l.product_id = ANY(%(products)s) AND l.unit_cost_minor IS NOT NULL AND l.received > 0
    UNION ALL
    SELECT t.product_id, t.unit_cost_minor, s.currency, s.created_at, 1
    FROM inventory_supplierterm t JOIN inventory_supplier s ON s.id = t.supplier_id AND s.is_active
    WHERE t.product_id = ANY(%(products)s) AND t.unit_cost_minor IS NOT NULL
) known ORDER BY product_id, rank, ordered_at DESC NULLS LAST
"""


def latest(product_ids: Sequence[int], at: datetime) -> dict[int, UnitValue]:
    """Return what a piece costs us: as it last came on an order, else as a supplier's terms say; unknown ones are missing."""
    with connection.cursor() as cursor:
        cursor.execute(_COSTS, {"products": list(product_ids)})
        return {row[0]: UnitValue(*row[1:]) for row in cursor.fetchall()}
