"""How long suppliers really take: learned from orders of the last year and what was received against them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

LEARNED_FROM = timedelta(days=365)  # older deliveries say little about today's
LEAST_DELIVERIES = 5  # before experience counts more than what a rule says

# A line counts when all that was ordered has come, or the order was closed short after some had: from the order to the last
# of its pieces. What came before it was ordered says nothing and is left out.
_TAKEN = """
FROM inventory_purchaseorder o
JOIN inventory_supplier s ON s.id = o.supplier_id
JOIN inventory_purchaseorderline l ON l.order_id = o.id
CROSS JOIN LATERAL (SELECT extract(epoch FROM l.received_at - o.ordered_at) / 86400 AS days) day
WHERE o.ordered_at >= %s AND o.ordered_at <= l.received_at AND l.quantity > 0
  AND (l.received >= l.quantity OR o.state = 'closed_short')
"""
_FIGURES = "avg(day.days)::float, coalesce(stddev_samp(day.days), 0)::float, count(*)"


@dataclass(frozen=True, slots=True)
class LeadTime:
    """What deliveries took, in days: the mean, the sample's standard deviation (0.0 below two), and of how many lines."""

    days: float
    deviation_days: float
    deliveries: int


def of_suppliers(
    supplier_ids: Iterable[int], *, at: datetime, product_id: int | None = None, location_id: int | None = None
) -> dict[int, LeadTime]:
    """Return what deliveries say about each supplier, of one product or to one place if asked; those without any are missing."""
    narrower, parameters = " AND o.supplier_id = ANY(%s)", [at - LEARNED_FROM, list(supplier_ids)]
    if product_id is not None:
        narrower, parameters = narrower + " AND l.product_id = %s", [*parameters, product_id]
    if location_id is not None:
        narrower, parameters = narrower + " AND o.location_id = %s", [*parameters, location_id]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT o.supplier_id, {_FIGURES} {_TAKEN} {narrower} GROUP BY o.supplier_id", parameters)
        return {row[0]: LeadTime(*row[1:]) for row in cursor.fetchall()}


def learned(*, at: datetime) -> Mapping[tuple[str, int], LeadTime]:
    """Return lead times by (supplier code, location id) where at least LEAST_DELIVERIES lines came."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.code, o.location_id, {_FIGURES} {_TAKEN} GROUP BY s.code, o.location_id HAVING count(*) >= %s",
            [at - LEARNED_FROM, LEAST_DELIVERIES],
        )
        return {(supplier, location_id): LeadTime(*figures) for supplier, location_id, *figures in cursor.fetchall()}
