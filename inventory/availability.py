"""Availability: the one function that says what may be promised, and from what the number is made."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from commerce import catalog
from inventory import ledger, locations
from inventory.errors import InsufficientStock

ALTERNATIVES_FRESH_FOR_SECONDS = 1.0  # under a rush of refusals, one look around a second is enough
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Figure:
    """What is at one place of one product, in pieces, read from the ledger at the moment of the question.

    available = on_hand − allocated − held; `held` leaves out holds whose time is over (law 5). Never negative (law 14).
    """

    product_id: int
    location_id: int
    on_hand: int
    allocated: int
    held: int
    available: int
    changed_at: datetime
    version: int


_FIGURES = """
SELECT l.product_id, l.location_id, l.on_hand, l.allocated, l.held,
       CASE WHEN l.held > 0 THEN (
           SELECT coalesce(sum(h.quantity), 0)::bigint FROM inventory_hold h
           WHERE h.level_id = l.id AND h.state = 'active' AND h.expires_at <= %s) ELSE 0 END,
       l.changed_at, l.version
FROM inventory_stocklevel l
WHERE l.product_id = ANY(%s::bigint[]) AND l.condition = 'sellable'
"""


def figures(product_ids: Iterable[int], *, location_ids: Iterable[int] | None = None, at: datetime) -> list[Figure]:
    """Return the figures of all levels of the products, at all or the given locations, in one query.

    A product that was never at a location has no figure there: it is 0.
    """
    sql, parameters = _FIGURES, [at, ledger.numbers(product_ids)]
    if location_ids is not None:
        sql += " AND l.location_id = ANY(%s::bigint[])"
        parameters.append(ledger.numbers(location_ids))
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [
            Figure(
                product, location, on_hand, allocated, held - expired, max(on_hand - allocated - held + expired, 0),
                changed_at, version,
            )
            for product, location, on_hand, allocated, held, expired, changed_at, version in cursor.fetchall()
        ]  # fmt: skip


_alternatives: dict[tuple[int, int, int, int], tuple[float, list[dict[str, Any]]]] = {}


def alternatives(product_id: int, quantity: int, *, near: int, at: datetime, at_most: int = 3) -> list[dict[str, Any]]:
    """Return the nearest other places that have `quantity` pieces of the product free, as primitives for a refusal."""
    remembered = (product_id, quantity, near, at_most)
    read_at, found = _alternatives.get(remembered, (0.0, []))
    if time.monotonic() - read_at < ALTERNATIVES_FRESH_FOR_SECONDS:
        return found
    here = locations.by_id(near)
    others = {place.id: place for place in locations.serving(here.country) if place.id != near}
    able = [
        figure
        for figure in figures([product_id], at=at)
        if figure.location_id in others and figure.available >= quantity
    ]

    def distance(figure: Figure) -> float:
        place = others[figure.location_id]
        if here.latitude is None or here.longitude is None:
            return float("inf")
        there = place.distance_to(here.latitude, here.longitude)
        return float("inf") if there is None else there

    found = [
        {
            "location": others[figure.location_id].code,
            "name": others[figure.location_id].name,
            "distance_km": None if distance(figure) == float("inf") else round(distance(figure), 1),
            "available": figure.available,
        }
        for figure in sorted(able, key=lambda figure: (distance(figure), others[figure.location_id].code))[:at_most]
    ]
    if len(_alternatives) > MOST_REMEMBERED:
        _alternatives.clear()
    _alternatives[remembered] = (time.monotonic(), found)
    return found


def forget() -> None:
    """Drop what this process remembers of places that could serve instead."""
    _alternatives.clear()


def explained(refusal: InsufficientStock, *, at: datetime) -> InsufficientStock:
    """Return the refusal with names instead of ids: SKU, location code, and for each short line where else there is some."""
    short: Sequence[dict[str, Any]] = refusal.detail["lines"]
    products = catalog.products_by_id({line["product_id"] for line in short})
    lines, elsewhere, errors = [], [], []
    for line in short:
        product, place = products[line["product_id"]], locations.by_id(line["location_id"])
        lines.append(
            {
                "sku": product.sku, "name": product.name, "location": place.code,
                "wanted": line["wanted"], "available": line["available"],
            }
        )  # fmt: skip
        errors.append(
            {
                "field": "lines", "value": product.sku,
                "message": f"{line['wanted']} wanted, {line['available']} available at {place.code}",
            }
        )  # fmt: skip
        elsewhere += [
            {"sku": product.sku, **found}
            for found in alternatives(line["product_id"], line["wanted"], near=line["location_id"], at=at)
        ]
    first = lines[0]
    sentence = (
        f"Only {first['available']} of {first['sku']} ({first['name']}) are available at {first['location']}, "
        f"{first['wanted']} were wanted."
    )
    if elsewhere:
        sentence += f" {elsewhere[0]['name']} has {elsewhere[0]['available']}."
    return InsufficientStock(sentence, errors=errors, lines=lines, alternatives=elsewhere)
