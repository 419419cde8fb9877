"""Lists of supply for screens and the API: orders by place and state, what is expected when. Read only, bounded."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from inventory.models import PurchaseOrder, PurchaseOrderLine
from inventory.purchasing import COMING, PurchaseOrderState

MOST_LISTED = 200
DAYS_AHEAD = 14  # of deliveries that a store prepares for


@dataclass(frozen=True, slots=True)
class ExpectedDelivery:
    """An order on its way to a place: pieces and products still to come, and the day the first of them is expected on."""

    id: UUID
    number: str
    supplier: str
    reference: str
    state: str
    expected_on: date
    pieces: int
    received: int
    products: int


_DELIVERIES = """
SELECT o.id, o.number, s.name, o.reference, o.state, min(l.expected_on) FILTER (WHERE l.received < l.quantity),
       sum(greatest(l.quantity - l.received, 0))::bigint, sum(l.received)::bigint,
       count(DISTINCT l.product_id) FILTER (WHERE l.received < l.quantity)
FROM inventory_purchaseorder o
JOIN inventory_supplier s ON s.id = o.supplier_id
JOIN inventory_purchaseorderline l ON l.order_id = o.id
WHERE o.location_id = %s AND o.state IN ('ordered', 'partly_received')
GROUP BY o.id, s.name
HAVING min(l.expected_on) FILTER (WHERE l.received < l.quantity) <= %s
ORDER BY 6, o.number LIMIT %s
"""
_DUE = """
SELECT count(DISTINCT o.id) FROM inventory_purchaseorder o JOIN inventory_purchaseorderline l ON l.order_id = o.id
WHERE o.location_id = %s AND o.state IN ('ordered', 'partly_received') AND l.received < l.quantity AND l.expected_on <= %s
"""
_HAVING = """
SELECT o.id FROM inventory_purchaseorder o JOIN inventory_purchaseorderline l ON l.order_id = o.id
WHERE o.location_id = %s AND o.state IN ('ordered', 'partly_received') AND l.product_id = %s AND l.received < l.quantity
ORDER BY l.expected_on, o.number LIMIT %s
"""


def deliveries(location_id: int, *, today: date, days: int = DAYS_AHEAD) -> list[ExpectedDelivery]:
    """Return what is expected at a place by `today` + `days`, late ones first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERIES, [location_id, today + timedelta(days=days), MOST_LISTED])
        return [ExpectedDelivery(*row) for row in cursor.fetchall()]


def due(location_id: int, *, today: date) -> int:
    """Return how many deliveries a place expects today or is waiting for."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [location_id, today])
        found: int = cursor.fetchone()[0]
    return found


def bringing(product_id: int, location_id: int, *, at_most: int = 5) -> list[UUID]:
    """Return the orders that still bring a product to a place, the next first."""
    with connection.cursor() as cursor:
        cursor.execute(_HAVING, [location_id, product_id, at_most])
        return [row[0] for row in cursor.fetchall()]


def orders(
    *,
    states: Iterable[PurchaseOrderState] | None = None,
    location_ids: Iterable[int] | None = None,
    supplier_id: int | None = None,
    reference: str = "",
) -> QuerySet[PurchaseOrder]:
    """Return orders with supplier and place, to be paged by whoever asks."""
    rows = PurchaseOrder.objects.select_related("supplier", "location")
    if states is not None:
        rows = rows.filter(state__in=[state.value for state in states])
    if location_ids is not None:
        rows = rows.filter(location_id__in=list(location_ids))
    if supplier_id is not None:
        rows = rows.filter(supplier_id=supplier_id)
    return rows.filter(reference=reference) if reference else rows


def lines_of(found: Sequence[PurchaseOrder]) -> dict[UUID, list[PurchaseOrderLine]]:
    """Return the lines of orders with their products, in one query."""
    lines: dict[UUID, list[PurchaseOrderLine]] = {row.pk: [] for row in found}
    rows = PurchaseOrderLine.objects.filter(order_id__in=list(lines)).select_related("product")
    for line in rows.order_by("order_id", "number"):
        lines[line.order_id].append(line)
    return lines


def counts(location_ids: Iterable[int]) -> Counter[str]:
    """Return how many orders that are not over are in each state at the places."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM inventory_purchaseorder WHERE location_id = ANY(%s) AND closed_at IS NULL GROUP BY state",
            [list(location_ids)],
        )
        return Counter(dict(cursor.fetchall()))


def is_coming(row: PurchaseOrder) -> bool:
    """Say whether goods of an order are on their way."""
    return PurchaseOrderState(row.state) in COMING
