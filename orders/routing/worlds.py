"""The world as routing sees it: places with their work and their day, and shelves with what is on them. Read set by set."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from math import ceil
from threading import Lock
from zoneinfo import ZoneInfo

from commerce import quotas
from commerce.quotas import HoldRequest
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.replenishment import forecasts
from inventory.sharing import obligations
from inventory.stock import LocationKind
from orders import method_terms, pickup_windows
from orders.lifecycle import COLLECTED
from orders.routing import loads, standing
from orders.routing.standing import Node, Standing
from orders.sourcing.criteria import Criterion
from orders.sourcing.network import Network, Place, Shelf, shelf
from orders.sourcing.policy import Policy

FRESH_FOR_SECONDS = 2.0  # how long a process may answer from its own picture of the work at places
DAYS_A_WEEK = 7
MOST_PERCENT = 1_000
MOST_QUEUE_MINUTES = 10_000

_lock = Lock()
_cached: tuple[float, tuple[object, ...], Network | None] = (0.0, (), None)


def network(*, at: datetime, known: Standing | None = None) -> Network:
    """Return all places as they are at an instant; their work and their day may be some seconds old."""
    global _cached
    known = known or standing.now()
    places = locations.every()
    key = (id(known), tuple(map(id, places)), at.replace(second=0, microsecond=0))
    read_at, cached_key, cached = _cached
    if cached is None or key != cached_key or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        with _lock:
            cached = _network(places, known, at=at)
            _cached = (time.monotonic(), key, cached)
    return cached


def forget() -> None:
    """Drop this process's picture, after a change of a place's work that must be seen at once."""
    global _cached
    _cached = (0.0, (), None)
    loads.forget()


def _network(places: list[LocationRef], known: Standing, *, at: datetime) -> Network:
    work = {place_id: load.total for place_id, load in loads.now().items()}
    days = _days(places, known.nodes, at=at)
    return Network([_place(one, known.nodes.get(one.id, Node()), work, days, at=at) for one in places], known.tariffs)


def _place(place: LocationRef, node: Node, work: Mapping[int, int], days: Mapping[int, int], *, at: datetime) -> Place:
    ready = pickup_windows.earliest_ready(place, at=at) if place.opening_hours else None
    can_open = ready is not None or not place.opening_hours
    ready = ready or at + timedelta(minutes=place.pickup_lead_minutes)
    limit, taken = node.orders_per_day, days.get(place.id, 0)
    minutes = work.get(place.id, 0) * 60 // (node.people * node.pieces_per_hour)
    return Place(
        place.id, place.code, place.name, place.country, ready.astimezone(ZoneInfo(place.time_zone)), place.latitude,
        place.longitude, place.capabilities,
        is_store=place.kind == LocationKind.STORE,
        is_active=place.is_active,
        is_paused=node.is_paused,
        is_closed=not can_open,
        capacity_left=None if limit is None else max(limit - taken, 0),
        load_percent=min(taken * 100 // limit, MOST_PERCENT) if limit else 0,
        queue_minutes=min(minutes, MOST_QUEUE_MINUTES),
        handling_minor=node.handling_minor,
        handling_piece_minor=node.handling_piece_minor,
        partner_basis_points=node.partner_basis_points,
        takes_returns=node.takes_returns,
        takes_hazardous=node.takes_hazardous,
    )  # fmt: skip


# --- the day of a place -------------------------------------------------------------------------------------------------


def day_key(place: LocationRef, *, at: datetime, method: str = "") -> str:
    """Return the quota of a place's day: how many shipments it takes, or how many orders of one method."""
    return _key(place, at.astimezone(ZoneInfo(place.time_zone)).date(), method)


def _key(place: LocationRef, day: date, method: str = "") -> str:
    return f"node:{place.code}:{day.isoformat()}{':' if method else ''}{method}"


def day_claims(place: LocationRef, method: str, *, purpose: str, at: datetime) -> list[HoldRequest]:
    """Return what an order needs of a place's day: of what is sent today's, of a pickup the day of its window at `at`.

    Nothing where neither the place nor the method has a limit.
    """
    claims = []
    limit = standing.now().nodes.get(place.id, Node()).orders_per_day if method not in COLLECTED else None
    if limit is not None:
        claims.append(HoldRequest(day_key(place, at=at), limit, 1, purpose))
    limit = method_terms.of(place.id, method).orders_per_day
    if limit is not None:
        claims.append(HoldRequest(day_key(place, at=at, method=method), limit, 1, purpose))
    return claims


def _days(places: list[LocationRef], nodes: Mapping[int, Node], *, at: datetime) -> dict[int, int]:
    keys = {
        day_key(place, at=at): place.id
        for place in places
        if (node := nodes.get(place.id)) is not None and node.orders_per_day is not None
    }
    return {keys[key]: usage.used for key, usage in quotas.usage(keys, at=at).items()} if keys else {}


# --- shelves ------------------------------------------------------------------------------------------------------------


def shelves(
    net: Network, available: Mapping[int, Mapping[int, int]], policy: Policy, *, channel_id: int | None, at: datetime
) -> dict[int, Shelf]:
    """Return the shelves of products from pieces by product and location, with what a policy wants to know besides."""
    return shelves_of_channels(net, {channel_id: available}, [policy], at=at)[channel_id]


def shelves_of_channels(
    net: Network,
    available: Mapping[int | None, Mapping[int, Mapping[int, int]]],
    asking: Iterable[Policy],
    *,
    at: datetime,
) -> dict[int | None, dict[int, Shelf]]:
    """Return the shelves for each channel, with at most two queries for all of them."""
    asking = list(asking)
    wanted = {term.criterion for policy in asking for term in policy.terms}
    products = {product for there in available.values() for product in there}
    weekly: Mapping[int, Mapping[int, float]] = {}
    if products and wanted & {Criterion.DEMAND_AHEAD, Criterion.OVERSTOCK}:
        weekly = forecasts.weekly(list(products))
    channels = [channel_id for channel_id in available if channel_id is not None]
    shares: Mapping[int, Mapping[int, Mapping[int, int]]] = {}
    if products and channels and Criterion.OBLIGATION in wanted:
        shares = obligations.shares_of(channels, products, at=at)
    ahead_days = max((policy.demand_days for policy in asking), default=0)
    enough_days = max((policy.overstock_days for policy in asking), default=0)
    expected: dict[int, tuple[dict[int, int], dict[int, int]]] = defaultdict(lambda: ({}, {}))
    for product, by_place in weekly.items():
        ahead, enough = expected[product]
        for place_id, per_week in by_place.items():
            ahead[place_id] = ceil(per_week * ahead_days / DAYS_A_WEEK)
            enough[place_id] = ceil(per_week * enough_days / DAYS_A_WEEK)
    return {
        channel_id: {
            product: shelf(
                net, pieces,
                guaranteed=shares.get(channel_id, {}).get(product, {}) if channel_id is not None else {},
                ahead=expected[product][0] if product in expected else {},
                enough=expected[product][1] if product in expected else {},
            )
            for product, pieces in there.items()
        }
        for channel_id, there in available.items()
    }  # fmt: skip
