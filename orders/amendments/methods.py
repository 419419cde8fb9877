"""Another way to the customer: what nobody has begun goes out by another method, perhaps from another place, with its promise.

Goods, windows, days and promise change together or not at all. Prices stay: what an order costs does not depend on its way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commerce import quotas
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import savepoint
from inventory import allocations, ledger
from inventory.allocations import Demand
from inventory.errors import InsufficientStock
from inventory.kits import Part
from inventory.ledger import LevelKey
from inventory.places import geography, locations
from inventory.places.locations import LocationRef
from inventory.stock import Capability
from orders import errors, fulfilment, pickup_codes, pickup_places, pickup_windows, promise_history, promises
from orders.amendments import divisions
from orders.amendments.wishes import MethodChange
from orders.fulfilment import Work
from orders.lifecycle import COLLECTED, SENT, Method
from orders.models import Fulfilment, FulfilmentLine
from orders.promise_reasons import PromiseReason
from orders.promises import Basket
from orders.routing import again, worlds
from orders.routing.again import Again
from orders.sourcing.criteria import Reason

MOST_TRIED = 3  # places: goods that were seen may be gone when they are claimed
# Why a place can't send this at all, whoever's goods lie there.
UNABLE = (Reason.EMBARGO, Reason.HAZARDOUS, Reason.BEHIND_CUSTOMS, Reason.NO_CARRIER, Reason.INACTIVE, Reason.PAUSED)


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a part would be served by a method: the place, the window or the store, and how routing came to it."""

    place: LocationRef
    method: Method
    window_starts_at: datetime | None = None
    store: LocationRef | None = None
    found: Again | None = None


def change(work: Work, wish: MethodChange, *, by: Actor, at: datetime) -> None:
    """Let a part that nobody has begun go out another way; of what is sent, from the best place by the live policy.

    Raises: CannotChange when it was begun, waits for goods, or goes that way already; LocationNotAble, WindowClosed, WindowFull,
    TooLateToday, InsufficientStock, AddressNotServed when nobody can send it there, FulfilmentNotFound.
    """
    one = divisions.untouched(work, wish.fulfilment_id)
    lines = _lines(work, one)
    method = Method(wish.method)
    if (method, wish.location or None) == (Method(one.method), _where(one) if wish.location else None):
        raise errors.CannotChange(
            "This part goes out that way already. A pickup is moved by its window.", method=one.method
        )
    for line in lines:
        divisions.refuse_waiting(line)
    _try(work, one, _ways(work, one, lines, wish, method, at=at), lines, by=by, at=at)


def serve_address(work: Work, one: Fulfilment, *, by: Actor, at: datetime) -> None:
    """Make sure that a part can go to the order's address: where its place can't send that, and nobody has begun it, another
    place does. Raises: AddressNotServed when none can, or when it was begun.
    """
    lines = _lines(work, one)
    method = Method(one.method)
    found = _look(work, lines, method, at=at)
    own = locations.by_id(one.location_id)
    why = _unable(found, own)
    if not why:
        return
    said = ", ".join(why)
    try:
        divisions.untouched(work, one.pk)
        _try(work, one, iter([_Way(place, method, found=found) for place, _ in found.places]), lines, by=by, at=at)
    except CommerceError as refusal:
        raise errors.AddressNotServed(
            f"{own.name} can't send this there ({said}), and no other place can take it over. Choose another address, or cancel "
            "this part.",
            errors=[
                {
                    "field": "ship_to.postal_code",
                    "value": (work.order.ship_to or {}).get("postal_code"),
                    "message": said,
                }
            ],
            reasons=why,
        ) from refusal


def _try(
    work: Work, one: Fulfilment, ways: Iterator[_Way], lines: Sequence[FulfilmentLine], *, by: Actor, at: datetime
) -> None:  # fmt: skip
    refusal: CommerceError | None = None
    for number, way in enumerate(ways):
        if number >= MOST_TRIED:
            break
        try:
            with savepoint():
                _go(work, one, way, lines, by=by, at=at)
        except (InsufficientStock, quotas.QuotaExhausted) as short:
            refusal = refusal or _explained(short, way, at=at)
            continue
        return
    raise refusal or errors.AddressNotServed(
        "No place that has all of this can send it there. Split it first, or choose another way.",
        errors=[{"field": "methods", "value": None, "message": "nobody able"}],
    )


def _explained(short: CommerceError, way: _Way, *, at: datetime) -> CommerceError:
    if not isinstance(short, quotas.QuotaExhausted):
        return short
    if way.window_starts_at is None:
        return errors.CannotChange(f"{way.place.name} takes no more orders today.", location=way.place.code)
    booked = pickup_windows.booking(way.place, way.window_starts_at, purpose="").key
    full = pickup_windows.full if short.detail.get("key") == booked else pickup_windows.day_full
    return full(way.place, way.window_starts_at, at=at)


def _ways(
    work: Work, one: Fulfilment, lines: Sequence[FulfilmentLine], wish: MethodChange, method: Method, *, at: datetime
) -> Iterator[_Way]:  # fmt: skip
    """Yield where it could be served, the best first."""
    own = locations.by_id(one.location_id)
    if method in COLLECTED:
        place = locations.ref(wish.location) if wish.location else own
        if method.value not in place.capabilities:
            raise errors.LocationNotAble(f"{place.name} does not offer this kind of pickup.", location=place.code)
        if wish.window_starts_at is None:
            raise errors.CannotChange(
                "Name a window of the store: GET /api/v1/pickup-windows lists them.", field="window"
            )
        yield _Way(place, method, wish.window_starts_at)
        return
    store = None
    if method is Method.SHIP_TO_STORE:
        store = locations.ref(wish.location) if wish.location else own
        if Capability.PICKUP not in store.capabilities or not store.is_active:
            raise errors.LocationNotAble(f"{store.name} hands nothing out to customers.", location=store.code)
    elif not all((work.order.ship_to or {}).get(name) for name in ("postal_code", "city", "country")):
        raise errors.CannotChange(
            "The order has no address to send it to. Give one with the same change.",
            errors=[{"field": "ship_to", "value": None, "message": "postal code, city and country are needed"}],
        )
    found = _look(work, lines, method, store=store, at=at)
    ranked = [place for place, _ in found.places]
    # Its own goods are promised to it already, so that a look at what is free does not see them.
    if own not in ranked and Capability.SHIP in own.capabilities and own != store and not _unable(found, own):
        ranked.insert(0, own)
    for place in ranked:
        yield _Way(place, method, store=store, found=found)


def _look(
    work: Work, lines: Sequence[FulfilmentLine], method: Method, *, store: LocationRef | None = None, at: datetime
) -> Again:  # fmt: skip
    to = work.order.ship_to or {}
    if store is not None:
        country, north, east = store.country, store.latitude, store.longitude
        point = (north, east) if north is not None and east is not None else None
    else:
        key = (str(to.get("country", "")), str(to.get("postal_code", "")).strip())
        country, point = key[0], locations.places([key]).get(key)
    worlds.forget()  # as it is now: a change is confirmed as it was looked at
    return again.look(
        [Part(line.order_line.product_id, line.product_id, line.quantity - line.rejected, line.per_unit) for line in lines],
        method=method.value if method in SENT else Method.SHIP.value, channel_id=work.order.channel_id, country=country,
        point=point, beside=[store.id] if store else (), value_minor=work.order.total_minor, at=at,
    )  # fmt: skip


def _unable(found: Again, place: LocationRef) -> list[str]:
    return [reason.value for reason in UNABLE if place.code in found.decision.excluded.get(reason, ())]


def _go(
    work: Work, one: Fulfilment, way: _Way, lines: Sequence[FulfilmentLine], *, by: Actor, at: datetime
) -> None:  # fmt: skip
    place, method = way.place, way.method
    basket = Basket.of_lines((line.product_id, line.quantity - line.rejected) for line in lines)
    window, deliver_by = None, None
    if method in COLLECTED:
        window = promises.fetched(place, method, way.window_starts_at or at, basket, at=at)
        promised_at = window[0]
    else:
        sent = (
            promises.to_store(place, way.store, basket, at=at)
            if way.store is not None
            else promises.sent(place, method, basket, country=_country(work, place), at=at)
        )
        promised_at, deliver_by = sent.leaves_by, sent.arrives_by
    slot, days = _claims(work, one, way, window, at=at)
    pickup_places.give_up(work, [one], at=at)
    if place.id != one.location_id:
        _take_goods(work, one, place, lines, by=by, at=at)
    promise_history.keep(one, one.promised_at, promised_at, PromiseReason.MOVED, by=by, at=at)
    changes: dict[str, Any] = {
        "method": method.value,
        "location_id": place.id,
        "store_id": way.store.id if way.store else None,
        "window_starts_at": window[0] if window else None,
        "window_ends_at": window[1] if window else None,
        "slot_hold_id": slot,
        "day_hold_ids": days,
        "promised_at": promised_at,
        "deliver_by": deliver_by,
        "pickup_code": pickup_codes.draw([place.id])[0] if window else "",
        "failed_code_attempts": 0,
    }
    fulfilment.amend(work, one, at=at, **changes)
    if way.found is not None:
        again.keep(work.order.pk, way.found, place, attempt=1, at=at)


def _claims(
    work: Work, one: Fulfilment, way: _Way, window: tuple[datetime, datetime] | None, *, at: datetime
) -> tuple[Any, list[Any]]:
    """Claim the window and the days of the new way; those of the old one are locked with them, as `pickup_moves` does."""
    purpose, own = f"order:{work.order.pk}", locations.by_id(one.location_id)
    day = window[0] if window else at
    wanted = [pickup_windows.booking(way.place, window[0], purpose=purpose)] if window else []
    wanted += worlds.day_claims(way.place, way.method, purpose=purpose, at=day)
    locked = [*wanted, *worlds.day_claims(own, one.method, purpose=purpose, at=one.window_starts_at or at)]
    if one.window_starts_at is not None:
        locked.append(pickup_windows.booking(own, one.window_starts_at, purpose=purpose))
    claims = quotas.Claims(locked, at=at)
    held = claims.take(wanted)
    claims.write()
    return (held[0], list(held[1:])) if window else (None, list(held))


def _take_goods(
    work: Work, one: Fulfilment, place: LocationRef, lines: Sequence[FulfilmentLine], *, by: Actor, at: datetime
) -> None:  # fmt: skip
    """Promise the goods at the new place and free those of the old one, under one lock of all their levels."""
    ledger.lock(
        [LevelKey(line.product_id, there) for line in lines for there in (one.location_id, place.id)],
        at=at,
        create=True,
    )
    allocated = allocations.allocate(
        [
            Demand(line.order_line_id, line.product_id, place.id, line.quantity - line.rejected, line.id)
            for line in lines
        ],
        by=by, at=at, channel_id=work.order.channel_id,
    )  # fmt: skip
    allocations.release(fulfilment.allocated_parts(lines), by=by, at=at, reason="goes another way")
    for line in lines:
        fulfilment.grow(line, 0, allocated[line.id])


def _lines(work: Work, one: Fulfilment) -> list[FulfilmentLine]:
    return [line for line in work.lines_of(one) if line.quantity > line.rejected]


def _where(one: Fulfilment) -> str:
    return locations.by_id(one.store_id or one.location_id).code


def _country(work: Work, place: LocationRef) -> str:
    country = str((work.order.ship_to or {}).get("country") or place.country)
    if not geography.same_customs_area(place.country, country):
        raise errors.AddressNotServed(
            f"{place.name} can't send goods to {country}: customs lie between them.",
            errors=[{"field": "ship_to.country", "value": country, "message": "behind customs"}],
        )
    return country
