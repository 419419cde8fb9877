"""How much of what is sold comes back, by category and channel, from our own returns; nothing where too little was delivered.

Goods that often come back are better sent from a place that takes returns. A figure from a handful of parcels would send orders
astray, so a category with fewer than LEAST_DELIVERED units delivered through a channel has no risk: there is not enough data.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from django.db import connection

from orders.lifecycle import DELIVERED
from orders.return_states import ReturnState

LOOKED_BACK = timedelta(days=365)
LEAST_DELIVERED = 50
FRESH_FOR_SECONDS = 600.0  # returns of a year don't change within minutes

_NOT_BACK = (ReturnState.REFUSED.value, ReturnState.CANCELLED.value)
# Units as they were ordered: kits count whole, by the category of the kit.
_RISKS = """
WITH delivered AS (
    SELECT o.channel_id, product.category, line.id AS order_line_id, line.quantity - line.cancelled AS units
    FROM orders_orderline line
    JOIN orders_order o ON o.id = line.order_id AND o.placed_at >= %(since)s
    JOIN commerce_product product ON product.id = line.product_id
    WHERE line.quantity > line.cancelled AND EXISTS (
        SELECT FROM orders_fulfilmentline owed JOIN orders_fulfilment f ON f.id = owed.fulfilment_id
        WHERE owed.order_line_id = line.id AND f.state = ANY(%(delivered)s))
), back AS (
    SELECT line.order_line_id, sum(line.quantity - line.missing) AS units
    FROM orders_returnline line JOIN orders_return r ON r.id = line.of_return_id
    WHERE NOT line.is_void AND NOT r.state = ANY(%(not_back)s) GROUP BY line.order_line_id
)
SELECT d.channel_id, d.category, sum(d.units)::bigint, coalesce(sum(least(b.units, d.units)), 0)::bigint
FROM delivered d LEFT JOIN back b ON b.order_line_id = d.order_line_id GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Risk:
    """Of a category in a channel: how many units were delivered, and how many of them came back."""

    delivered: int
    returned: int

    @property
    def permille(self) -> int | None:
        """How many of a thousand come back; None when too few were delivered to say."""
        return self.returned * 1_000 // self.delivered if self.delivered >= LEAST_DELIVERED else None


NO_DATA = Risk(0, 0)
_lock = Lock()
_cached: tuple[float, Mapping[tuple[int, str], Risk] | None] = (0.0, None)


def of(channel_id: int, category: str, *, at: datetime) -> Risk:
    """Return what is known of a category in a channel, some minutes old at most."""
    global _cached
    read_at, found = _cached
    if found is None or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        with _lock:
            found = _read(at=at)
            _cached = (time.monotonic(), found)
    return found.get((channel_id, category), NO_DATA)


def forget() -> None:
    """Drop this process's copy."""
    global _cached
    _cached = (0.0, None)


def _read(*, at: datetime) -> dict[tuple[int, str], Risk]:
    with connection.cursor() as cursor:
        cursor.execute(
            _RISKS,
            {
                "since": at - LOOKED_BACK,
                "delivered": [state.value for state in DELIVERED],
                "not_back": list(_NOT_BACK),
            },
        )
        return {(channel, category): Risk(units, back) for channel, category, units, back in cursor.fetchall()}
