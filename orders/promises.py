"""What a customer is promised: by when goods are ready, leave and arrive. What is offered and what is placed ask here.

Never earlier than possible: a place begins when it may (the cut-off of the method), and is ready after its lead time, the time
that its people need for this basket and for the work that is due sooner, all of it counted while it is open. A carrier fetches
by its own calendar. Only what is said of a place counts: without figures of its people its lead time is all there is.
What goods need besides being picked (engraving, assembly) takes its minutes, too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commerce import clock
from inventory.places import geography, locations, transit
from inventory.places.locations import LocationRef
from inventory.promising.promises import Delivery
from inventory.stock import Capability
from orders import method_terms, pickup_windows, preparation
from orders.errors import TooLateToday, WindowClosed
from orders.lifecycle import Method
from orders.opening import Interval
from orders.pickup_windows import Window
from orders.routing import loads, standing
from orders.sourcing.tariffs import Service, Zone

SHIPS_WITHIN = timedelta(hours=24)  # sooner is not promised, even where it is likely
LONGEST_PARCEL = timedelta(days=transit.PARCEL_DAYS_IN_CUSTOMS_AREA)
LONGEST_CLOSED = timedelta(days=pickup_windows.LONGEST_CLOSED_DAYS)
MOST_LOOKS = 3  # at how much more is due before a promise that the work itself put off


@dataclass(frozen=True, slots=True)
class Basket:
    """What a place has to pick: of how many lines, how many pieces; `minutes` of preparation besides."""

    lines: int = 1
    pieces: int = 1
    minutes: int = 0

    @classmethod
    def of(cls, goods: Mapping[int, int]) -> "Basket":
        return cls(len(goods), sum(goods.values()), preparation.minutes_of(goods))

    @classmethod
    def of_lines(cls, lines: Iterable[tuple[int, int]]) -> "Basket":
        """Return the basket of lines (product, pieces); a product may stand in several."""
        found, goods = list(lines), Counter[int]()
        for product_id, pieces in found:
            goods[product_id] += pieces
        return cls(len(found), goods.total(), preparation.minutes_of(goods))


ONE = Basket()


@dataclass(frozen=True, slots=True)
class Carriage:
    """By which service and zone something is sent, as routing chose it."""

    service: Service
    zone: Zone


@dataclass(frozen=True, slots=True)
class Sent:
    """By when a shipment leaves, and by when it arrives at the latest."""

    leaves_by: datetime
    arrives_by: datetime


def ready_at(
    place: LocationRef, method: str, basket: Basket = ONE, *, due: datetime | None = None, at: datetime
) -> datetime | None:
    """Return when a basket ordered now is ready if it is due then (None: after all work that waits); None if it never is."""
    terms = method_terms.of(place.id, method)
    minutes = place.pickup_lead_minutes + terms.minutes + terms.minutes_per_line * basket.lines + basket.minutes
    node = standing.now().nodes.get(place.id)
    if node is not None:
        waiting = loads.now().get(place.id, loads.NOTHING).before(due)
        speed = node.people * node.pieces_per_hour
        minutes += -(-waiting * 60 // speed) + -(-basket.pieces * 60 // speed)
    begin = at
    if terms.cut_off is not None and _local(place, at).time() > terms.cut_off:
        begin = _midnight(place, _local(place, at).date() + timedelta(days=1))
    if not place.opening_hours:
        return begin + timedelta(minutes=minutes)
    return pickup_windows.ready_after(place, minutes, at=begin)


# --- what is fetched --------------------------------------------------------------------------------------------------


def fetched(place: LocationRef, method: str, starts_at: datetime, basket: Basket = ONE, *, at: datetime) -> Interval:
    """Return the window that starts then, if the basket can be ready at its start. Raises: WindowClosed with alternatives."""
    window = pickup_windows.find(place, starts_at, at=at)
    has_figures = place.id in standing.now().nodes or method_terms.of(place.id, method) != method_terms.USUAL
    if not has_figures and not basket.minutes:
        return window  # its lead time is all there is, and that was looked at
    ready = ready_at(place, method, basket, due=window[0], at=at)
    if ready is not None and ready <= window[0]:
        return window
    name = pickup_windows.window_id(place, starts_at)
    offered = windows(place, method, basket, at=at, days=place.pickup_horizon_days + 1)
    raise WindowClosed(
        f"{place.name} can't have this ready by {clock.utc_text(starts_at)}: too much waits there, or it is too late for it.",
        errors=[{"field": "window", "value": name, "message": "not ready by then"}],
        window=name,
        earliest_ready_at=clock.utc_text(ready) if ready else None,
        alternatives=pickup_windows.told([one for one in offered if one.left]),
    )


def windows(place: LocationRef, method: str, basket: Basket = ONE, *, at: datetime, days: int) -> list[Window]:
    """Return the windows at whose start a basket can be ready, with what is left of each."""
    return [
        window
        for window in pickup_windows.open_windows(place, at=at, days=days)
        if (ready := ready_at(place, method, basket, due=window.starts_at, at=at)) is not None
        and ready <= window.starts_at
    ]


# --- what is sent to a store, to be fetched there ---------------------------------------------------------------------


def to_store(place: LocationRef, store: LocationRef, basket: Basket = ONE, *, at: datetime) -> Sent:
    """Return by when goods leave a place for a store of ours, and by when they wait there: at the end of the day they come."""
    leaves = sent(place, Method.SHIP_TO_STORE, basket, country=store.country, at=at).leaves_by
    return Sent(
        leaves, taken_in(store, _local(store, leaves).date() + timedelta(days=transit.transfer_days(place, store)))
    )


def taken_in(store: LocationRef, day: date) -> datetime:
    """Return by when what comes to a store on a day waits there: at the end of the first day on which somebody takes it in."""
    for later in range(LONGEST_CLOSED.days):  # nobody takes it in, and nobody fetches it, while the store is closed
        hours = next(pickup_windows.opening_days(store, start=end_of(store, day + timedelta(days=later)), days=1))
        if hours:
            return hours[-1][1]
    return end_of(store, day)


# --- what is sent -----------------------------------------------------------------------------------------------------


def carriage(place: LocationRef, service: str, zone: str) -> Carriage | None:
    """Return a service and its zone by their codes; None where the carrier isn't known any more."""
    for one in standing.now().tariffs.by_origin.get(place.country, ()):
        if one.code == service:
            return next((Carriage(one, each) for each in one.zones if each.code == zone), None)
    return None


def sent(
    place: LocationRef,
    method: str,
    basket: Basket = ONE,
    *,
    country: str,
    way: Carriage | None = None,
    at: datetime,
) -> Sent:
    """Return by when what is sent leaves a place and arrives, if its goods are there `at` an instant. Raises: TooLateToday."""
    if method == Method.SAME_DAY:
        return _today(place, basket, way, at=at)
    leaves = at + SHIPS_WITHIN
    ready = None
    for look in range(MOST_LOOKS + 1):
        due = leaves if look < MOST_LOOKS else None
        ready = ready_at(place, method, basket, due=due, at=at)
        if ready is None or ready <= leaves:
            break
        leaves = ready
    usual = _local(place, leaves).date() + timedelta(days=transit.parcel_days(place, country))
    days = [usual]
    if way is not None:
        collected = way.service.leaves_on(_local(place, ready or leaves))
        leaves = max(
            leaves, datetime.combine(collected, way.service.cut_off, ZoneInfo(place.time_zone)).astimezone(UTC)
        )
        days.append(way.service.arrives_on(collected, way.zone.days, country))
    return Sent(leaves, end_of(place, max(days)))


def sent_by_anyone(country: str, basket: Basket = ONE, *, at: datetime) -> Sent:
    """Return by when something is sent whichever place will do it: the slowest of those that ship there counts."""
    found = [
        sent(place, Method.SHIP, basket, country=country, at=at)
        for place in locations.serving(country)
        if Capability.SHIP in place.capabilities
    ]
    return slowest(found) if found else Sent(at + SHIPS_WITHIN, at + SHIPS_WITHIN + LONGEST_PARCEL)


def _today(place: LocationRef, basket: Basket, way: Carriage | None, *, at: datetime) -> Sent:
    today = _local(place, at).date()
    terms = method_terms.of(place.id, Method.SAME_DAY)
    ready = ready_at(place, Method.SAME_DAY, basket, due=end_of(place, today), at=at)
    is_late = ready is None or _local(place, ready).date() != today
    if not is_late and way is not None and ready is not None:
        is_late = way.service.leaves_on(_local(place, ready)) != today
    if is_late or ready is None:
        until = f" (orders until {terms.cut_off:%H:%M})" if terms.cut_off else ""
        raise TooLateToday(
            f"{place.name} can't prepare this today any more{until}; choose a shipment or a pickup, or order again tomorrow.",
            errors=[{"field": "method", "value": "same_day", "message": "too late for today"}],
            location=place.code,
            earliest_ready_at=clock.utc_text(ready) if ready else None,
        )
    return Sent(ready, end_of(place, today))


# --- goods to come, and what inventory asks ---------------------------------------------------------------------------


def shipped_by(place: LocationRef, goods_on: date, *, at: datetime) -> datetime:
    """Return by when an order leaves whose goods come on a day: they may come at its very end."""
    return sent(place, Method.SHIP, country=place.country, at=max(end_of(place, goods_on), at)).leaves_by


def earliest_pickup(place: LocationRef, goods_at: datetime) -> datetime | None:
    """Return the start of the first pickup window with room, if the place offers pickup and has one in its horizon."""
    if Capability.PICKUP not in place.capabilities:
        return None
    offered = windows(place, Method.PICKUP, at=goods_at, days=place.pickup_horizon_days + 1)
    return next((window.starts_at for window in offered if window.left), None)


def earliest_delivery(place: LocationRef, goods_at: datetime, country: str) -> Delivery | None:
    """Return by when a shipment leaves and arrives, if the place ships and no customs border lies between."""
    if Capability.SHIP not in place.capabilities or not geography.same_customs_area(place.country, country):
        return None
    found = sent(place, Method.SHIP, country=country, at=goods_at)
    return Delivery(found.leaves_by, _local(place, found.arrives_by).date())


def slowest(found: Iterable[Sent]) -> Sent:
    """Return by when the last of some shipments leaves and arrives."""
    every = list(found)
    return Sent(max(one.leaves_by for one in every), max(one.arrives_by for one in every))


def end_of(place: LocationRef, day: date) -> datetime:
    """Return the end of a day on the wall of a place, in UTC as all that is told."""
    return datetime.combine(day, time.max.replace(microsecond=0), ZoneInfo(place.time_zone)).astimezone(UTC)


def _local(place: LocationRef, moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(place.time_zone))


def _midnight(place: LocationRef, day: date) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(place.time_zone)).astimezone(UTC)
