"""What our books know that may explain why a source's figures differ: read for all its differences at once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from commerce import catalog
from inventory import incoming
from inventory.reconciling import LOOK_BACK, PACE_DAYS, Difference

MOST_EXPLAINED = 500  # differences of one statement; the largest are explained, the rest only listed
LOSSES_WITHIN = timedelta(days=180)

# Entries of the pace's days, found through the index of versions: a level's whole past is never read.
_MOVED = """
SELECT l.product_id,
       coalesce(sum(e.on_hand_delta) FILTER (WHERE e.on_hand_delta > 0 AND e.recorded_at > %(recent)s
                                             AND e.kind IN ('received', 'moved_in', 'returned')), 0),
       coalesce(sum(-e.on_hand_delta) FILTER (WHERE e.on_hand_delta < 0 AND e.recorded_at > %(recent)s
                                              AND e.kind IN ('handed_over', 'shipped', 'moved_out')), 0),
       coalesce(sum(-e.on_hand_delta) FILTER (WHERE e.counterparty = 'customer' AND e.on_hand_delta < 0), 0),
       max(e.occurred_at) FILTER (WHERE e.counterparty = 'customer' AND e.on_hand_delta < 0)
FROM inventory_stocklevel l
CROSS JOIN LATERAL inventory_level_at(l.id, l.version, %(since)s) AS was
JOIN inventory_stockentry e ON e.level_id = l.id AND e.version > was.version AND e.occurred_at <= %(as_of)s
WHERE l.location_id = %(location)s AND l.condition = %(condition)s AND l.product_id = ANY(%(products)s)
GROUP BY l.product_id
"""
_PACKS = """
SELECT product_id, array_agg(DISTINCT pieces::bigint ORDER BY pieces::bigint) FROM commerce_productgtin
WHERE product_id = ANY(%(products)s) AND pieces > 1 GROUP BY product_id
"""
_LOSSES = """
SELECT product_id, count(*) FROM inventory_discrepancy
WHERE product_id = ANY(%(products)s) AND location_id = %(location)s AND found < expected AND state = 'repaired'
  AND recorded_at > %(losses_since)s AND recorded_at <= %(as_of)s
GROUP BY product_id
"""


def gathered(
    figures: Sequence[tuple[int, int, int]],
    *,
    location_id: int | None,
    condition: str,
    as_of: datetime,
    told_at: dict[int, datetime] | None = None,
) -> list[Difference]:
    """Return differences of one statement, (product id, ours, theirs) each, with the facts that may explain them.

    In the order given; of more than MOST_EXPLAINED only the largest have facts. `told_at` says when a channel was last told.
    """
    refs = catalog.products_by_id({product_id for product_id, _, _ in figures})
    plain = [
        Difference(
            product_id, refs[product_id].sku, refs[product_id].category, ours, theirs,
            minutes_since_told=(as_of - told_at[product_id]).total_seconds() / 60
            if told_at and product_id in told_at else None,
        )
        for product_id, ours, theirs in figures
    ]  # fmt: skip
    largest = sorted(plain, key=lambda one: -abs(one.delta))[:MOST_EXPLAINED]
    known = _facts([one.product_id for one in largest], location_id, condition, as_of)
    return [replace(one, **known.get(one.product_id, {})) for one in plain]


def _facts(
    product_ids: list[int], location_id: int | None, condition: str, as_of: datetime
) -> dict[int, dict[str, Any]]:
    facts: dict[int, dict[str, Any]] = {product_id: {} for product_id in product_ids}
    if not product_ids:
        return facts
    parameters = {
        "products": product_ids, "location": location_id, "condition": condition, "as_of": as_of,
        "recent": as_of - LOOK_BACK, "since": as_of - timedelta(days=PACE_DAYS), "losses_since": as_of - LOSSES_WITHIN,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_PACKS, parameters)
        for product_id, packs in cursor.fetchall():
            facts[product_id]["packs"] = tuple(packs)
        if location_id is None:
            return facts
        cursor.execute(_MOVED, parameters)
        for product_id, arrived, left, sold, last_sold_at in cursor.fetchall():
            facts[product_id] |= {"arrived": int(arrived), "left": int(left), "sold_a_day": float(sold) / PACE_DAYS}
            if last_sold_at is not None:
                facts[product_id]["hours_unreported"] = (as_of - last_sold_at).total_seconds() / 3600
        cursor.execute(_LOSSES, parameters)
        for product_id, times in cursor.fetchall():
            facts[product_id]["losses"] = times
    tomorrow = (as_of + timedelta(days=1)).date()  # what is due by then may be here by now
    for one in incoming.expected(product_ids, location_ids=[location_id], until=tomorrow):
        facts[one.product_id]["on_the_way"] = facts[one.product_id].get("on_the_way", 0) + one.quantity
    return facts
