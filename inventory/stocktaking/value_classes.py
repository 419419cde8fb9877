"""Value classes of goods: every night each place's products are ranked by the turnover that they made with customers.

What makes the first four fifths is A, what comes to 95 % is B, the rest C; rules of counting go by it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from commerce.transactions import transaction, transaction_required
from inventory import valuation
from inventory.counting import ValueClass, value_classes
from inventory.models import ValueClassing
from inventory.places import locations

TURNOVER_OF = timedelta(days=90)  # long enough for slow movers, short enough to forget last season

_OUTFLOW = """
SELECT l.product_id, coalesce(sum(sold.pieces), 0)::bigint
FROM inventory_stocklevel l
JOIN commerce_product p ON p.id = l.product_id AND p.kind <> 'charge' AND p.is_active
LEFT JOIN LATERAL (
    SELECT sum(d.sold) AS pieces FROM inventory_demandday d
    WHERE d.product_id = l.product_id AND d.location_id = l.location_id AND d.day > %(since)s
) sold ON true
WHERE l.location_id = %(location)s AND l.condition = 'sellable' AND l.version > 0
GROUP BY l.product_id
"""
_SUMMARY = """
SELECT value_class, count(*), coalesce(sum(value_minor), 0)::bigint, max(made_at) FROM inventory_valueclassing
WHERE %(location)s::bigint IS NULL OR location_id = %(location)s GROUP BY value_class ORDER BY value_class
"""


@dataclass(frozen=True, slots=True)
class Share:
    """How many products of a place are in a class, and what share of its turnover they make, in percent."""

    value_class: ValueClass
    products: int
    percent: float
    made_at: datetime


def classify_all(*, at: datetime) -> int:
    """Rank the goods of every active place anew, one place per transaction; return how many were ranked.

    Safe to run twice and at the same time: the second writes the same.
    """
    ranked = 0
    for place in locations.active():
        with transaction():
            ranked += classify(place.id, at=at)
    return ranked


@transaction_required
def classify(location_id: int, *, at: datetime) -> int:
    """Rank the goods of a place by their turnover of the last quarter; what it has no more is forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTFLOW, {"location": location_id, "since": (at - TURNOVER_OF).date()})
        outflow = {product_id: int(pieces) for product_id, pieces in cursor.fetchall()}
    worth = valuation.of_pieces(outflow, at=at)
    classes = value_classes(outflow, {one: value.minor for one, value in worth.items()})
    ValueClassing.objects.bulk_create(
        [
            ValueClassing(
                location_id=location_id, product_id=product_id, value_class=classes[product_id].value,
                pieces=outflow[product_id], made_at=at,
                value_minor=worth[product_id].minor * outflow[product_id] if product_id in worth else None,
                currency=worth[product_id].currency if product_id in worth else "",
            )
            for product_id in sorted(outflow)
        ],
        update_conflicts=True,
        unique_fields=["location", "product"],
        update_fields=["value_class", "pieces", "value_minor", "currency", "made_at"],
        batch_size=1_000,
    )  # fmt: skip
    ValueClassing.objects.filter(location_id=location_id).exclude(product_id__in=list(outflow)).delete()
    return len(outflow)


def known(location_id: int, product_ids: Iterable[int]) -> dict[int, ValueClass]:
    """Return the classes of last night; products that were not here then are missing."""
    rows = ValueClassing.objects.filter(location_id=location_id, product_id__in=list(product_ids))
    return {product_id: ValueClass(one) for product_id, one in rows.values_list("product_id", "value_class")}


def shares(location_id: int | None) -> list[Share]:
    """Return how the goods of a place, or of all places, spread over the classes; none before the first night."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMMARY, {"location": location_id})
        rows = cursor.fetchall()
    whole = sum(row[2] for row in rows)
    return [
        Share(ValueClass(one), products, round(100 * value / whole, 1) if whole else 0.0, made_at)
        for one, products, value, made_at in rows
    ]
