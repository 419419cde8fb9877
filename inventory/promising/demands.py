"""Demand without a place: promised to an order before anyone knew from where. Less for all until it is routed or withdrawn.

It lowers what may be promised in its customs area as a whole, at no place in particular. So that two reservations at two
places never take the same last piece from it, whoever promises such a product waits for a lock on the product, after those
on stock levels; accepting demand locks all levels of the product in the area besides.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import audit, catalog, integrity, locks
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.locks import Purpose
from commerce.postgresql import prepared
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.errors import DemandOverdrawn, InsufficientStock
from inventory.ledger import Level, LevelKey
from inventory.places import geography, locations
from inventory.sharing import channel_priorities, news

MOST_DEMANDS = 500  # accepted at once
MOST_PIECES = 1_000_000

integrity.refuse(
    "unrouted_demand_not_overdrawn",
    lambda: DemandOverdrawn("More was to be routed or withdrawn than still waits for a place."),
)

_FRESH_FOR_SECONDS = 1.0  # how long readers may go on believing that there is no demand without a place at all

_OPEN = """
SELECT product_id, country, sum(quantity - routed - withdrawn)::bigint FROM inventory_unrouteddemand
WHERE product_id = ANY(%s::bigint[]) AND quantity > routed + withdrawn GROUP BY product_id, country
"""

_IN_LINE = """
SELECT id, channel_id, product_id, country, quantity - routed - withdrawn FROM inventory_unrouteddemand
WHERE product_id = ANY(%s::bigint[]) AND quantity > routed + withdrawn ORDER BY accepted_at, id
"""

# Who is named by no rule comes last. The parameters of ranks are those of channels for products.
_AHEAD = """
WITH rank AS (
    SELECT * FROM unnest(%(channels)s::bigint[], %(products)s::bigint[], %(ranks)s::int[]) AS r (channel_id, product_id, rank)
)
SELECT mine.id, mine.product_id, mine.country, other.country, sum(other.quantity - other.routed - other.withdrawn)::bigint
FROM inventory_unrouteddemand mine
JOIN inventory_unrouteddemand other ON other.product_id = mine.product_id AND other.quantity > other.routed + other.withdrawn
JOIN rank AS sooner ON (sooner.channel_id, sooner.product_id) = (other.channel_id, other.product_id)
LEFT JOIN rank AS own ON (own.channel_id, own.product_id) = (mine.channel_id, mine.product_id)
WHERE mine.id = ANY(%(mine)s::uuid[]) AND sooner.rank < coalesce(own.rank, %(last)s)
GROUP BY mine.id, other.country
"""

_ANY = "SELECT 1 FROM inventory_unrouteddemand WHERE quantity > routed + withdrawn LIMIT 1"

_LEVELS = """
SELECT product_id, location_id FROM inventory_stocklevel
WHERE product_id = ANY(%s::bigint[]) AND location_id = ANY(%s::bigint[]) AND condition = 'sellable'
"""

_ACCEPT = """
INSERT INTO inventory_unrouteddemand (id, channel_id, product_id, country, quantity, routed, withdrawn, accepted_at)
SELECT d.id, d.channel_id, d.product_id, d.country, d.quantity, 0, 0, %s
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) AS d (id, channel_id, product_id, country, quantity)
"""

_MOVE = """
UPDATE inventory_unrouteddemand d SET {column} = d.{column} + p.pieces
FROM unnest(%s::uuid[], %s::bigint[]) AS p (id, pieces) WHERE d.id = p.id RETURNING d.id, d.product_id
"""

Open = Mapping[int, Mapping[str, int]]  # product_id → customs area → pieces without a place


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an order line was promised without a place: `id` is the line's, `country` the channel's."""

    id: UUID
    channel_id: int
    product_id: int
    country: str
    quantity: int


@transaction_required
def accept(rows: Sequence[Accepted], *, by: Actor, at: datetime) -> int:
    """Promise pieces to order lines before anyone knows from where, all or nothing; return how many lines were new.

    A line that was accepted before is accepted still. Raises: InsufficientStock naming what its channel may still have in
    all, InvalidInput.
    """
    from inventory import availability  # which asks this module what is open

    _check(rows)
    levels = _lock({row.product_id for row in rows}, {area(row.country) for row in rows}, at=at)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM inventory_unrouteddemand WHERE id = ANY(%s::uuid[])", [ledger.uuids(row.id for row in rows)]
        )
        known = {row[0] for row in cursor.fetchall()}
    fresh = [row for row in rows if row.id not in known]
    wanted: dict[tuple[int, int, str], int] = defaultdict(int)
    for row in fresh:
        wanted[row.product_id, row.channel_id, area(row.country)] += row.quantity
    short = []
    taken: dict[tuple[int, str], int] = defaultdict(int)
    for (product_id, channel_id, place), quantity in wanted.items():
        left = (
            availability.left_in_all(product_id, channel_id=channel_id, country=place, at=at) - taken[product_id, place]
        )
        taken[product_id, place] += quantity
        if left < quantity:
            short.append({"product_id": product_id, "location_id": None, "wanted": quantity, "available": max(left, 0)})
    if short:
        raise InsufficientStock("There is not enough stock anywhere for this.", lines=short)
    if fresh:
        ledger.mark_unrouted(levels, has_unrouted=True)
        with connection.cursor() as cursor:
            cursor.execute(
                _ACCEPT,
                [
                    at, ledger.uuids(row.id for row in fresh), ledger.numbers(row.channel_id for row in fresh),
                    ledger.numbers(row.product_id for row in fresh), [row.country for row in fresh],
                    ledger.numbers(row.quantity for row in fresh),
                ],
            )  # fmt: skip
        audit.record_many(
            [
                audit.AuditRow(
                    verb="inventory.demands.accept", object_type="order_line", object_id=str(row.id),
                    after={"product_id": row.product_id, "pieces": row.quantity, "country": row.country},
                )
                for row in fresh
            ],
            by=by,
        )  # fmt: skip
        _moved({row.product_id for row in fresh}, by=by, at=at)
    return len(fresh)


@transaction_required
def lock(product_ids: set[int], countries: set[str], *, beside: Iterable[LevelKey], at: datetime) -> None:
    """Lock all that accepting demand for these products will lock, together with levels that are needed beside it."""
    levels = _keys(product_ids, {area(country) for country in countries})
    ledger.lock({*levels, *beside}, at=at)


@transaction_required
def route(parts: Mapping[UUID, int], *, by: Actor, at: datetime) -> None:
    """Let pieces have a place: call this before they are allocated there, in the same transaction. Raises: DemandOverdrawn."""
    _move("routed", parts, by=by, at=at)


@transaction_required
def withdraw(parts: Mapping[UUID, int], *, by: Actor, at: datetime, reason: str = "") -> None:
    """Take a promise without a place back. Raises: DemandOverdrawn."""
    _move("withdrawn", parts, by=by, at=at, reason=reason)


def open_of(product_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return the pieces without a place of each product that has some, by customs area."""
    found: dict[int, dict[str, int]] = {}
    with connection.cursor() as cursor:
        prepared.execute(cursor, _OPEN, [ledger.numbers(product_ids)])
        for product_id, country, pieces in cursor.fetchall():
            areas = found.setdefault(product_id, {})
            areas[area(country)] = areas.get(area(country), 0) + pieces
    return found


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is: what is still open of a demand, and the priority of its channel (1 comes first)."""

    demand: Accepted
    rank: int


def in_line(product_ids: Iterable[int]) -> list[Turn]:
    """Return the open demand of products in the order in which it gets its places when goods are scarce.

    By the priority of its channel where rules name one, and within that the oldest first; `quantity` is what is still open.
    Nothing is read while no rule names a channel: then the list is empty, and who orders it otherwise need not change.
    """
    if not channel_priorities.are_named():
        return []
    with connection.cursor() as cursor:
        cursor.execute(_IN_LINE, [ledger.numbers(product_ids)])
        rows = [Accepted(*row) for row in cursor.fetchall()]
    turns = [Turn(row, channel_priorities.rank(row.channel_id, row.product_id, None)) for row in rows]
    return sorted(turns, key=lambda turn: turn.rank)


def ahead_of(lines: Mapping[UUID, int]) -> dict[int, int]:
    """Return by product how many pieces are still open for channels that come before those of these demands (id → product),
    in their customs areas.

    Of one priority nobody stops anybody: who is given a place first has it.
    """
    products = set(lines.values())
    needed = dict.fromkeys(products, 0)
    ranks = [
        (channel_id, product_id, rank)
        for product_id in sorted(products)
        if (found := channel_priorities.ranking(product_id, None)) is not None
        for channel_id, rank in sorted(found.ranks.items())
    ]
    if not ranks:
        return needed
    channel_ids, product_ids, numbers = zip(*ranks, strict=True)
    parameters = {
        "mine": ledger.uuids(lines), "channels": ledger.numbers(channel_ids), "products": ledger.numbers(product_ids),
        "ranks": ledger.numbers(numbers), "last": channel_priorities.LAST,
    }  # fmt: skip
    before: dict[tuple[UUID, int], int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, parameters)
        for demand_id, product_id, country, other, pieces in cursor.fetchall():
            if area(country) == area(other):
                before[demand_id, product_id] += pieces
    for (_, product_id), pieces in before.items():
        needed[product_id] = max(needed[product_id], pieces)
    return needed


@transaction_required
def unmark_done(*, at: datetime, at_most: int = 1_000) -> int:
    """Let levels of products without open demand be promised without asking again; return how many levels that were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.product_id, l.location_id, l.condition FROM inventory_stocklevel l WHERE l.has_unrouted AND NOT EXISTS ("
            " SELECT 1 FROM inventory_unrouteddemand d WHERE d.product_id = l.product_id AND d.quantity > d.routed + d.withdrawn)"
            " ORDER BY l.product_id, l.location_id LIMIT %s",
            [at_most],
        )
        keys = [LevelKey(*row) for row in cursor.fetchall()]
    levels = list(ledger.lock(keys, at=at).values())
    still = (
        open_of({level.key.product_id for level in levels}) if levels else {}
    )  # accepted while we waited for the locks
    ledger.mark_unrouted([one for one in levels if one.key.product_id not in still], has_unrouted=False)
    return len(levels)


@transaction_required
def claim(product_ids: Iterable[int]) -> Open:
    """Return what is open of products whose locked levels say that there may be some; for those that have some, wait for
    who else promises them.
    """
    found = open_of(product_ids)
    for product_id in sorted(found):
        locks.hold(Purpose.PRODUCT_IN_ALL, str(product_id))
    return open_of(found) if found else found


_any: tuple[float, bool] = (0.0, False)


def may_be_open() -> bool:
    """Whether any demand has no place, as this process knows, at most a second late: readers ask no further if not."""
    global _any
    now = time.monotonic()
    if not _any[0] or now - _any[0] > _FRESH_FOR_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(_ANY)
            _any = (now, cursor.fetchone() is not None)
    return _any[1]


def forget() -> None:
    """Look again at the next question."""
    global _any
    _any = (0.0, False)


def area(country: str) -> str:
    """Return the name of a country's customs area."""
    return geography.customs_area(country)


def area_of(location_id: int) -> str:
    """Return the customs area of a place."""
    return area(locations.by_id(location_id).country)


def _check(rows: Sequence[Accepted]) -> None:
    if len(rows) > MOST_DEMANDS:
        raise ValueError(f"at most {MOST_DEMANDS} demands at once, not {len(rows)}")
    products = catalog.products_by_id({row.product_id for row in rows})
    for number, row in enumerate(rows):
        if not 1 <= row.quantity <= MOST_PIECES:
            message = f"A demand is 1 to {MOST_PIECES} pieces."
            raise InvalidInput(
                message, errors=[{"field": f"lines[{number}].quantity", "value": row.quantity, "message": message}]
            )
        if row.product_id not in products or not products[row.product_id].has_stock:
            message = "Only goods can be promised."
            raise InvalidInput(
                message, errors=[{"field": f"lines[{number}].product", "value": row.product_id, "message": message}]
            )


def _keys(product_ids: set[int], areas: set[str]) -> list[LevelKey]:
    places = [place.id for place in locations.active() if area(place.country) in areas]
    with connection.cursor() as cursor:
        cursor.execute(_LEVELS, [ledger.numbers(product_ids), ledger.numbers(places)])
        return [LevelKey(*row) for row in cursor.fetchall()]


def _lock(product_ids: set[int], areas: set[str], *, at: datetime) -> list[Level]:
    """Lock every level from which the products could be promised in the areas, then the products."""
    levels = ledger.lock(_keys(product_ids, areas), at=at)
    for product_id in sorted(product_ids):
        locks.hold(Purpose.PRODUCT_IN_ALL, str(product_id))
    return list(levels.values())


def _move(column: str, parts: Mapping[UUID, int], *, by: Actor, at: datetime, reason: str = "") -> None:
    if min(parts.values(), default=1) < 1:
        raise ValueError("at least one piece of each demand")
    wanted = sorted(parts)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM inventory_unrouteddemand WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE",
            [ledger.uuids(wanted)],
        )
        if len(cursor.fetchall()) != len(wanted):
            raise DemandOverdrawn("There is no such demand without a place.")
        cursor.execute(
            _MOVE.format(column=column), [ledger.uuids(wanted), ledger.numbers(parts[one] for one in wanted)]
        )
        products = {product_id for _, product_id in cursor.fetchall()}
    audit.record_many(
        [
            audit.AuditRow(
                verb=f"inventory.demands.{'route' if column == 'routed' else 'withdraw'}", object_type="order_line",
                object_id=str(one), after={"pieces": parts[one]}, reason=reason,
            )
            for one in wanted
        ],
        by=by,
    )  # fmt: skip
    _moved(products, by=by, at=at)


def _moved(product_ids: set[int], *, by: Actor, at: datetime) -> None:
    """Have the channels told, and the next question of this process read anew."""
    news.tell_products("demand", min(product_ids), product_ids, by=by, at=at)
    forget()
