"""Splitting and merging: the same goods of the same place, in other parts. Money and promises to the customer stay."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from commerce import ids, quotas
from commerce.actors import Actor
from inventory import allocations
from inventory.allocations import Demand
from inventory.places import locations
from inventory.promising import backorders
from orders import errors, fulfilment, lifecycle, pickup_places
from orders.amendments.reductions import kinds
from orders.fulfilment import Work
from orders.lifecycle import Action, State
from orders.models import Fulfilment, FulfilmentLine
from orders.routing import worlds

MOVED = "moved_to_other_part"


def split(work: Work, fulfilment_id: UUID, units: Mapping[UUID, int], *, by: Actor, at: datetime) -> Fulfilment:
    """Move units of order lines from a fulfilment that nobody has begun into a new one at the same place.

    Raises: CannotChange when it was begun, has fewer units, or nothing would be left; FulfilmentNotFound.
    """
    one = untouched(work, fulfilment_id)
    by_line = kinds(work, one.id)
    for order_line_id, count in units.items():
        left = by_line[order_line_id][0].units if order_line_id in by_line else 0
        if not 1 <= count <= left:
            raise errors.CannotChange(f"This part has {left} units of that line, not {count}.", left=left)
    if all(units.get(order_line_id, 0) == kin[0].units for order_line_id, kin in by_line.items()):
        raise errors.CannotChange("That is all of this part; a split leaves something behind.")
    days = _claim_day(work, one, at=at)
    new = fulfilment.open_beside(work, one, day_hold_ids=days, at=at)
    for order_line_id, count in units.items():
        for line in by_line[order_line_id]:
            pieces = count * line.per_unit
            if pieces == line.quantity:
                fulfilment.hand_on(line, new)
                continue
            refuse_waiting(line)
            allocation_id = _promised_again(work, line, pieces, by=by, at=at)
            fulfilment.add_line(
                work, new, line.order_line, product_id=line.product_id, quantity=pieces, per_unit=line.per_unit,
                allocation_id=allocation_id,
            )  # fmt: skip
            fulfilment.shrink(line, pieces)
    fulfilment.amend(work, one, at=at)
    return new


def merge(work: Work, fulfilment_id: UUID, into: UUID, *, by: Actor, at: datetime) -> None:
    """Let a fulfilment that nobody has begun join another of the same place, method and window.

    Raises: CannotChange naming what differs, FulfilmentNotFound.
    """
    one, target = untouched(work, fulfilment_id), untouched(work, into)
    if one is target:
        raise errors.CannotChange("A part can't join itself.")
    for name in ("location_id", "store_id", "method", "window_starts_at"):
        if getattr(one, name) != getattr(target, name):
            raise errors.CannotChange(
                "Only parts of the same place, method and window can be merged; move one of them first.", differs=name
            )
    pickup_places.give_up(work, [one], at=at)
    there = {(line.order_line_id, line.product_id): line for line in work.lines_of(target)}
    for line in work.lines_of(one):
        pieces = line.quantity - line.rejected
        if pieces == 0:
            continue
        refuse_waiting(line)
        same = there.get((line.order_line_id, line.product_id))
        if same is None:
            allocation_id = _promised_again(work, line, pieces, by=by, at=at)
            fulfilment.add_line(
                work, target, line.order_line, product_id=line.product_id, quantity=pieces, per_unit=line.per_unit,
                allocation_id=allocation_id,
            )  # fmt: skip
        else:
            refuse_waiting(same)
            owed = same.quantity - same.rejected
            parts = [(line.allocation_id, pieces)] + ([(same.allocation_id, owed)] if owed else [])
            allocations.release(parts, by=by, at=at, reason=MOVED)
            fulfilment.grow(same, pieces, _allocated(work, line, pieces + owed, by=by, at=at))
        fulfilment.count(line, called_off=pieces, reason=MOVED)
    fulfilment.advance(work, one, Action.CANCEL, at=at)
    fulfilment.amend(work, target, at=at)


def _claim_day(work: Work, one: Fulfilment, *, at: datetime) -> list[UUID]:
    """Take a turn of the day of its place for one more parcel; what is fetched is one order all the same.

    Raises: CannotChange when the day is full.
    """
    if one.method in lifecycle.COLLECTED:
        return []
    place = locations.by_id(one.location_id)
    requests = worlds.day_claims(place, one.method, purpose=f"order:{work.order.pk}", at=at)
    claims = quotas.Claims(requests, at=at)
    try:
        held = claims.take(requests)
    except quotas.QuotaExhausted as full:
        raise errors.CannotChange(
            f"{place.name} takes no more parcels today; split it tomorrow, or cancel what can wait.",
            location=place.code,
        ) from full
    claims.write()
    return held


def untouched(work: Work, fulfilment_id: UUID) -> Fulfilment:
    """Return a part that nobody has begun. Raises: CannotChange when somebody has, FulfilmentNotFound."""
    one = next((one for one in work.fulfilments if one.id == fulfilment_id), None)
    if one is None:
        raise errors.FulfilmentNotFound("This order has no such part.", fulfilment=str(fulfilment_id))
    if State(one.state) is not State.PLACED or any(line.picked for line in work.lines_of(one)):
        raise errors.CannotChange(
            f"This part is '{one.state}'; only what nobody has begun to pick can be changed like this. Give it back to the queue.",
            state=one.state,
        )
    return one


def refuse_waiting(line: FulfilmentLine) -> None:
    """Refuse to touch what still waits for goods. Raises: CannotChange."""
    if backorders.of_demands([line.order_line_id]):
        raise errors.CannotChange(
            f"{line.product.sku} still waits for goods to come, and would lose its place in the line. Wait until they are there.",
            sku=line.product.sku,
        )


def _promised_again(work: Work, line: FulfilmentLine, pieces: int, *, by: Actor, at: datetime) -> UUID:
    """Let go of pieces of an allocation and promise the same pieces anew: nobody else can have them in between."""
    allocations.lock([line.allocation_id], at=at)
    allocations.release([(line.allocation_id, pieces)], by=by, at=at, reason=MOVED)
    return _allocated(work, line, pieces, by=by, at=at)


def _allocated(work: Work, line: FulfilmentLine, pieces: int, *, by: Actor, at: datetime) -> UUID:
    place = next(one.location_id for one in work.fulfilments if one.id == line.fulfilment_id)
    key = ids.new()
    demand = Demand(line.order_line_id, line.product_id, place, pieces, key)
    return allocations.allocate([demand], by=by, at=at)[key]
