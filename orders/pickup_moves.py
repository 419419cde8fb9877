"""Moving a pickup to another window or store: place in the window, goods and promise change together or not at all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser

from commerce import quotas
from commerce.actors import Actor, ActorKind
from commerce.quotas import QuotaExhausted
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory import allocations, availability, ledger
from inventory.allocations import Demand
from inventory.ledger import LevelKey
from inventory.places import locations
from inventory.places.locations import LocationRef
from orders import (
    errors,
    events,
    fulfilment,
    leases,
    lifecycle,
    pickup_codes,
    pickup_places,
    pickup_windows,
    promise_history,
    promises,
    visits,
)
from orders.fulfilment import Work
from orders.lifecycle import State
from orders.pickup_windows import Window
from orders.promise_reasons import PromiseReason
from orders.queries import FulfilmentView
from orders.routing import worlds

MOST_MOVES_BY_CUSTOMERS = 3
MOST_STORES = 5
MOST_WINDOWS = 12
# Where goods lie picked they stay: another store would have to pick them anew, this one put them back.
TO_OTHER_STORES = frozenset({State.PLACED})
TO_OTHER_WINDOWS = lifecycle.MOVABLE


@dataclass(frozen=True, slots=True)
class Choice:
    """A store that could hand the pickup over, with its next windows that have room."""

    location: LocationRef
    windows: tuple[Window, ...]
    is_same: bool


@transaction_required
def move(
    fulfilment_id: UUID,
    *,
    location_id: int,
    starts_at: datetime,
    by: Actor,
    at: datetime,
    user: AbstractUser | None = None,
    reason: str = "",
) -> None:
    """Move a pickup to the window that starts then at a store, its own or another that has all of its goods.

    Its place in the old window and the goods of the old store are free again; the promise is the new window, and a new store
    gives it a new code. Customers move a pickup three times at most, staff (`user`) where they work as often as needed.
    Raises: MoveNotAllowed, TooManyMoves, WindowClosed, WindowFull, LocationNotAble, InsufficientStock, NotAllowed,
    FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    held = work.fulfilment
    if user is not None:
        leases.permit(user, work, Permission.WORK_PICKUPS)
    _check(work, by=by)
    target = locations.by_id(location_id)
    is_same = location_id == held.location_id
    if not is_same and not _may_leave_its_store(held.state, (line.picked for line in work.lines_of(held))):
        raise errors.MoveNotAllowed(
            "The goods are being prepared at their store already; choose another window there.", state=held.state
        )
    if held.method not in target.capabilities:
        raise errors.LocationNotAble(f"{target.name} does not offer this kind of pickup.", location=target.code)
    if is_same and held.window_starts_at == starts_at:
        return
    goods = [line for line in work.lines_of(held) if line.missing]
    basket = promises.Basket.of_lines((line.product_id, line.missing) for line in goods)
    if is_same and not goods:  # picked already: nothing has to be prepared
        window = pickup_windows.find(target, starts_at, at=at)
    else:
        window = promises.fetched(target, held.method, starts_at, basket, at=at)
    before = {
        "location": locations.by_id(held.location_id).code,
        "window_starts_at": held.window_starts_at,
        "promised_at": held.promised_at,
    }
    changes = _slot(work, target, window, at=at)
    pickup_places.give_up(work, [held], keeps_days="day_hold_ids" not in changes, at=at)
    if not is_same:
        changes |= _goods(work, target, by=by, at=at)
    if held.state == State.READY and held.keep_until is not None:
        kept = lifecycle.kept_until(max(window[1], at), target.pickup_keep_days, target.time_zone)
        changes["keep_until"] = kept
    if by.kind is ActorKind.CUSTOMER:
        visits.count_move(work, at=at)
    promise_history.keep(held, before["promised_at"], window[0], PromiseReason.MOVED, by=by, at=at)
    fulfilment.amend(work, held, at=at, **changes)
    fulfilment.conclude(
        work,
        verb="orders.pickup_moves.move",
        event=events.PickupMoved,
        told={
            "from_location": before["location"],
            "from_window_starts_at": before["window_starts_at"],
            "window_starts_at": window[0],
        },
        by=by,
        at=at,
        reason=reason,
        before=before,
        after={"location": target.code, "window_starts_at": window[0], "promised_at": window[0]},
    )


def choices(held: FulfilmentView, *, channel_id: int, at: datetime) -> list[Choice]:
    """Return where and when a pickup could be fetched instead: its own store first, then others that have all of its goods."""
    state = State(held.state)
    if state not in TO_OTHER_WINDOWS or held.method not in lifecycle.COLLECTED:
        return []
    own = locations.by_id(held.location_id)
    basket = promises.Basket.of_lines((line.product_id, line.missing) for line in held.lines if line.missing)
    found = [Choice(own, _next_windows(own, held.method, basket, but=held.window_starts_at, at=at), True)]
    if _may_leave_its_store(held.state, (line.picked for line in held.lines)):
        found += [
            Choice(place, _next_windows(place, held.method, basket, but=None, at=at), False)
            for place in _stores(held, channel_id, at=at)
        ]
    return [choice for choice in found if choice.windows]


def _may_leave_its_store(state: str, picked: Iterable[int]) -> bool:
    """Whether another store may hand a pickup over: nobody has begun it, and nothing of it lies picked at its store."""
    return State(state) in TO_OTHER_STORES and not any(picked)


def _stores(held: FulfilmentView, channel_id: int, *, at: datetime) -> list[LocationRef]:
    own = locations.by_id(held.location_id)
    wanted: dict[int, int] = {}
    for line in held.lines:
        wanted[line.product_id] = wanted.get(line.product_id, 0) + line.quantity - line.rejected
    able = [
        place
        for place in locations.active()
        if place.id != own.id and held.method in place.capabilities and place.country == own.country
    ]
    figures = availability.figures_of_channels(
        wanted, {channel_id}, location_ids=[place.id for place in able], at=at
    ).get(channel_id, [])
    there: dict[int, dict[int, int]] = {}
    for figure in figures:
        there.setdefault(figure.location_id, {})[figure.product_id] = figure.available
    full = [
        place
        for place in able
        if all(there.get(place.id, {}).get(product_id, 0) >= pieces for product_id, pieces in wanted.items())
    ]
    origin = (own.latitude, own.longitude) if own.latitude is not None and own.longitude is not None else None
    far = float("inf")

    def distance(place: LocationRef) -> float:
        measured = place.distance_to(*origin) if origin else None
        return far if measured is None else measured

    return sorted(full, key=lambda place: (distance(place), place.code))[:MOST_STORES]


def _next_windows(
    place: LocationRef, method: str, basket: promises.Basket, *, but: datetime | None, at: datetime
) -> tuple[Window, ...]:
    days = place.pickup_horizon_days + 1
    offered = promises.windows(place, method, basket, at=at, days=days)
    free = [one for one in offered if one.left and one.starts_at != but]
    return tuple(free[:MOST_WINDOWS])


def _check(work: Work, *, by: Actor) -> None:
    held = work.fulfilment
    if held.method not in lifecycle.COLLECTED or State(held.state) not in TO_OTHER_WINDOWS:
        raise errors.MoveNotAllowed("This pickup can't be moved any more.", state=held.state, method=held.method)
    if by.kind is ActorKind.CUSTOMER and visits.of(held.id).moves >= MOST_MOVES_BY_CUSTOMERS:
        raise errors.TooManyMoves(
            f"A pickup is moved {MOST_MOVES_BY_CUSTOMERS} times at most; please speak to the store.",
            most=MOST_MOVES_BY_CUSTOMERS,
        )


def _slot(work: Work, target: LocationRef, window: tuple[datetime, datetime], *, at: datetime) -> dict[str, object]:
    """Take a place in the new window; the old one is locked with it, so that two who cross don't wait for each other."""
    held = work.fulfilment
    purpose = f"order:{work.order.pk}"
    booking = pickup_windows.booking(target, window[0], purpose=purpose)
    wanted = [booking, *worlds.day_claims(target, held.method, purpose=purpose, at=window[0])]
    locked, keeps_day = list(wanted), False
    if held.window_starts_at is not None:
        own = locations.by_id(held.location_id)
        locked.append(pickup_windows.booking(own, held.window_starts_at, purpose=purpose))
        locked += worlds.day_claims(own, held.method, purpose=purpose, at=held.window_starts_at)
        keeps_day = own.id == target.id and _is_same_day(own, held.window_starts_at, window[0])
    claims = quotas.Claims(locked, at=at)
    try:
        hold_id, *days = claims.take(wanted[:1] if keeps_day else wanted)
    except QuotaExhausted as exhausted:
        if exhausted.detail.get("key") != booking.key:
            raise pickup_windows.day_full(target, window[0], at=at) from exhausted
        raise pickup_windows.full(target, window[0], at=at) from exhausted
    claims.write()
    changes: dict[str, object] = {
        "slot_hold_id": hold_id,
        "window_starts_at": window[0],
        "window_ends_at": window[1],
        "promised_at": window[0],
    }
    return changes if keeps_day else {**changes, "day_hold_ids": days}


def _is_same_day(place: LocationRef, one: datetime, other: datetime) -> bool:
    zone = ZoneInfo(place.time_zone)
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def _goods(work: Work, target: LocationRef, *, by: Actor, at: datetime) -> dict[str, object]:
    """Promise the goods at the new store and free those of the old one, under one lock of all their levels."""
    held = work.fulfilment
    lines = [line for line in work.lines_of(held) if line.quantity > line.rejected]
    places: Sequence[int] = (held.location_id, target.id)
    ledger.lock([LevelKey(line.product_id, place) for line in lines for place in places], at=at)
    allocated = allocations.allocate(
        [
            Demand(line.order_line_id, line.product_id, target.id, line.quantity - line.rejected, line.id)
            for line in lines
        ],
        by=by,
        at=at,
        channel_id=work.order.channel_id,
    )
    allocations.release(fulfilment.allocated_parts(lines), by=by, at=at, reason="pickup moved")
    for line in lines:
        fulfilment.grow(line, 0, allocated[line.id])
    [code] = pickup_codes.draw([target.id])
    return {"location_id": target.id, "pickup_code": code, "failed_code_attempts": 0}
