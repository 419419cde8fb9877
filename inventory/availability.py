"""Availability: the one function that says what may be promised to whom, and from what the number is made."""

import gc
import io
import struct
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import repeat
from operator import sub
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from commerce import catalog
from commerce.postgresql import prepared
from inventory import kits, ledger
from inventory.errors import InsufficientStock
from inventory.kits import Components
from inventory.ledger import LevelKey
from inventory.places import locations
from inventory.promising import demands
from inventory.promising import queues as backorder_queues
from inventory.promising.queues import Queue
from inventory.sharing import buffers

ALTERNATIVES_FRESH_FOR_SECONDS = 1.0  # under a rush of refusals, one look around a second is enough
MOST_REMEMBERED = 10_000
NOTHING_FREED: Mapping[int, int] = {}


class Figure(NamedTuple):
    """What is at one place of one product, in pieces, read from the ledger at the moment of the question.

    free = on hand − promised to orders − held by baskets, without what waits for goods; `held` leaves out holds whose
    time is over (law 5). `withheld` of these the channel must not see; available = free − withheld, less what demand
    without a place needs of the last pieces in all (`left_in_all` says then how many those are). Besides, the channel may
    promise `backorderable` pieces from goods to come. `waiting` pieces of those promised have no goods yet.
    None is ever negative (law 14).

    Of a kit, all are whole kits that could be made: `allocated` are those of which something is promised or in a basket,
    and level, version and instant are those of the component that is scarcest.
    """

    product_id: int
    location_id: int
    on_hand: int
    free: int
    allocated: int
    held: int
    waiting: int
    withheld: int
    available: int
    backorderable: int
    left_in_all: int | None
    level_id: int
    changed_at: datetime
    version: int

    @property
    def orderable(self) -> int:
        """What may be ordered: at once, and from goods to come."""
        return self.available + self.backorderable


# Column order: the first four are a figure as buffers take it. What is looked up per level is looked up once, where there is
# any: OFFSET keeps the inner query from being merged into the outer one, which names its columns twice.
_FIGURES = """
SELECT product_id, location_id, on_hand, greatest(on_hand - allocated - held + waiting, 0), allocated, held, waiting,
       backorder_limit, id, changed_at, version
FROM (
    SELECT l.product_id, l.location_id, l.on_hand, l.allocated, l.backorder_limit, l.id, l.changed_at, l.version,
           CASE WHEN l.held > 0 THEN l.held - (
               SELECT coalesce(sum(h.quantity), 0)::bigint FROM inventory_hold h
               WHERE h.level_id = l.id AND h.state = 'active' AND h.expires_at <= %s::timestamptz) ELSE 0 END AS held,
           CASE WHEN l.backorder_limit > 0 THEN (
               SELECT coalesce(sum(b.quantity - b.filled - b.released), 0)::bigint FROM inventory_backorder b
               WHERE b.level_id = l.id AND b.quantity > b.filled + b.released
                 AND (b.expires_at IS NULL OR b.expires_at > %s::timestamptz)) ELSE 0 END AS waiting
    FROM inventory_stocklevel l
    WHERE l.product_id = ANY(%s::bigint[]) AND l.condition = 'sellable'{places}
    OFFSET 0
) AS l
"""
Columns = list[Sequence[Any]]

CHANGED_AT = 9  # the column that is an instant; all others are whole numbers
MANY_FIGURES = 5_000  # from here on COPY is worth its first steps
MANY_PLACES = 20  # as which a product counts that is asked for everywhere
_NOTHING: Columns = [()] * 11
_COPY_HEAD, _COPY_TAIL = 19, 2  # signature, flags, no extension; and the end mark
_COPY_ROW = struct.Struct(">2x" + "4xq" * 11)  # the number of columns; of each its length and eight bytes
_COPY_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_ALL, _SOME = _FIGURES.format(places=""), _FIGURES.format(places=" AND l.location_id = ANY(%s::bigint[])")


def figures(
    product_ids: Iterable[int],
    *,
    channel_id: int | None = None,
    location_ids: Iterable[int] | None = None,
    at: datetime,
) -> list[Figure]:
    """Return the figures of all levels of the products as a channel sees them, at all or the given locations, in one query.

    Without a channel it is the house itself that asks: nothing is withheld from it. A product that was never at a location
    has no figure there: it is 0. A kit has one where all of its components have. Levels with a backorder limit cost three
    queries more, all of them together.
    """
    wanted = list(product_ids)
    made = kits.among(wanted)
    with _uncollected(len(wanted)):
        rows = _read(_goods(wanted, made), location_ids, at=at)
        return _folded(_seen(rows, channel_id, _queues(rows, at=at), at=at), wanted, made)


def figures_of_channels(
    product_ids: Iterable[int],
    channel_ids: Iterable[int],
    *,
    location_ids: Iterable[int] | None = None,
    counts_unrouted: bool = True,
    at: datetime,
) -> dict[int, list[Figure]]:
    """Return the figures as each of some channels sees them, from one reading of the ledger.

    Without `counts_unrouted` demand without a place takes nothing from them: so they are read to give it its places.
    """
    wanted = list(product_ids)
    made = kits.among(wanted)
    rows = _read(_goods(wanted, made), location_ids, at=at)
    queues = _queues(rows, at=at)
    return {
        channel_id: _folded(_seen(rows, channel_id, queues, at=at, counts_unrouted=counts_unrouted), wanted, made)
        for channel_id in channel_ids
    }


@contextmanager
def _uncollected(products: int) -> Iterator[None]:
    """Let the collector rest while many figures are made: it would look at each of them again and again, for nothing, as
    none refers to another. Half of a grid's time was its.
    """
    pauses = products * MANY_PLACES >= MANY_FIGURES and gc.isenabled()
    if pauses:
        gc.disable()
    try:
        yield
    finally:
        if pauses:
            gc.enable()


def _goods(wanted: Sequence[int], made: Mapping[int, Components]) -> Sequence[int]:
    """Return the products that have stock: those asked for, and the components of the kits among them."""
    if not made:
        return wanted
    return list({*wanted, *(one for components in made.values() for one, _ in components)} - made.keys())


def _folded(seen: list[Figure], wanted: Sequence[int], made: Mapping[int, Components]) -> list[Figure]:
    """Return the figures that were asked for: kits in place of the components that were read for them alone."""
    if not made:
        return seen
    there: dict[int, dict[int, Figure]] = defaultdict(dict)
    for figure in seen:
        there[figure.location_id][figure.product_id] = figure
    asked = set(wanted)
    found = [figure for figure in seen if figure.product_id in asked]
    for kit_id, components in made.items():
        for figures in there.values():
            if all(one in figures for one, _ in components):
                found.append(_kit(kit_id, [(figures[one], pieces) for one, pieces in components]))
    return found


def _kit(kit_id: int, components: Sequence[tuple[Figure, int]]) -> Figure:
    """Return how many whole kits the components at a place make."""
    scarcest, pieces = min(components, key=lambda one: one[0].available // one[1])
    available = scarcest.available // pieces
    on_hand = min(one.on_hand // pieces for one, pieces in components)
    free = min(one.free // pieces for one, pieces in components)
    lefts = [one.left_in_all // pieces for one, pieces in components if one.left_in_all is not None]
    return scarcest._replace(
        product_id=kit_id, on_hand=on_hand, free=free, allocated=on_hand - free, held=0, waiting=0,
        withheld=free - available, available=available,
        backorderable=min(one.orderable // pieces for one, pieces in components) - available,
        left_in_all=min(lefts) if lefts else None,
        changed_at=max(one.changed_at for one, _ in components),
    )  # fmt: skip


def _seen(
    read: Columns,
    channel_id: int | None,
    queues: Mapping[LevelKey, Queue],
    *,
    at: datetime,
    counts_unrouted: bool = True,
) -> list[Figure]:
    """Return what was read as a channel sees it. Column by column: a grid of 50,000 figures is made in milliseconds."""
    products, places, on_hand, free, allocated, held, waiting, limits, levels, changed_at, versions = read
    withheld: Iterable[int] = repeat(0)
    later: Iterable[int] = repeat(0)
    left: Iterable[int | None] = repeat(None)
    available: Iterable[int] = free
    if channel_id is not None and buffers.is_anything_withheld():
        withheld = buffers.withheld(channel_id, list(zip(products, places, on_hand, free, strict=True)), at=at)
        available = list(map(sub, free, withheld))
    if counts_unrouted and demands.may_be_open() and (in_all := _left_in_all(set(products), channel_id, at=at)):
        left = [in_all.get((product, demands.area_of(place))) for product, place in zip(products, places, strict=True)]
        available = [there if most is None else min(there, most) for there, most in zip(available, left, strict=False)]
    if queues:
        later = [
            queues[LevelKey(product, place)].later(channel_id) if limit else 0
            for product, place, limit in zip(products, places, limits, strict=True)
        ]
    rows = zip(
        products, places, on_hand, free, allocated, held, waiting, withheld, available, later, left, levels, changed_at,
        versions, strict=False,
    )  # fmt: skip
    return list(map(tuple.__new__, repeat(Figure), rows))


def total(found: Sequence[Figure]) -> int:
    """Return what may be had of one product at all of the places together, now."""
    pieces = sum([figure.available for figure in found])
    limited = [figure for figure in found if figure.left_in_all is not None]
    if not limited:
        return pieces
    areas: dict[str, list[Figure]] = defaultdict(list)
    for figure in limited:
        areas[demands.area_of(figure.location_id)].append(figure)
    for figures_of_area in areas.values():
        together = sum([figure.available for figure in figures_of_area])
        pieces -= max(together - (figures_of_area[0].left_in_all or 0), 0)
    return pieces


def left_in_all(product_id: int, *, channel_id: int | None, country: str, at: datetime) -> int:
    """Return what a channel may have of a product anywhere in a customs area, less the demand without a place there."""
    there = there_in_all(product_id, channel_id=channel_id, country=country, at=at)
    return max(there - demands.open_of([product_id]).get(product_id, {}).get(demands.area(country), 0), 0)


def there_in_all(
    product_id: int, *, channel_id: int | None, country: str, at: datetime, freed: Mapping[int, int] = NOTHING_FREED
) -> int:
    """Return what a channel would see of a product anywhere in a customs area if all demand had its place.

    `freed` are pieces by place whose holds were ended under the caller's locks, and are yet to be posted.
    """
    places = [place.id for place in locations.active() if demands.area(place.country) == demands.area(country)]
    products, located, on_hand, free, allocated, held, waiting, *_ = _read([product_id], places, at=at)
    if freed:
        kept = [pieces - freed.get(place, 0) for pieces, place in zip(held, located, strict=True)]
        free = [max(of - to - by + wait, 0) for of, to, by, wait in zip(on_hand, allocated, kept, waiting, strict=True)]
    withheld = buffers.withheld(channel_id, list(zip(products, located, on_hand, free, strict=True)), at=at)
    return sum(free) - sum(withheld)


def _read(product_ids: Sequence[int], location_ids: Iterable[int] | None, *, at: datetime) -> Columns:
    """Read the levels of products, column by column in the order of _FIGURES."""
    places = None if location_ids is None else list(location_ids)
    parameters: list[Any] = [at, at, ledger.numbers(product_ids)]
    if places is not None:
        parameters.append(ledger.numbers(places))
    sql = _ALL if places is None else _SOME
    with connection.cursor() as cursor:
        if len(product_ids) * (MANY_PLACES if places is None else len(places)) >= MANY_FIGURES:
            return _copied(cursor, sql, parameters)
        prepared.execute(cursor, sql, parameters)
        return list(zip(*cursor.fetchall(), strict=True)) or _NOTHING


def _copied(cursor: CursorWrapper, sql: str, parameters: Sequence[Any]) -> Columns:
    """Read many levels by PostgreSQL's binary COPY: a quarter of the time that rows of text take to be written and parsed."""
    answer, raw = io.BytesIO(), cursor.cursor
    raw.copy_expert(f"COPY ({raw.mogrify(sql, parameters).decode()}) TO STDOUT (FORMAT binary)", answer)
    body = memoryview(answer.getbuffer())[_COPY_HEAD:-_COPY_TAIL]
    columns: Columns = list(zip(*_COPY_ROW.iter_unpack(body), strict=True)) or list(_NOTHING)
    columns[CHANGED_AT] = [_COPY_EPOCH + timedelta(microseconds=passed) for passed in columns[CHANGED_AT]]
    return columns


def _queues(read: Columns, *, at: datetime) -> dict[LevelKey, Queue]:
    """Return who waits and what will come, of the levels that may promise more than they have."""
    products, places, *_, limits, levels, _, _ = read
    if not any(limits):
        return {}
    limited = [
        (level, LevelKey(product, place), limit)
        for product, place, limit, level in zip(products, places, limits, levels, strict=True)
        if limit
    ]
    return backorder_queues.queues(limited, at=at)


def _left_in_all(product_ids: Iterable[int], channel_id: int | None, *, at: datetime) -> dict[tuple[int, str], int]:
    """Return by product and customs area what is left in all, where demand without a place needs some of it."""
    return {
        (product_id, area): left_in_all(product_id, channel_id=channel_id, country=area, at=at)
        for product_id, areas in demands.open_of(product_ids).items()
        for area in areas
    }


_alternatives: dict[tuple[int, int, int, int | None, int], tuple[float, list[dict[str, Any]]]] = {}


def alternatives(
    product_id: int, quantity: int, *, near: int, channel_id: int | None = None, at: datetime, at_most: int = 3
) -> list[dict[str, Any]]:
    """Return the nearest other places at which a channel may have `quantity` pieces, as primitives for a refusal."""
    remembered = (product_id, quantity, near, channel_id, at_most)
    read_at, found = _alternatives.get(remembered, (0.0, []))
    if time.monotonic() - read_at < ALTERNATIVES_FRESH_FOR_SECONDS:
        return found
    here = locations.by_id(near)
    others = {place.id: place for place in locations.serving(here.country) if place.id != near}
    able = [
        figure
        for figure in figures([product_id], channel_id=channel_id, at=at)
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
    """Drop what this process remembers of places that could serve instead, and of demand without a place."""
    _alternatives.clear()
    demands.forget()


def explained(
    refusal: InsufficientStock,
    *,
    asked: Iterable[tuple[int, int]] = (),
    channel_id: int | None = None,
    at: datetime,
    found_before: dict[tuple[object, ...], list[dict[str, Any]]] | None = None,
) -> InsufficientStock:
    """Return the refusal with names instead of ids: SKU, location code, and for each short line where else there is some.

    The figures are those that the channel sees. `asked` are the lines (product, quantity) that were asked for: where a
    component is short, its kit is named, and what is looked for elsewhere is the kit. Who explains many refusals of one
    moment hands in the same `found_before`, so that a product that everybody wants is looked for elsewhere once.
    """
    asked = list(asked)
    known = {} if found_before is None else found_before
    short: Sequence[dict[str, Any]] = refusal.detail["lines"]
    products = catalog.products_by_id({line["product_id"] for line in short})
    lines, elsewhere, errors = [], [], []
    for line in short:
        product = products[line["product_id"]]
        place = None if line["location_id"] is None else locations.by_id(line["location_id"])
        code = place.code if place else None
        lines.append(
            {
                "sku": product.sku, "name": product.name, "location": code, "wanted": line["wanted"],
                "available": line["available"],
            }
        )  # fmt: skip
        kit, whole = kits.asking_for(line["product_id"], asked) or (product, line["wanted"])
        if kit is not product:
            lines[-1] |= {"kit": kit.sku, "kits_wanted": whole}
        errors.append(
            {
                "field": "lines", "value": kit.sku,
                "message": f"{line['wanted']} wanted, {line['available']} available at {code or 'all places together'}"
                + (f" of {product.sku}, which is in it" if kit is not product else ""),
            }
        )  # fmt: skip
        if place is not None:
            wish = (kit.id, whole, place.id, channel_id)
            if wish not in known:
                known[wish] = alternatives(kit.id, whole, near=place.id, channel_id=channel_id, at=at)
            elsewhere += [{"sku": kit.sku, **found} for found in known[wish]]
    first = lines[0]
    sentence = (
        f"Only {first['available']} of {first['sku']} ({first['name']}) are available at"
        f" {first['location'] or 'all places together'}, {first['wanted']} were wanted"
    )
    sentence += f" for {first['kits_wanted']} × {first['kit']}, which it is in." if "kit" in first else "."
    if elsewhere:
        sentence += f" {elsewhere[0]['name']} has {elsewhere[0]['available']}."
    return InsufficientStock(sentence, errors=errors, lines=lines, alternatives=elsewhere)
