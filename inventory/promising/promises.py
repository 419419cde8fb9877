"""Promising: how a figure of availability came about, part by part, and from when goods can be had.

The parts of a breakdown sum to what is available; what is on its way stands beside them with its day. Days come from here;
the clock times of pickup and delivery belong to the room above, which registers how it reckons them (`reckons_by`).
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils import timezone

from inventory import availability, incoming, kits
from inventory.availability import Figure
from inventory.incoming import Incoming
from inventory.kits import Components
from inventory.ledger import LevelKey
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.promising import demands, goods_to_come
from inventory.promising import queues as backorder_queues
from inventory.promising.goods_to_come import AtDate, Coming, Goods
from inventory.sharing import buffers

HORIZON = timedelta(days=90)  # what comes later than that is no promise yet
COMING_FRESH_FOR_SECONDS = 5.0  # how late a process may learn that something is on its way at all


class What(StrEnum):
    """The parts of which a figure is made."""

    ON_HAND = "on_hand"
    ALLOCATED = "allocated"
    WAITING = "waiting"  # of those promised, for goods to come: they take nothing from the shelf
    HELD = "held"  # in other baskets; may come back
    WITHHELD = "withheld"
    UNROUTED = "unrouted"


@dataclass(frozen=True, slots=True)
class Part:
    """Pieces that a figure gains (+) or loses (−). What is withheld names its rule, its kind and its reason in English."""

    what: What
    pieces: int
    rule_id: int = 0
    name: str = ""
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """By when an order leaves the place, and the day on which it arrives."""

    ships_by: datetime
    arrives_on: date


@dataclass(frozen=True, slots=True)
class Promise:
    """Why a channel may have what it may have of a product at a place, and from when.

    `parts` sum to `figure.available`. `goods_at` is the instant from which a piece more can be had: now, or the morning of
    the day on which it comes; None when nobody knows.
    """

    figure: Figure
    parts: tuple[Part, ...]
    coming: tuple[Coming, ...]
    by_date: tuple[AtDate, ...]
    goods_at: datetime | None
    earliest_pickup: datetime | None
    earliest_delivery: Delivery | None


Pickup = Callable[[LocationRef, datetime], datetime | None]
Arrival = Callable[[LocationRef, datetime, str], Delivery | None]

_pickup: Pickup | None = None
_delivery: Arrival | None = None


def reckons_by(*, pickup: Pickup, delivery: Arrival) -> None:
    """Have pickup(place, from when goods are there) and delivery(place, from when, country) say the earliest promise."""
    global _pickup, _delivery
    _pickup, _delivery = pickup, delivery


def promises(figures: Sequence[Figure], *, channel_id: int | None, country: str, at: datetime) -> list[Promise]:
    """Explain figures that the channel just read, at `at`. `country` is where it delivers."""
    products = {figure.product_id for figure in figures}
    made = kits.among(products)  # of these each component waits, comes and is withheld for itself
    inside = _inside(made, channel_id, {figure.location_id for figure in figures if figure.product_id in made}, at=at)
    supply = _on_the_way(_goods(products, made), at=at)
    unrouted = demands.open_of(products) if figures and demands.may_be_open() else {}
    limited = [
        (figure.level_id, LevelKey(figure.product_id, figure.location_id), figure.backorderable + figure.waiting)
        for figure in (*figures, *inside.values())
        if (figure.backorderable or figure.waiting) and figure.product_id not in made
    ]
    queues = backorder_queues.queues(limited, at=at) if limited else {}

    def goods(figure: Figure) -> Goods:
        key = LevelKey(figure.product_id, figure.location_id)
        return Goods.of(figure, supply.get((figure.product_id, figure.location_id), ()), queues.get(key))

    found = []
    for figure in figures:
        if figure.product_id in made:
            parts = [(goods(inside[one, figure.location_id]), pieces) for one, pieces in made[figure.product_id]]
            on_the_way = goods_to_come.of_kit(parts)
            dates = goods_to_come.by_date(figure.available, on_the_way)
            first_on = None if figure.available else goods_to_come.kit_first_on(parts, channel_id)
        else:
            one = goods(figure)
            on_the_way, dates = tuple(one.coming), one.by_date()
            first_on = None if figure.available else one.first_on(1, channel_id)
        why = _parts(
            figure,
            channel_id,
            is_needed_elsewhere=figure.product_id in unrouted,
            is_kit=figure.product_id in made,
            at=at,
        )
        found.append(_promise(figure, why, on_the_way, dates, first_on, country, at=at))
    return found


def promise(product_id: int, location_id: int, *, channel_id: int | None, country: str, at: datetime) -> Promise | None:
    """Return how the figure of one product at one place came about, or None where it never was."""
    found = availability.figures([product_id], channel_id=channel_id, location_ids=[location_id], at=at)
    return promises(found, channel_id=channel_id, country=country, at=at)[0] if found else None


_known: tuple[float, frozenset[int]] = (0.0, frozenset())
_lock = threading.Lock()


def coming(
    product_ids: Iterable[int], *, channel_id: int | None = None, at: datetime
) -> dict[tuple[int, int], tuple[Coming, ...]]:
    """Return what is on its way within the horizon, by product and place, late things included.

    Of kits: how many more of them the channel could have. Costs nothing where none of the products or what is in them is on
    its way: which are, a process knows with COMING_FRESH_FOR_SECONDS delay.
    """
    wanted = set(product_ids)
    made = kits.among(wanted)
    supply = _on_the_way(_goods(wanted, made), at=at)
    if not supply or not made:
        return supply
    moving = {product_id for product_id, _ in supply}
    made = {kit: components for kit, components in made.items() if moving.intersection(one for one, _ in components)}
    inside = _inside(made, channel_id, {place for _, place in supply}, at=at)
    found = {key: ones for key, ones in supply.items() if key[0] in wanted}
    for kit_id, components in made.items():
        for place in {place for product_id, place in supply if product_id in dict(components)}:
            parts = [
                (Goods.of(inside.get((one, place)), supply.get((one, place), ())), pieces) for one, pieces in components
            ]
            if more := goods_to_come.of_kit(parts):
                found[kit_id, place] = more
    return found


def _on_the_way(product_ids: Iterable[int], *, at: datetime) -> dict[tuple[int, int], tuple[Coming, ...]]:
    expected = _coming_products().intersection(product_ids)
    if not expected:
        return {}
    found: dict[tuple[int, int], list[Incoming]] = defaultdict(list)
    for one in incoming.expected(expected, until=timezone.localdate(at) + HORIZON):
        found[one.product_id, one.location_id].append(one)
    return {key: _summed(key[1], ones, at=at) for key, ones in found.items()}


def _goods(product_ids: Iterable[int], made: Mapping[int, Components]) -> set[int]:
    """Return the products that have stock: those asked for, and what is in the kits among them."""
    return {*product_ids, *(one for components in made.values() for one, _ in components)} - made.keys()


def _inside(
    made: Mapping[int, Components], channel_id: int | None, location_ids: Iterable[int], *, at: datetime
) -> dict[tuple[int, int], Figure]:
    """Return the figures of what is in kits, by product and place."""
    if not made:
        return {}
    read = availability.figures(_goods((), made), channel_id=channel_id, location_ids=location_ids, at=at)
    return {(figure.product_id, figure.location_id): figure for figure in read}


def forget() -> None:
    """Look again at the next question what is on its way."""
    global _known
    _known = (0.0, frozenset())


def _coming_products() -> frozenset[int]:
    """Return the products of which something is on its way; one thread looks, the others go on."""
    global _known
    now = time.monotonic()
    if _known[0] and now - _known[0] <= COMING_FRESH_FOR_SECONDS:
        return _known[1]
    if _lock.acquire(blocking=not _known[0]):
        try:
            if not _known[0] or now - _known[0] > COMING_FRESH_FOR_SECONDS:
                _known = (now, incoming.products())
        finally:
            _lock.release()
    return _known[1]


def _summed(location_id: int, ones: Iterable[Incoming], *, at: datetime) -> tuple[Coming, ...]:
    today = backorder_queues.today_at(location_id, at)
    sums: dict[tuple[date, str], int] = defaultdict(int)
    for one in ones:
        sums[one.expected_on, one.source] += one.quantity
    return tuple(Coming(on, pieces, source, on < today) for (on, source), pieces in sorted(sums.items()))


def _promise(
    figure: Figure,
    parts: Sequence[Part],
    on_the_way: tuple[Coming, ...],
    dates: tuple[AtDate, ...],
    first_on: date | None,
    country: str,
    *,
    at: datetime,
) -> Promise:
    place = locations.by_id(figure.location_id)
    goods_at = at if figure.available > 0 else None
    if goods_at is None and first_on is not None:
        goods_at = max(datetime.combine(first_on, time_of_day.min, ZoneInfo(place.time_zone)), at)
    return Promise(
        figure,
        tuple(parts),
        on_the_way,
        dates,
        goods_at,
        _pickup(place, goods_at) if _pickup is not None and goods_at is not None else None,
        _delivery(place, goods_at, country) if _delivery is not None and goods_at is not None else None,
    )


def _parts(
    figure: Figure, channel_id: int | None, *, is_needed_elsewhere: bool, is_kit: bool, at: datetime
) -> list[Part]:
    parts = [Part(What.ON_HAND, figure.on_hand)]
    if figure.allocated:
        parts.append(Part(What.ALLOCATED, -figure.allocated))
    if figure.waiting:
        parts.append(Part(What.WAITING, figure.waiting))
    if figure.held:
        parts.append(Part(What.HELD, -figure.held))
    if is_kit:
        if figure.withheld:
            parts.append(Part(What.WITHHELD, -figure.withheld, reason="of its components"))
        return parts
    withheld = buffers.explain(
        channel_id, figure.product_id, figure.location_id, on_hand=figure.on_hand, free=figure.free, at=at
    )
    parts += [Part(What.WITHHELD, -one.quantity, one.rule_id, one.name, one.kind, one.reason) for one in withheld]
    rest = sum(part.pieces for part in parts) - figure.available
    if rest and is_needed_elsewhere:
        parts.append(Part(What.UNROUTED, -rest))
    return parts
