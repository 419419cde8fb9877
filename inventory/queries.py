"""Lists of the inventory room for screens and the API: read only, bounded queries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from inventory.places import locations


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One line of the journal as a person reads it, before → after."""

    id: UUID
    recorded_at: datetime
    occurred_at: datetime
    kind: str
    reason: str
    product_id: int
    location: str
    on_hand_delta: int
    allocated_delta: int
    held_delta: int
    on_hand_after: int
    allocated_after: int
    held_after: int
    cause_type: str
    cause_id: str
    actor_kind: str
    actor_id: str
    version: int


_JOURNAL = """
SELECT e.id, e.recorded_at, e.occurred_at, e.kind, e.reason, l.product_id, l.location_id, e.on_hand_delta, e.allocated_delta,
       e.held_delta, e.on_hand_after, e.allocated_after, e.held_after, e.cause_type, e.cause_id, e.actor_kind, e.actor_id, e.version
FROM inventory_stockentry e JOIN inventory_stocklevel l ON l.id = e.level_id
"""


def journal_of(product_id: int, location_id: int, *, at_most: int = 20) -> list[JournalRow]:
    """Return the newest entries of a product's sellable stock at a location."""
    return _journal(
        " WHERE l.product_id = %s AND l.location_id = %s AND l.condition = 'sellable' ORDER BY e.version DESC LIMIT %s",
        [product_id, location_id, at_most],
    )


def journal_of_causes(cause_type: str, cause_ids: list[str]) -> list[JournalRow]:
    """Return the entries that the given causes wrote (such as order lines), oldest first."""
    return _journal(
        " WHERE e.cause_type = %s AND e.cause_id = ANY(%s) AND e.cause_type <> 'reservation' ORDER BY e.recorded_at, e.version",
        [cause_type, cause_ids],
    )


def _journal(condition: str, parameters: list[Any]) -> list[JournalRow]:
    with connection.cursor() as cursor:
        cursor.execute(_JOURNAL + condition, parameters)
        return [JournalRow(*(*row[:6], locations.by_id(row[6]).code, *row[7:])) for row in cursor.fetchall()]


def levels(
    *, product_ids: list[int] | None = None, location_ids: list[int] | None = None, after: int = 0, at_most: int = 200
) -> list[dict[str, Any]]:
    """Return stock levels of all conditions as primitives, by level id after `after` (keyset paging)."""
    sql = (
        "SELECT l.id, p.sku, l.location_id, l.condition, l.on_hand, l.allocated, l.held, l.backorder_limit, l.version, l.changed_at"
        " FROM inventory_stocklevel l JOIN commerce_product p ON p.id = l.product_id WHERE l.id > %s"
    )
    parameters: list[Any] = [after]
    if product_ids is not None:
        sql, parameters = sql + " AND l.product_id = ANY(%s)", [*parameters, product_ids]
    if location_ids is not None:
        sql, parameters = sql + " AND l.location_id = ANY(%s)", [*parameters, location_ids]
    with connection.cursor() as cursor:
        cursor.execute(sql + " ORDER BY l.id LIMIT %s", [*parameters, at_most])
        names = [
            "id",
            "sku",
            "location",
            "condition",
            "on_hand",
            "allocated",
            "held",
            "backorder_limit",
            "version",
            "changed_at",
        ]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["location"] = locations.by_id(row["location"]).code
    return rows


def products_at(location_id: int, *, at_once: int) -> Iterator[list[int]]:
    """Return the products that have sellable stock at a location, on the books or promised, in portions."""
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT product_id FROM inventory_stocklevel WHERE location_id = %s AND condition = 'sellable'"
                " AND product_id > %s ORDER BY product_id LIMIT %s",
                [location_id, after, at_once],
            )
            product_ids = [row[0] for row in cursor.fetchall()]
        if not product_ids:
            return
        yield product_ids
        after = product_ids[-1]


def products_shared(
    product_ids: list[int], category: str, location_ids: list[int] | None, *, at_once: int
) -> Iterator[list[int]]:
    """Return the products that a change of sharing is about, in portions: the named ones; else those with sellable stock
    (on the books or promised) of the category, at the places."""
    if product_ids:
        for start in range(0, len(product_ids), at_once):
            yield product_ids[start : start + at_once]
        return
    sql = "SELECT DISTINCT l.product_id FROM inventory_stocklevel l"
    conditions, parameters = ["l.condition = 'sellable'", "l.product_id > %s"], []
    if category:
        sql += " JOIN commerce_product p ON p.id = l.product_id"
        conditions.append("p.category = %s")
        parameters.append(category)
    if location_ids is not None:
        conditions.append("l.location_id = ANY(%s::bigint[])")
        parameters.append("{" + ",".join(map(str, location_ids)) + "}")
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"{sql} WHERE {' AND '.join(conditions)} ORDER BY l.product_id LIMIT %s", [after, *parameters, at_once]
            )
            found = [row[0] for row in cursor.fetchall()]
        if not found:
            return
        yield found
        after = found[-1]


def gained_since(wanted: Iterable[tuple[int, int, datetime]]) -> set[tuple[int, int]]:
    """Return of (product, location, instant) which sellable levels got goods in after the instant: new evidence of stock."""
    rows = list(wanted)
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT w.product_id, w.location_id
               FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS w (product_id, location_id, since)
               JOIN inventory_stocklevel l USING (product_id, location_id)
               WHERE l.condition = 'sellable' AND l.changed_at > w.since AND EXISTS (
                   SELECT 1 FROM inventory_stockentry e
                   WHERE e.level_id = l.id AND e.on_hand_delta > 0 AND e.recorded_at > w.since)""",
            [[row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]],
        )
        return {(product_id, location_id) for product_id, location_id in cursor.fetchall()}
