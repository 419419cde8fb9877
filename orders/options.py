"""Ways to get a basket, before it is ordered: which method, from where, when for certain, and what it costs us; the earliest first.

Nothing is held by asking. Times are never earlier than possible: a place is ready after its lead time, the time that its
people need for this basket, and the time for the work that waits there already, all of it counted while it is open. What is
sent follows the plan that routing would choose now, with the carriers' own days where they are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from commerce import clock
from commerce.channels.contracts import IncomingLine, IncomingOrder
from commerce.errors import CommerceError
from inventory import availability, kits, locations
from inventory.locations import LocationRef
from orders import errors, intake, pickup_windows, promise_times, routing
from orders.lifecycle import COLLECTED, Method
from orders.routing import OrderingChannel, Route, Survey, standing, worlds
from orders.routing.standing import Node

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


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody would like to know: for a basket, by which methods, to where."""

    lines: tuple[IncomingLine, ...]
    channel: OrderingChannel
    methods: tuple[str, ...] = tuple(intake.METHODS)
    ship_to: Mapping[str, str] = field(default_factory=dict)
    location_ids: tuple[int, ...] = ()  # to fetch at; the nearest ones when none is named


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
    sent = [method for method in asked.methods if method not in COLLECTED]
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
            found.append(_sent(method, routes, goods, survey, asked, at=at))
        except CommerceError as refusal:
            refused[method] = refusal.code, refusal.message
        survey.routed.clear()  # asking takes nothing
    fetched = [method for method in asked.methods if method in COLLECTED]
    if fetched:
        _fetched(fetched, goods, survey, asked, found, refused, at=at)
    return Options(
        tuple(sorted(found, key=lambda one: one.rank)), refused, at, at - timedelta(seconds=worlds.FRESH_FOR_SECONDS)
    )


def minutes_for(location_id: int, pieces: int, survey: Survey) -> int:
    """Return how long the people of a place need for a basket once it is its turn, and until then."""
    node = standing.now().nodes.get(location_id, Node())
    queue = next((place.queue_minutes for place in survey.network.places if place.id == location_id), 0)
    return queue + -(-pieces * 60 // (node.people * node.pieces_per_hour))


# --- what is sent -------------------------------------------------------------------------------------------------------


def _sent(
    method: str, routes: Sequence[Route], goods: Mapping[int, int], survey: Survey, asked: Asked, *, at: datetime
) -> Option:
    leaves, arrives, services, cost = [], [], [], 0
    country = asked.ship_to.get("country") or asked.channel.country
    shares = {share.place.id: share for route in routes for share in route.verdict.decision.shares}
    for route in routes:
        place, share = route.location, shares.get(route.location.id)
        ready = _ready(place, sum(route.goods.values()), survey, at=at)
        way = share.winner.way if share else None
        if method == Method.SAME_DAY:
            if ready is None or not _is_today(place, ready, at=at):
                raise errors.TooLateToday(f"{place.name} can't prepare this today any more.", location=place.code)
            leaves.append(ready)
            arrives.append(_end_of(place, at.astimezone(ZoneInfo(place.time_zone)).date()))
            continue
        by = max(promise_times.ships_by(place, at), ready or at)
        leaves.append(by)
        usual = promise_times.earliest_delivery(place, by - promise_times.SHIPS_WITHIN, country)
        days = [usual.arrives_on] if usual else []
        if way is not None:
            services.append(way.service)
            days.append(date.fromordinal(way.arrives_on))
        arrives.append(_end_of(place, max(days)) if days else by)
    cost = routes[0].verdict.decision.cost_minor
    places = tuple(route.location for route in routes)
    return Option(method, places, max(leaves), max(arrives), cost, None, tuple(dict.fromkeys(services)))


def _ready(place: LocationRef, pieces: int, survey: Survey, *, at: datetime) -> datetime | None:
    minutes = place.pickup_lead_minutes + minutes_for(place.id, pieces, survey)
    return pickup_windows.ready_after(place, minutes, at=at)


def _is_today(place: LocationRef, moment: datetime, *, at: datetime) -> bool:
    zone = ZoneInfo(place.time_zone)
    return moment.astimezone(zone).date() == at.astimezone(zone).date()


def _end_of(place: LocationRef, day: date) -> datetime:
    return datetime.combine(day, time.max.replace(microsecond=0), ZoneInfo(place.time_zone))


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
    point = survey.points.get(
        (asked.ship_to.get("country") or asked.channel.country, asked.ship_to.get("postal_code", ""))
    )
    near = _stores(methods, point, asked)
    figures = availability.figures_of_channels(
        goods, {asked.channel.channel_id}, location_ids=[place.id for place, _ in near], at=at
    ) if near else {}  # fmt: skip
    there: dict[int, dict[int, int]] = {}
    for figure in figures.get(asked.channel.channel_id, []):
        there.setdefault(figure.location_id, {})[figure.product_id] = figure.available
    pieces = sum(goods.values())
    for method in methods:
        why = Why.NOT_OFFERED
        offered = 0
        for place, distance in near:
            if method not in place.capabilities or offered >= MOST_STORES:
                continue
            if any(there.get(place.id, {}).get(product_id, 0) < count for product_id, count in goods.items()):
                why = Why.NOT_ENOUGH_STOCK
                continue
            ready = _ready(place, pieces, survey, at=at)
            windows = [] if ready is None else [
                Window(one.id, one.starts_at, one.ends_at)
                for one in pickup_windows.open_windows(place, at=at, days=place.pickup_horizon_days + 1)
                if one.left and one.starts_at >= ready
            ][:WINDOWS_EACH]  # fmt: skip
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
