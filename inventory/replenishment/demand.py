"""Demand as the journal tells it: what customers took, day by day, counted once per entry and kept up to date.

Counting is incremental: versions of a level have no gap, so the version counted last says exactly what is new. A day is a day
of the place. Demand is what went to customers (shipped, handed over); a movement between our own places is none.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection

from commerce import locks
from commerce.transactions import transaction, transaction_required
from inventory import ledger
from inventory.replenishment.series import Day

LEVELS_AT_ONCE = 2_000
SERIES_AT_ONCE = 500

# What a correction takes back belongs to the day of what it corrects. Entries that only hold or promise move nothing.
_COUNT = """
WITH behind AS MATERIALIZED (
    SELECT l.id, l.product_id, l.location_id, l.version, coalesce(m.version, 0) AS counted, p.time_zone
    FROM inventory_stocklevel l
    JOIN inventory_location p ON p.id = l.location_id
    LEFT JOIN inventory_demandmark m ON m.level_id = l.id
    WHERE l.condition = 'sellable' AND l.version > coalesce(m.version, 0) AND l.id > %(after)s
    ORDER BY l.id LIMIT %(at_most)s
), moved AS (
    SELECT b.product_id, b.location_id,
           (coalesce(o.occurred_at, e.occurred_at) AT TIME ZONE b.time_zone)::date AS day,
           sum(-e.on_hand_delta) FILTER (WHERE e.counterparty = 'customer' AND e.kind <> 'returned'
                                           AND coalesce(o.kind, '') <> 'returned') AS sold,
           sum(e.on_hand_delta) FILTER (WHERE e.counterparty = 'customer'
                                          AND (e.kind = 'returned' OR o.kind = 'returned')) AS returned,
           sum(e.on_hand_delta) FILTER (WHERE e.on_hand_delta > 0) AS came_in,
           sum(e.on_hand_delta) AS delta
    FROM behind b
    JOIN inventory_stockentry e ON e.level_id = b.id AND e.version > b.counted AND e.version <= b.version
    LEFT JOIN inventory_stockentry o ON o.id = e.corrects
    WHERE e.on_hand_delta <> 0
    GROUP BY 1, 2, 3
), marked AS (
    INSERT INTO inventory_demandmark (level_id, version) SELECT id, version FROM behind
    ON CONFLICT (level_id) DO UPDATE SET version = excluded.version
), written AS (
    INSERT INTO inventory_demandday AS d (product_id, location_id, day, sold, returned, came_in, delta)
    SELECT product_id, location_id, day, coalesce(sold, 0), coalesce(returned, 0), coalesce(came_in, 0), delta FROM moved
    ON CONFLICT ON CONSTRAINT demand_day_once DO UPDATE
    SET sold = d.sold + excluded.sold, returned = d.returned + excluded.returned, came_in = d.came_in + excluded.came_in,
        delta = d.delta + excluded.delta
)
SELECT count(*), max(id) FROM behind
"""

_HOW_MANY_BEHIND = """
SELECT count(*) FROM inventory_stocklevel l LEFT JOIN inventory_demandmark m ON m.level_id = l.id
WHERE l.condition = 'sellable' AND l.version > coalesce(m.version, 0)
"""

# Whatever was before `first` is one row, dated the day before: what it left on hand.
_DAYS = """
SELECT d.product_id, d.location_id, greatest(d.day, %s::date - 1) AS day,
       sum(d.sold), sum(d.returned), sum(d.came_in), sum(d.delta)
FROM inventory_demandday d
JOIN unnest(%s::bigint[], %s::bigint[]) AS wanted (product_id, location_id) USING (product_id, location_id)
WHERE d.day <= %s
GROUP BY 1, 2, 3
"""

_GOODS = """
SELECT l.id, l.product_id, l.location_id, p.category
FROM inventory_stocklevel l
JOIN commerce_product p ON p.id = l.product_id AND p.is_active
JOIN inventory_location o ON o.id = l.location_id AND o.is_active
WHERE l.condition = 'sellable' AND l.version > 0 AND l.id > %s
  AND (%s::bigint[] IS NULL OR l.product_id = ANY(%s::bigint[])) ORDER BY l.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Good:
    """A product at a location."""

    product_id: int
    location_id: int
    category: str


@dataclass(frozen=True, slots=True)
class History:
    """The days of a good since a first one, and what was on hand before them."""

    good: Good
    opening: int
    days: dict[date, Day]


@transaction_required
def count(*, after: int = 0, at_most: int = LEVELS_AT_ONCE) -> tuple[int, int]:
    """Count what is new of the next levels; return how many and the last one's id (0: none left).

    Safe at the same time and again: only one counts, and an entry counts once. Who comes second does nothing.
    """
    if not locks.try_hold(locks.Purpose.BEAT_TASK, "inventory.demand"):
        return 0, 0
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"after": after, "at_most": at_most})
        levels, last = cursor.fetchone()
    return int(levels), int(last or 0)


def count_all() -> Iterator[int]:
    """Count everything that is new, in portions of one short transaction each; yield how many levels each had."""
    after = 0
    while True:
        with transaction():
            levels, after = count(after=after)
        if not levels:
            return
        yield levels


def behind() -> int:
    """Return how many levels have entries that were not counted."""
    with connection.cursor() as cursor:
        cursor.execute(_HOW_MANY_BEHIND)
        return int(cursor.fetchone()[0])


def goods(*, at_once: int = SERIES_AT_ONCE, product_ids: Collection[int] | None = None) -> Iterator[list[Good]]:
    """Return products (all, unless some are named) at all places where they ever were, in portions; inactive ones are left out."""
    after, wanted = 0, None if product_ids is None else sorted(product_ids)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_GOODS, [after, wanted, wanted, at_once])
            rows = cursor.fetchall()
        if not rows:
            return
        yield [Good(*row[1:]) for row in rows]
        after = rows[-1][0]


def histories(wanted: Sequence[Good], *, first: date, until: date) -> list[History]:
    """Return the days of each good from `first` to `until`, with one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DAYS,
            [first, ledger.numbers(g.product_id for g in wanted), ledger.numbers(g.location_id for g in wanted), until],
        )
        rows = cursor.fetchall()
    days: dict[tuple[int, int], dict[date, Day]] = {}
    openings: dict[tuple[int, int], int] = {}
    for product_id, location_id, day, sold, returned, came_in, delta in rows:
        if day < first:
            openings[product_id, location_id] = int(delta)
        else:
            days.setdefault((product_id, location_id), {})[day] = Day(
                int(sold), int(returned), int(came_in), int(delta)
            )
    return [
        History(
            good,
            openings.get((good.product_id, good.location_id), 0),
            days.get((good.product_id, good.location_id), {}),
        )
        for good in wanted
    ]


def days_without_stock(history: History, *, first: date, until: date) -> list[date]:
    """Return the days on which nothing was on hand and nothing came in, after the product was first there."""
    on_hand, has_begun, empty = history.opening, history.opening > 0, []
    for offset in range((until - first).days + 1):
        when = first + timedelta(days=offset)
        day = history.days.get(when)
        if on_hand > 0 or (day is not None and day.came_in > 0):
            has_begun = True
        elif has_begun:
            empty.append(when)
        if day is not None:
            on_hand += day.delta
    return empty
