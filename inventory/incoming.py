"""What is on its way: one answer over open purchase orders, expected deliveries and transfers that were sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from commerce import outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.events import IncomingChanged

PURCHASE_ORDER, TRANSFER = "purchase_order", "transfer"

Days = Mapping[date, int]  # pieces still to come, by the day they are expected on


@dataclass(frozen=True, slots=True)
class Incoming:
    """Pieces of a product that are still to come to a place. `expected_on` may lie in the past: late, but not given up.

    `reference` is the id of the purchase order or transfer.
    """

    product_id: int
    location_id: int
    expected_on: date
    quantity: int
    source: str
    reference: str


_EXPECTED = """
SELECT l.product_id, o.location_id, l.expected_on, (l.quantity - l.received)::bigint, 'purchase_order', o.id::text
FROM inventory_purchaseorderline l JOIN inventory_purchaseorder o ON o.id = l.order_id
WHERE l.product_id = ANY(%(products)s::bigint[]) AND l.received < l.quantity AND o.state IN ('ordered', 'partly_received')
  AND (%(places)s::bigint[] IS NULL OR o.location_id = ANY(%(places)s::bigint[]))
  AND (%(until)s::date IS NULL OR l.expected_on <= %(until)s)
UNION ALL
SELECT l.product_id, t.destination_id, t.expected_on, l.quantity - l.received - l.lost - l.returned, 'transfer', t.id::text
FROM inventory_transferline l JOIN inventory_transfer t ON t.id = l.transfer_id
WHERE l.product_id = ANY(%(products)s::bigint[]) AND l.received + l.lost + l.returned < l.quantity
  AND t.state IN ('sent', 'partly_received')
  AND (%(places)s::bigint[] IS NULL OR t.destination_id = ANY(%(places)s::bigint[]))
  AND (%(until)s::date IS NULL OR t.expected_on <= %(until)s)
ORDER BY 1, 2, 3, 5, 6
"""


def expected(
    product_ids: Iterable[int], *, location_ids: Iterable[int] | None = None, until: date | None = None
) -> list[Incoming]:
    """Return what is still to come of the products, to all or the given places, expected up to and with `until`; one query.

    In order of product, place and day. What is merely drafted or approved is not on its way.
    """
    parameters = {
        "products": ledger.numbers(product_ids),
        "places": None if location_ids is None else ledger.numbers(location_ids),
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_EXPECTED, parameters)
        return [Incoming(*row) for row in cursor.fetchall()]


@transaction_required
def tell(
    source: str,
    reference: object,
    location_id: int,
    *,
    before: Mapping[int, Days],
    after: Mapping[int, Days],
    version: int,
    by: Actor,
    at: datetime,
) -> int:
    """Tell for each product (id → pieces by day) of a purchase order or transfer what differs; return how many do.

    `version` grows with every change of that order or transfer.
    """
    changed = sorted(product for product in {*before, *after} if before.get(product, {}) != after.get(product, {}))
    outbox.publish(
        [
            IncomingChanged(
                aggregate_sequence=version, occurred_at=at, product_id=product, location_id=location_id, source=source,
                reference=str(reference), before=_told(before.get(product, {})), after=_told(after.get(product, {})),
            )
            for product in changed
        ],
        by=by,
    )  # fmt: skip
    return len(changed)


def _told(days: Days) -> dict[str, int]:
    return {day.isoformat(): pieces for day, pieces in sorted(days.items())}


_PRODUCTS = """
SELECT l.product_id FROM inventory_purchaseorderline l JOIN inventory_purchaseorder o ON o.id = l.order_id
WHERE l.received < l.quantity AND o.state IN ('ordered', 'partly_received')
UNION
SELECT l.product_id FROM inventory_transferline l JOIN inventory_transfer t ON t.id = l.transfer_id
WHERE l.received + l.lost + l.returned < l.quantity AND t.state IN ('sent', 'partly_received')
"""


def products() -> frozenset[int]:
    """Return all products of which anything is still to come."""
    with connection.cursor() as cursor:
        cursor.execute(_PRODUCTS)
        return frozenset(row[0] for row in cursor.fetchall())
