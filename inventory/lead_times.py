"""How long suppliers really take to a place: learned from orders of the last year and what was received against them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

LEARNED_FROM = timedelta(days=365)
LEAST_DELIVERIES = 5  # before experience counts more than what the rule says

# From the order to the last piece of a line that came as ordered, as `suppliers.lead_times` says it, by place.
_TAKEN = """
SELECT s.code, o.location_id, count(*), avg(day.days), coalesce(stddev_samp(day.days), 0)
FROM inventory_purchaseorder o
JOIN inventory_supplier s ON s.id = o.supplier_id
JOIN inventory_purchaseorderline l ON l.order_id = o.id
CROSS JOIN LATERAL (SELECT extract(epoch FROM l.received_at - o.ordered_at) / 86400 AS days) day
WHERE o.ordered_at >= %s AND o.ordered_at <= l.received_at AND l.quantity > 0
  AND (l.received >= l.quantity OR o.state = 'closed_short')
GROUP BY s.code, o.location_id HAVING count(*) >= %s
"""


@dataclass(frozen=True, slots=True)
class LeadTime:
    """What deliveries of a supplier to a place took, in days: the mean, the standard deviation, and of how many."""

    days: float
    deviation_days: float
    deliveries: int


def learned(*, at: datetime) -> Mapping[tuple[str, int], LeadTime]:
    """Return lead times by (supplier code, location id) where enough orders of the last year were received."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, [at - LEARNED_FROM, LEAST_DELIVERIES])
        return {
            (supplier, location_id): LeadTime(float(days), float(deviation), int(deliveries))
            for supplier, location_id, deliveries, days, deviation in cursor.fetchall()
        }
