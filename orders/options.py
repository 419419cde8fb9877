"""Ways to get a basket, before it is ordered: which method, from where, when for certain, and what it costs us; the earliest first.

Nothing is held by asking. Times are what placing would promise now (`orders.promises`); what is sent follows the plan that
routing would choose now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from commerce import clock
from commerce.channels.contracts import IncomingLine, IncomingOrder
from commerce.errors import CommerceError
from inventory import availability, kits
from inventory.kits import Part
from inventory.places import locations
from inventory.places.locations import LocationRef
from orders import intake, preparation, promises, routing
from orders.lifecycle import COLLECTED, SENT, Method
from orders.payments import collecting
from orders.payments.collecting import Offer
from orders.preparation import Prepared
from orders.promises import Basket
from orders.routing import OrderingChannel, Route, Survey, loads
from pricing import quoting
from pricing.quoting import BasketLine, ChannelTerms

MOST_STORES = 5  # that are offered to fetch at; a customer chooses from a handful
FARTHEST_KM = 100.0  # nobody fetches farther away
WINDOWS_EACH = 3


class Why(StrEnum):
    """Why a way is not offered."""

    NOT_OFFERED = "not_offered"
    NOT_ENOUGH_STOCK = "not_enough_stock"
    NO_WINDOW = "no_window"


@dataclass(frozen=True, slots=True)
class Window:
    """A window that has room now."""

    id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Option:
    """One way. What is fetched has windows and is ready by the first of them; what is sent leaves and arrives."""

    method: str
    places: tuple[LocationRef, ...]
    ready_by: datetime | None
    deliver_by: datetime | None
    cost_minor: int
    distance_km: float | None = None
    services: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    payments: tuple[Offer, ...] = ()  # how it may be paid, this way

    @property
    def rank(self) -> tuple[datetime, int, float, str]:
        """Sooner first, then cheaper, then nearer."""
        done = self.deliver_by or self.ready_by
        far = float("inf") if self.distance_km is None else self.distance_km
        return done or datetime.max.replace(tzinfo=clock.now().tzinfo), self.cost_minor, far, self.places[0].code


@dataclass(frozen=True, slots=True)
class Options:
    """What is offered, best first, and why methods are not, each with a code and a sentence."""

    found: tuple[Option, ...]
    refused: Mapping[str, tuple[str, str]]
    as_of: datetime
    load_as_of: datetime
    total_minor: int | None = None  # what the goods cost now; unknown when they have no price
    prepared: tuple[Prepared, ...] = ()  # what some of its goods need besides being picked, in every promise


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody would like to know: for a basket, by which methods, to where."""

    lines: tuple[IncomingLine, ...]
    channel: OrderingChannel
    methods: tuple[str, ...] = tuple(intake.METHODS)
    ship_to: Mapping[str, str] = field(default_factory=dict)
    location_ids: tuple[int, ...] = ()  # to fetch at; the nearest ones when none is named
    total_minor: int | None = None  # what the basket costs, as a quote says; else it is priced as of now


def of(asked: Asked, *, at: datetime) -> Options:
    """Return the ways to get a basket now, in a bounded number of queries. Raises: InvalidInput, UnknownProduct."""
    wanted = IncomingOrder(external_reference="?", method=Method.SHIP, lines=asked.lines).quantities()
    products = intake.products(wanted)
    parts = kits.parts(products, wanted)
    if not parts:
        raise intake.invalid("lines", None, "A basket needs at least one product that is goods.")
    found: list[Option] = []
    refused: dict[str, tuple[str, str]] = {}
    goods: dict[int, int] = {}
    for part in parts:
        goods[part.product_id] = goods.get(part.product_id, 0) + part.quantity
    sent = [method for method in asked.methods if method in SENT]
    orders = {
        method: IncomingOrder(
            external_reference="?", method=method, lines=asked.lines,
            ship_to={"country": asked.channel.country, **asked.ship_to},
        )
        for method in (sent or [Method.SHIP.value])
    }  # fmt: skip
    survey = routing.survey([(order, asked.channel) for order in orders.values()], at=at)
    for method in sent:
        try:
            (portion,) = orders[method].portions()
            routes = routing.route(orders[method], portion, parts, channel=asked.channel, known=survey)
            found.append(_sent(method, routes, asked, at=at))
        except CommerceError as refusal:
            refused[method] = refusal.code, refusal.message
        survey.routed.clear()  # asking takes nothing
    fetched = [method for method in asked.methods if method in COLLECTED]
    if fetched:
        _fetched(fetched, goods, survey, asked, found, refused, at=at)
    if Method.SHIP_TO_STORE in asked.methods:
        _to_stores(parts, survey, asked, found, refused, at=at)
    total = _total(asked, at=at)
    return Options(
        tuple(replace(one, payments=_payments(one, total, asked)) for one in sorted(found, key=lambda one: one.rank)),
        refused, at, at - timedelta(seconds=loads.FRESH_FOR_SECONDS), total, tuple(preparation.of(goods)),
    )  # fmt: skip


# --- how it may be paid -------------------------------------------------------------------------------------------------


def _total(asked: Asked, *, at: datetime) -> int | None:
    """Return what the basket costs: as was said, else by the lists of now; nothing for goods without a price."""
    if asked.total_minor is not None:
        return asked.total_minor
    channel = asked.channel
    lines = [BasketLine(line.product_id, line.quantity) for line in asked.lines]
    terms = ChannelTerms(channel.channel_id, channel.currency, channel.country)
    (priced,) = quoting.price_each([lines], channel=terms, at=at)
    return None if isinstance(priced, CommerceError) else priced.total_minor


def _payments(one: Option, total: int | None, asked: Asked) -> tuple[Offer, ...]:
    if total is None:
        return ()
    is_sent = one.method in SENT
    country = (asked.ship_to.get("country") or asked.channel.country) if is_sent else ""
    return tuple(collecting.offers_before(total, currency=asked.channel.currency, country=country, is_sent=is_sent))


# --- what is sent -------------------------------------------------------------------------------------------------------


def _sent(method: str, routes: Sequence[Route], asked: Asked, *, at: datetime) -> Option:
    country = asked.ship_to.get("country") or asked.channel.country
    found = []
    for route in routes:
        way = route.way
        found.append(
            promises.sent(
                route.location, method, Basket.of(route.goods), country=country,
                way=promises.carriage(route.location, way.service, way.zone) if way else None, at=at,
            )
        )  # fmt: skip
    last = promises.slowest(found)
    services = dict.fromkeys(route.way.service for route in routes if route.way)
    places = tuple(route.location for route in routes)
    return Option(
        method, places, last.leaves_by, last.arrives_by, routes[0].verdict.decision.cost_minor, None, tuple(services)
    )


# --- what is sent to a store --------------------------------------------------------------------------------------------


def _to_stores(
    parts: Sequence[Part],
    survey: Survey,
    asked: Asked,
    found: list[Option],
    refused: dict[str, tuple[str, str]],
    *,
    at: datetime,
) -> None:
    """Offer the stores nearby to which other places can send all of it."""
    method = Method.SHIP_TO_STORE.value
    why = Why.NOT_OFFERED.value, _SAID[Why.NOT_OFFERED]
    offered = 0
    for store, distance in _stores([Method.PICKUP], _point(survey, asked), asked):
        if offered >= MOST_STORES:
            break
        order = IncomingOrder(external_reference="?", method=method, lines=asked.lines, location_id=store.id)
        (portion,) = order.portions()
        try:
            routes = routing.route(order, portion, parts, channel=asked.channel, known=survey)
        except CommerceError as refusal:
            why = refusal.code, refusal.message
            continue
        finally:
            survey.routed.clear()
        last = promises.slowest(
            promises.to_store(route.location, store, Basket.of(route.goods), at=at) for route in routes
        )
        cost = routes[0].verdict.decision.cost_minor
        found.append(Option(method, (store,), last.arrives_by, last.arrives_by, cost, distance))
        offered += 1
    if not offered:
        refused[method] = why


# --- what is fetched ----------------------------------------------------------------------------------------------------


def _fetched(
    methods: Sequence[str],
    goods: Mapping[int, int],
    survey: Survey,
    asked: Asked,
    found: list[Option],
    refused: dict[str, tuple[str, str]],
    *,
    at: datetime,
) -> None:
    near = _stores(methods, _point(survey, asked), asked)
    figures = availability.figures_of_channels(
        goods, {asked.channel.channel_id}, location_ids=[place.id for place, _ in near], at=at
    ) if near else {}  # fmt: skip
    there: dict[int, dict[int, int]] = {}
    for figure in figures.get(asked.channel.channel_id, []):
        there.setdefault(figure.location_id, {})[figure.product_id] = figure.available
    basket = Basket.of(goods)
    for method in methods:
        why = Why.NOT_OFFERED
        offered = 0
        for place, distance in near:
            if method not in place.capabilities or offered >= MOST_STORES:
                continue
            if any(there.get(place.id, {}).get(product_id, 0) < count for product_id, count in goods.items()):
                why = Why.NOT_ENOUGH_STOCK
                continue
            offered_there = promises.windows(place, method, basket, at=at, days=place.pickup_horizon_days + 1)
            windows = [Window(one.id, one.starts_at, one.ends_at) for one in offered_there if one.left][:WINDOWS_EACH]
            if not windows:
                why = Why.NO_WINDOW
                continue
            offered += 1
            found.append(Option(method, (place,), windows[0].starts_at, None, 0, distance, (), tuple(windows)))
        if not offered:
            refused[method] = why.value, _SAID[why]


_SAID = {
    Why.NOT_OFFERED: f"No store within {FARTHEST_KM:.0f} km offers it.",
    Why.NOT_ENOUGH_STOCK: "No store nearby has all of it.",
    Why.NO_WINDOW: "No store that has it has a window with room in the days ahead.",
}


def _point(survey: Survey, asked: Asked) -> tuple[float, float] | None:
    """Return where the customer is, as far as they said."""
    return survey.points.get(
        (asked.ship_to.get("country") or asked.channel.country, asked.ship_to.get("postal_code", ""))
    )


def _stores(
    methods: Sequence[str], point: tuple[float, float] | None, asked: Asked
) -> list[tuple[LocationRef, float | None]]:
    """Return the stores to fetch at, nearest first: those that were named, else those around."""
    able = [place for place in locations.active() if place.capabilities & set(methods)]
    if asked.location_ids:
        able = [place for place in able if place.id in asked.location_ids]
    measured = [(place, place.distance_to(*point) if point else None) for place in able]
    near = [
        (place, distance)
        for place, distance in measured
        if asked.location_ids or distance is None or distance <= FARTHEST_KM
    ]
    far = float("inf")
    return sorted(near, key=lambda one: (far if one[1] is None else one[1], one[0].code))[: 4 * MOST_STORES]
