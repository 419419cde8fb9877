"""How long suppliers really take: learned from what was ordered here and received against it in the journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

LEARNED_FROM = timedelta(days=365)
LEAST_DELIVERIES = 5  # before experience counts more than what the rule says

# The first receipt that names the purchase order as its cause ends the wait that began when it was ordered.
_TAKEN = """
SELECT supplier_code, location_id, count(*), avg(days), coalesce(stddev_samp(days), 0)
FROM (
    SELECT p.supplier_code, p.location_id, extract(epoch FROM min(e.occurred_at) - min(p.decided_at)) / 86400 AS days
    FROM inventory_replenishmentproposal p
    JOIN inventory_stockentry e ON e.cause_type = 'purchase_order' AND e.cause_id = p.order_reference
                               AND e.kind = 'received' AND e.occurred_at >= p.decided_at
    JOIN inventory_stocklevel l ON l.id = e.level_id AND l.product_id = p.product_id AND l.location_id = p.location_id
    WHERE p.kind = 'purchase' AND p.state = 'ordered' AND p.supplier_code <> '' AND p.decided_at >= %s
    GROUP BY p.supplier_code, p.location_id, p.order_reference
) deliveries
GROUP BY supplier_code, location_id HAVING count(*) >= %s
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
