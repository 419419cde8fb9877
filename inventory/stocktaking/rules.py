"""Which goods are to be counted now: not found when picking, surprises in the books, and each value class in its turn.

What sells for the most money is counted most often. A day is a day of the place, so a clock change moves nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory import counting, valuation
from inventory.counting import CountReason, ValueClass
from inventory.models import CountPolicy
from inventory.stock import Condition
from inventory.stocktaking import value_classes
from inventory.stocktaking.variance import Limits

SURPRISES_OF = timedelta(days=30)  # older ones were lived with
MOST_AT_ONCE = 500

integrity.refuse(
    "count_policy_one_for_the_house",
    lambda: InvalidInput("Somebody else changed these rules just now; load the page again."),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a place. Days between counts per class; what one person may decide alone, in pieces and minor units."""

    a_days: int = 30
    b_days: int = 90
    c_days: int = 180
    items_at_once: int = 30
    approve_above_pieces: int = 5
    approve_above_minor: int = 5000
    opens_at_night: bool = True  # a count of what is due begins by itself

    @property
    def limits(self) -> Limits:
        return Limits(self.approve_above_pieces, self.approve_above_minor)

    def days(self, value_class: ValueClass) -> int:
        """Return after how many days goods of a class are counted again."""
        return {ValueClass.A: self.a_days, ValueClass.B: self.b_days, ValueClass.C: self.c_days}[value_class]


@dataclass(frozen=True, slots=True)
class Due:
    """A product that is to be counted, and why. `days` since its last count, or since it first came here."""

    product_id: int
    reason: CountReason
    value_class: ValueClass
    days: int


_FIELDS = tuple(Policy.__dataclass_fields__)

# What is being counted already is left out. A surprise is a loss that nobody saw happen: pieces booked off as missing, or more
# gone than was there. What was damaged or used in the store was seen.
_CANDIDATES = """
SELECT l.product_id,
       (%(at)s AT TIME ZONE o.time_zone)::date
           - (coalesce(last.counted_at, born.recorded_at) AT TIME ZONE o.time_zone)::date AS days,
       last.counted_at IS NULL AS is_never, coalesce(lost.rejects, 0), coalesce(lost.surprises, 0) + coalesce(odd.many, 0),
       coalesce(sold.pieces, 0)
FROM inventory_stocklevel l
JOIN inventory_location o ON o.id = l.location_id
JOIN commerce_product p ON p.id = l.product_id AND p.kind <> 'charge' AND p.is_active
LEFT JOIN LATERAL (
    SELECT i.counted_at FROM inventory_countitem i
    WHERE i.location_id = l.location_id AND i.product_id = l.product_id AND i.condition = l.condition
      AND i.state IN ('right', 'posted', 'left', 'overtaken') AND i.counted_at IS NOT NULL
    ORDER BY i.counted_at DESC LIMIT 1
) last ON true
LEFT JOIN inventory_stockentry born ON born.level_id = l.id AND born.version = 1
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE e.reason LIKE 'not\\_found%%') AS rejects,
           count(*) FILTER (WHERE e.reason NOT LIKE 'not\\_found%%' AND e.reason NOT IN ('damaged', 'own_use')) AS surprises
    FROM lost e WHERE e.level_id = l.id AND (last.counted_at IS NULL OR e.occurred_at > last.counted_at)
) lost ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS many FROM inventory_discrepancy d
    WHERE d.product_id = l.product_id AND d.location_id = l.location_id AND d.condition = l.condition
      AND d.kind IN ('negative_surprise', 'count_below_promised') AND d.recorded_at > %(surprises_since)s
      AND (last.counted_at IS NULL OR d.recorded_at > last.counted_at) AND d.state = 'open'
) odd ON true
LEFT JOIN LATERAL (
    SELECT sum(d.sold) AS pieces FROM inventory_demandday d
    WHERE d.product_id = l.product_id AND d.location_id = l.location_id AND d.day > %(sold_since)s
) sold ON true
WHERE l.location_id = %(location)s AND l.condition = %(condition)s AND l.version > 0
  AND NOT EXISTS (
      SELECT 1 FROM inventory_countitem i
      WHERE i.location_id = l.location_id AND i.product_id = l.product_id AND i.condition = l.condition
        AND i.state IN ('open', 'review')
  )
"""
_LOST = """
WITH lost AS MATERIALIZED (
    SELECT e.level_id, e.reason, e.occurred_at FROM inventory_stockentry e
    JOIN inventory_stocklevel l ON l.id = e.level_id AND l.location_id = %(location)s
    WHERE e.recorded_at > %(surprises_since)s AND e.kind = 'adjusted' AND e.counterparty = 'shrinkage'
)
"""


def due(
    location_id: int, *, at: datetime, condition: Condition = Condition.SELLABLE, at_most: int | None = None
) -> list[Due]:
    """Return what a place is to count now: what pickers did not find, then surprises, then what is over its days longest.

    A place's value classes are those of last night; before the first night they are worked out here and now.
    Goods that were never counted are due from the day they came by half their days. At most the policy's `items_at_once`.
    """
    rules = policy(location_id)
    parameters = {
        "location": location_id, "condition": condition.value, "at": at, "surprises_since": at - SURPRISES_OF,
        "sold_since": (at - value_classes.TURNOVER_OF).date(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LOST + _CANDIDATES, parameters)
        rows = cursor.fetchall()
    classes = _classes(location_id, {row[0]: int(row[5]) for row in rows}, at=at)
    found: list[tuple[tuple[float, ...], Due]] = []
    for product_id, days, is_never, rejects, surprises, _sold in rows:
        allowed = rules.days(classes[product_id])
        lateness = (days or 0) / (allowed / 2 if is_never else allowed)
        reason = (
            CountReason.NOT_FOUND
            if rejects
            else CountReason.SURPRISE
            if surprises
            else CountReason.DUE
            if lateness >= 1
            else None
        )
        if reason is not None:
            rank = {CountReason.NOT_FOUND: 0, CountReason.SURPRISE: 1, CountReason.DUE: 2}[reason]
            many = -(rejects or surprises) if rank < 2 else 0
            found.append(((rank, many, -lateness, product_id), Due(product_id, reason, classes[product_id], days or 0)))
    return [one for _key, one in sorted(found, key=lambda pair: pair[0])][: at_most or rules.items_at_once]


def _classes(location_id: int, outflow: Mapping[int, int], *, at: datetime) -> Mapping[int, ValueClass]:
    known = value_classes.known(location_id, outflow)
    if known:
        return dict.fromkeys(outflow, ValueClass.C) | known  # what came today made nothing yet
    worth = {one: value.minor for one, value in valuation.of_pieces(outflow, at=at).items()}
    return counting.value_classes(outflow, worth)


def policy(location_id: int | None) -> Policy:
    """Return the rules of a place: its own, else the house's, else the defaults."""
    rows = {
        row.location_id: row
        for row in CountPolicy.objects.filter(location_id=location_id) | CountPolicy.objects.filter(location=None)
    }
    row = rows.get(location_id) or rows.get(None)
    return Policy() if row is None else Policy(**{field: getattr(row, field) for field in _FIELDS})


@transaction_required
def set_policy(location_id: int | None, new: Policy, *, by: Actor, at: datetime) -> None:
    """Set the rules of a place, or of all places without their own. Raises: InvalidInput naming what makes no sense."""
    _check(new)
    before = CountPolicy.objects.select_for_update().filter(location_id=location_id).first()
    values: Mapping[str, Any] = {field: getattr(new, field) for field in _FIELDS}
    CountPolicy.objects.update_or_create(location_id=location_id, defaults={**values, "changed_at": at})
    audit.record(
        "inventory.count_rules.set_policy", "count_policy", location_id or "house", by=by, after=dict(values),
        before=None if before is None else {field: getattr(before, field) for field in _FIELDS},
    )  # fmt: skip


def _check(new: Policy) -> None:
    errors = [
        {"field": field, "value": getattr(new, field), "message": message}
        for field, is_wrong, message in (
            ("a_days", not 1 <= new.a_days <= 3650, "from 1 to 3650 days"),
            ("b_days", not new.a_days <= new.b_days <= 3650, "not more often than class A, and at most 3650 days"),
            ("c_days", not new.b_days <= new.c_days <= 3650, "not more often than class B, and at most 3650 days"),
            ("items_at_once", not 1 <= new.items_at_once <= MOST_AT_ONCE, f"from 1 to {MOST_AT_ONCE}"),
            ("approve_above_pieces", not 0 <= new.approve_above_pieces <= 1_000_000, "from 0 to 1,000,000 pieces"),
            ("approve_above_minor", not 0 <= new.approve_above_minor <= 2_000_000_000, "from 0 to 20,000,000.00"),
        )
        if is_wrong
    ]
    if errors:
        raise InvalidInput(f"{errors[0]['field']}: {errors[0]['message']}.", errors=errors)
