"""What follows a shortage: another place serves it by itself where that can be, else the customer is asked what they prefer.

A rejection has taken the pieces off the order already, so nobody owes or is owed anything meanwhile. Serving them elsewhere puts
exactly those on again, to the cent, with the promise of goods in the same transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import ids, quotas
from commerce.actors import Actor
from commerce.transactions import savepoint, transaction_required
from inventory import allocations, availability
from inventory import queries as stock
from inventory.allocations import Demand
from inventory.kits import Part
from inventory.places import geography, locations
from inventory.places.locations import LocationRef
from orders import (
    cancellation,
    errors,
    events,
    fulfilment,
    pickup_codes,
    pickup_windows,
    promise_history,
    promises,
    rejections,
    shortages,
)
from orders.floor import RejectReason, ShortageState
from orders.fulfilment import Work
from orders.lifecycle import COLLECTED, SENT, Action, Method, OrderStatus, State
from orders.models import FulfilmentLine, Shortage
from orders.promise_reasons import PromiseReason
from orders.routing import again, standing, worlds

MOST_TRIED = 3  # candidates at one look: goods that were seen may be gone when they are claimed
ASKED_FOR = timedelta(days=3)  # that long a customer may choose
WAITS_FOR = timedelta(days=14)
LOOKS_EVERY = timedelta(minutes=30)
WINDOW_DAYS = 7


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shortage could be served: a place with all of its pieces, and how far it is from where they are wanted."""

    location: LocationRef
    distance_km: float | None
    found: again.Again | None = None  # how routing came to it


@transaction_required
def follow(shortage_id: UUID, *, by: Actor, at: datetime) -> ShortageState:
    """Take the next step with a shortage: serve it elsewhere, ask its customer, look again, or end it when its time is over.

    A shortage that is settled stays as it is. Raises: what holds the order (then the next look is later).
    """
    row = shortages.get(shortage_id)
    work = fulfilment.claim_order(row.order_id)
    row = shortages.get(shortage_id)  # as it is now that nobody else can change it
    state = ShortageState(row.state)
    if state.is_over:
        return state
    if work.status in (OrderStatus.CANCELLED, OrderStatus.RETURNED):
        return _settle(work, row, ShortageState.ENDED, by=by, at=at)
    if state is ShortageState.ASKED:
        is_over = row.next_attempt_at is not None and row.next_attempt_at <= at
        return _settle(work, row, ShortageState.ENDED, by=by, at=at) if is_over else state
    method = Method(row.fulfilment.method)
    own = locations.by_id(row.location_id)
    if state is ShortageState.WAITING:
        if row.wait_until is not None and row.wait_until <= at:
            return _settle(work, row, ShortageState.ENDED, by=by, at=at)
        places = able(work, row, method=method, beside=(), at=at)
        if method in COLLECTED:
            places = [place for place in places if place.location.id == own.id]
        if serve_first(work, row, places, method=method, by=by, at=at):
            return ShortageState.REROUTED
        shortages.change(row, state, at=at, attempts=row.attempts + 1, next_attempt_at=at + LOOKS_EVERY)
        return state
    tried = shortages.places_tried(row)
    if method in (Method.SHIP, Method.SHIP_TO_STORE) and len(tried) < standing.now().policy.most_attempts:
        # Goods that came in since are new evidence; of those that got none, nobody is asked twice (law 13).
        refilled = stock.gained_since([(row.product_id, place_id, row.rejected_at) for place_id in tried])
        shut = tried - {place_id for _product_id, place_id in refilled}
        places = able(work, row, method=method, beside=shut, at=at)
        if serve_first(work, row, places, method=method, by=by, at=at):
            return ShortageState.REROUTED
    shortages.change(row, ShortageState.ASKED, at=at, attempts=row.attempts + 1, next_attempt_at=at + ASKED_FOR)
    work.focus = next(one for one in work.fulfilments if one.id == row.fulfilment_id)
    fulfilment.conclude(
        work, verb="orders.rerouting.ask", event=events.ShortageAsked, told=_told(row), by=by, at=at, after=_told(row)
    )
    return ShortageState.ASKED


def able(work: Work, row: Shortage, *, method: Method, beside: Iterable[int], at: datetime) -> list[Place]:
    """Return the places that have all pieces of a shortage and do the method, the best first: of what is sent by the routing
    policy, of what is fetched the nearest."""
    wanted = {line.product_id: row.units * line.per_unit for line in _kin(work, row)}
    origin, target = _target(work, row, method)
    shut = set(beside)
    is_to_store = method is Method.SHIP_TO_STORE
    if is_to_store and row.fulfilment.store_id:
        shut.add(row.fulfilment.store_id)
    if method in SENT or is_to_store:
        found = again.look(
            [
                Part(line.order_line.product_id, line.product_id, row.units * line.per_unit, line.per_unit)
                for line in _kin(work, row)
            ],
            method=Method.SHIP.value if is_to_store else method.value, channel_id=work.order.channel_id, country=target,
            point=origin, beside=shut,
            value_minor=work.order.total_minor, due_on=row.fulfilment.deliver_by.date() if row.fulfilment.deliver_by else None,
            at=at,
        )  # fmt: skip
        return [Place(place, km, found) for place, km in found.places]
    able_to = [
        place
        for place in locations.active()
        if place.id not in shut
        and method.value in place.capabilities
        and geography.same_customs_area(place.country, target)
    ]
    figures = availability.figures_of_channels(
        wanted, {work.order.channel_id}, location_ids=[place.id for place in able_to], at=at
    )
    there: dict[int, dict[int, int]] = {}
    for figure in figures.get(work.order.channel_id, []):
        there.setdefault(figure.location_id, {})[figure.product_id] = figure.available
    full = [
        place
        for place in able_to
        if all(there.get(place.id, {}).get(product_id, 0) >= pieces for product_id, pieces in wanted.items())
    ]
    measured = [Place(place, place.distance_to(*origin) if origin else None) for place in full]
    far = float("inf")
    return sorted(measured, key=lambda one: (far if one.distance_km is None else one.distance_km, one.location.code))


def serve_first(
    work: Work, row: Shortage, places: Sequence[Place], *, method: Method, by: Actor, at: datetime
) -> Place | None:
    """Serve a shortage from the first of the places that really has the goods; say which, or none."""
    for place in places[:MOST_TRIED]:
        try:
            with savepoint():
                _serve(work, row, place.location, method=method, by=by, at=at)
        except (
            quotas.QuotaExhausted,
            errors.WindowFull,
            errors.WindowClosed,
            errors.TooLateToday,
            allocations.InsufficientStock,
        ):
            continue
        if place.found is not None:
            again.keep(row.order_id, place.found, place.location, attempt=row.attempts, at=at)
        return place
    return None


def arrange(work: Work, row: Shortage, place: LocationRef, *, method: Method, at: datetime) -> dict[str, Any]:
    """Return what a further part of the order needs to be opened at a place: promise, day and window, the latter two claimed.

    Raises: WindowClosed, QuotaExhausted.
    """
    window, slot_hold_id, code, deliver_by = None, None, "", None
    purpose, requests = f"order:{row.order_id}", []
    kin = _kin(work, row)
    basket = promises.Basket.of_lines((line.product_id, row.units * line.per_unit) for line in kin)
    day = at
    if method in COLLECTED:
        offered = promises.windows(place, method, basket, at=at, days=WINDOW_DAYS)
        first = next((one for one in offered if one.left), None)
        if first is None:
            raise errors.WindowClosed(f"{place.name} has no pickup window with room in the next days.")
        requests.append(pickup_windows.booking(place, first.starts_at, purpose=purpose))
        window, promised_at = (first.starts_at, first.ends_at), first.starts_at
        day = first.starts_at
        [code] = pickup_codes.draw([place.id])
    else:
        promised = (
            promises.to_store(place, locations.by_id(row.fulfilment.store_id), basket, at=at)
            if method is Method.SHIP_TO_STORE
            else promises.sent(place, method, basket, country=_target(work, row, method)[1], at=at)
        )
        promised_at, deliver_by = promised.leaves_by, promised.arrives_by
    requests += worlds.day_claims(place, method, purpose=purpose, at=day)
    claims = quotas.Claims(requests, at=at)
    held = claims.take(requests)
    claims.write()
    if window is not None:
        slot_hold_id, *held = held
    return {
        "promised_at": promised_at,
        "window": window,
        "slot_hold_id": slot_hold_id,
        "day_hold_ids": held,
        "deliver_by": deliver_by,
        "pickup_code": code,
        "store_id": row.fulfilment.store_id if method is Method.SHIP_TO_STORE else None,
    }


def _serve(work: Work, row: Shortage, place: LocationRef, *, method: Method, by: Actor, at: datetime) -> None:
    arranged = arrange(work, row, place, method=method, at=at)
    lines = [(ids.new(), line) for line in _kin(work, row)]
    allocated = allocations.allocate(
        [
            Demand(line.order_line_id, line.product_id, place.id, row.units * line.per_unit, line_id)
            for line_id, line in lines
        ],
        by=by,
        at=at,
        channel_id=work.order.channel_id,
    )
    made = fulfilment.open_another(
        work, location_id=place.id, method=method, at=at, **arranged,
        lines=[
            (line_id, line.order_line_id, line.product_id, row.units * line.per_unit, line.per_unit, allocated[line_id])
            for line_id, line in lines
        ],
    )  # fmt: skip
    promise_history.keep(made, row.fulfilment.promised_at, made.promised_at, PromiseReason.REROUTED, by=by, at=at)
    cancellation.cancel_pieces(work, {UUID(line_id): -count for line_id, count in row.restores.items()})
    shortages.change(row, ShortageState.REROUTED, at=at, new_fulfilment=made, attempts=row.attempts + 1)
    was = locations.by_id(row.location_id).code
    fulfilment.conclude(
        work, verb="orders.rerouting.serve", event=events.ShortageSettled, told=_told(row), by=by, at=at,
        before={"location": was}, after={**_told(row), "location": place.code},
    )  # fmt: skip


def settle(work: Work, row: Shortage, state: ShortageState, *, by: Actor, at: datetime) -> ShortageState:
    """End a shortage whose pieces stay off the order, and tell so."""
    return _settle(work, row, state, by=by, at=at)


def _settle(work: Work, row: Shortage, state: ShortageState, *, by: Actor, at: datetime) -> ShortageState:
    shortages.change(row, state, at=at)
    work.focus = next(one for one in work.fulfilments if one.id == row.fulfilment_id)
    fulfilment.conclude(
        work,
        verb="orders.rerouting.settle",
        event=events.ShortageSettled,
        told=_told(row),
        by=by,
        at=at,
        after=_told(row),
    )
    return state


@transaction_required
def reject_too(shortage_id: UUID, line_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Give up on what another order still wants of a product that is not there; say whether anything was given up.

    What was picked stays picked, and an order that somebody is picking right now is left to them: they are told. Raises: Conflict.
    """
    row = shortages.get(shortage_id)
    fulfilment_id = FulfilmentLine.objects.filter(pk=line_id).values_list("fulfilment_id", flat=True).first()
    if fulfilment_id is None:
        return False
    work = fulfilment.claim(fulfilment_id)
    held, line = work.fulfilment, work.line(line_id)
    is_held = held.lease_expires_at is not None and held.lease_expires_at > at
    if held.state not in shortages.UNPICKED or is_held or not line.missing or held.location_id != row.location_id:
        return False
    was_placed, missing = held.state == State.PLACED, line.missing
    if was_placed:
        fulfilment.advance(work, held, Action.ACCEPT, at=at)
    rejected = rejections.reject(work, line, missing, RejectReason.NOT_FOUND, user=None, by=by, at=at)
    has_goods = any(one.picked for one in work.lines_of(held))
    fulfilment.advance(work, held, Action.REJECT_LINE, at=at, is_on_shelf=has_goods)
    sku = line.order_line.product.sku
    told = {"sku": sku, "rejected": rejected.units, "reason": RejectReason.NOT_FOUND.value}
    if was_placed and not rejected.is_last:
        fulfilment.advance(work, held, Action.RELEASE, at=at)
    fulfilment.conclude(
        work, verb="orders.picking.reject_line", event=events.FulfilmentLineRejected, told=told, by=by, at=at,
        after={"sku": line.product.sku, "rejected": missing}, reason=RejectReason.NOT_FOUND.value,
    )  # fmt: skip
    if rejected.is_last:
        fulfilment.move(
            work, Action.REJECT, verb="orders.picking.reject", event=events.FulfilmentRejected, by=by, at=at,
            reason=RejectReason.NOT_FOUND.value, is_on_shelf=False,
        )  # fmt: skip
    return True


def _kin(work: Work, row: Shortage) -> list[FulfilmentLine]:
    return work.kin(next(line for line in work.lines if line.id == row.line_id))


def _target(work: Work, row: Shortage, method: Method) -> tuple[tuple[float, float] | None, str]:
    """Return where the pieces are wanted: the customer's address of a shipment, else the store they had chosen."""
    own = locations.by_id(row.fulfilment.store_id or row.location_id)
    ship_to = work.order.ship_to or {}
    if method is Method.SHIP and ship_to.get("postal_code"):
        key = (ship_to.get("country") or own.country, str(ship_to["postal_code"]).strip())
        return locations.places([key]).get(key), key[0]
    point = (own.latitude, own.longitude) if own.latitude is not None and own.longitude is not None else None
    return point, own.country


def _told(row: Shortage) -> dict[str, object]:
    return {"sku": row.line.order_line.product.sku, "units": row.units, "outcome": row.state}
