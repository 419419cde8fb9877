"""The waiting list: first come, first served, without a stampede. An offer is a reservation, made only of what is free.

Where rules name priorities of channels, whose priority is better is served first, and within one who joined first.

Whoever waits is served before the channels are told that there are goods again. An offer that nobody takes in time goes to
the next; giving it back or leaving frees its goods at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min, Q, Sum
from django.utils import timezone

from commerce import audit, catalog, ids, locks, outbox, queries
from commerce.actors import Actor
from commerce.audit import AuditRow
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory import availability, incoming, kits, ledger, reservations
from inventory.errors import HoldEnded, WaitingEntryNotFound
from inventory.events import WaitingListEnded, WaitingListOffered
from inventory.models import WaitingEntry, WaitingOffer
from inventory.places import locations
from inventory.promising import promises, waiting_line
from inventory.reservations import ReservationRequest, Reserved
from inventory.waiting import RUNNING, Pick, WaitingState, picks

OFFER_LASTS = timedelta(hours=2)  # within reservations.LONGEST_LIFE: goods are not kept from sale for longer
MOST_WANTED = 100
PRODUCTS_AT_ONCE = 200
MOST_OFFERS = reservations.MOST_REQUESTS
KEEP_SUBSCRIBERS = timedelta(days=30)  # after the end: for questions, then nobody knows any more who it was
MOST_LISTED = 200

_IN_LINE = """
SELECT DISTINCT product_id FROM inventory_waitingentry
WHERE product_id = ANY(%s::bigint[]) AND state IN ('waiting', 'offered') ORDER BY product_id
"""
_OPEN_OFFERS = """
SELECT o.id, e.id, e.channel_id, e.product_id,
       CASE WHEN bool_or(h.state = 'consumed') THEN 'taken' WHEN bool_or(h.state = 'released') THEN 'declined'
            ELSE 'missed' END
FROM inventory_waitingoffer o JOIN inventory_waitingentry e ON e.id = o.entry_id
JOIN inventory_hold h ON h.reservation_id = o.id
WHERE o.outcome = 'offered' AND e.product_id = ANY(%s::bigint[])
GROUP BY o.id, e.id HAVING bool_or(h.state <> 'active' OR h.expires_at <= %s)
ORDER BY o.id
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """Goods that are held for someone until `expires_at`; `reservation_id` is what they order from."""

    reservation_id: UUID
    location_id: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """Someone who waits, as their channel reads it. `ahead`: how many wait for the same goods since longer."""

    id: UUID
    product_id: int
    location_id: int | None
    quantity: int
    subscriber: str
    state: WaitingState
    joined_at: datetime
    ended_at: datetime | None
    ahead: int
    offer: Offer | None
    supply_on: date | None


@transaction_required
def join(
    *,
    channel_id: int,
    product_id: int,
    location_id: int | None,
    quantity: int,
    subscriber: str,
    by: Actor,
    at: datetime,
) -> UUID:
    """Get in line for a product and return the entry's id; who is in this line already keeps their place and entry.

    When there are goods and nobody is before them, the offer is made at once.

    Raises: InvalidInput for a quantity out of bounds, a subscriber that is an address instead of a reference, or a charge.
    """
    _check(product_id, quantity, subscriber)
    same = {"channel_id": channel_id, "product_id": product_id, "location_id": location_id, "subscriber": subscriber}
    row = WaitingEntry(id=ids.new(), **same, quantity=quantity, state=WaitingState.WAITING.value, joined_at=at)
    # A twin that joins at the same moment waits here for the first, and then finds that entry.
    WaitingEntry.objects.bulk_create([row], ignore_conflicts=True)
    kept = WaitingEntry.objects.filter(**same, state__in=RUNNING).values_list("id", flat=True).first()
    if kept != row.id and kept is not None:
        return kept
    audit.record(
        "inventory.waiting_list.join", "waiting_entry", row.id, by=by,
        after={"product_id": product_id, "location_id": location_id, "quantity": quantity},
    )  # fmt: skip
    places = None if location_id is None else [location_id]
    figures = availability.figures([product_id], channel_id=channel_id, location_ids=places, at=at)
    if any(figure.available >= quantity for figure in figures):
        serve([product_id], by=by, at=at)
    return row.id


@transaction_required
def leave(entry_id: UUID, *, channel_id: int, by: Actor, at: datetime) -> None:
    """Leave the line; goods that were offered are free again. Leaving what is over already changes nothing.

    Raises: WaitingEntryNotFound.
    """
    row = _row(entry_id, channel_id)
    locks.hold(locks.Purpose.WAITING_LIST, str(row.product_id))
    _leave([_row(entry_id, channel_id)], by=by, at=at)


@transaction_required
def erase(subscriber: str, *, channel_id: int, by: Actor, at: datetime) -> int:
    """Forget a person: they leave every line, and no entry names them any more. Return how many entries did."""
    mine = WaitingEntry.objects.filter(channel_id=channel_id, subscriber=subscriber)
    if not subscriber:
        return 0
    for product_id in mine.order_by("product_id").values_list("product_id", flat=True).distinct():
        locks.hold(locks.Purpose.WAITING_LIST, str(product_id))
    rows = list(mine.order_by("product_id", "id"))
    _leave(rows, by=by, at=at)
    erased = WaitingEntry.objects.filter(id__in=[row.id for row in rows]).update(subscriber="")
    audit.record_many(
        [AuditRow(verb="inventory.waiting_list.erase", object_type="waiting_entry", object_id=row.id) for row in rows],
        by=by,
    )
    return erased


@transaction_required
def forget(*, at: datetime, at_most: int) -> int:
    """Empty who it was on entries that ended long ago; return how many."""
    old = WaitingEntry.objects.filter(ended_at__lt=at - KEEP_SUBSCRIBERS).exclude(subscriber="")
    chosen = old.order_by("ended_at").values_list("id", flat=True)[:at_most]
    return WaitingEntry.objects.filter(id__in=list(chosen)).update(subscriber="")


@transaction_required
def serve(product_ids: Iterable[int], *, by: Actor, at: datetime) -> int:
    """Settle offers that are over, then offer what is free of the products to those who wait longest; return how many.

    Who waits for a kit that one of them is in stands in the same line as who waits for its components. Two servings of one
    product follow each other. The ledger has the last word: who gets no reservation keeps waiting.
    """
    with connection.cursor() as cursor:
        cursor.execute(_IN_LINE, [ledger.numbers(_same_goods(product_ids))])
        waited_for = [product_id for (product_id,) in cursor.fetchall()]
    if not waited_for:
        return 0
    for product_id in waited_for:  # sorted, and before any level: nobody waits crosswise
        locks.hold(locks.Purpose.WAITING_LIST, str(product_id))
    _settle(waited_for, by=by, at=at)
    chosen = _chosen(waited_for, at=at)
    requests = [
        ReservationRequest(
            ids.new(), pick.waiter.channel_id, pick.location_id, ((pick.waiter.product_id, pick.waiter.quantity),),
            at + OFFER_LASTS,
        )
        for pick in chosen
    ]  # fmt: skip
    verdicts = reservations.reserve(requests, by=by, at=at) if requests else []
    made = [(pick, one) for pick, one in zip(chosen, verdicts, strict=True) if isinstance(one, Reserved)]
    _offer(made, by=by, at=at)
    return len(made)


@transaction_required
def serve_next(after: int, *, by: Actor, at: datetime) -> int | None:
    """Serve the next products that someone waits for, in order of their ids; return the last one, None at the end."""
    rows = WaitingEntry.objects.filter(state__in=RUNNING, product_id__gt=after).order_by("product_id")
    products = list(rows.values_list("product_id", flat=True).distinct()[:PRODUCTS_AT_ONCE])
    serve(products, by=by, at=at)
    return products[-1] if products else None


def read(entry_id: UUID, *, channel_id: int, at: datetime) -> Entry:
    """Return a channel's entry as it stands. Raises: WaitingEntryNotFound."""
    return _entries([_row(entry_id, channel_id)], at=at)[0]


def of_subscriber(subscriber: str, *, channel_id: int, at: datetime) -> list[Entry]:
    """Return everything that is known of a channel's subscriber, newest first, at most MOST_LISTED."""
    rows = WaitingEntry.objects.filter(channel_id=channel_id, subscriber=subscriber).order_by("-joined_at", "-id")
    return _entries(list(rows[:MOST_LISTED]), at=at)


@dataclass(frozen=True, slots=True)
class Line:
    """How many wait for a product at a place (None: any), for how many pieces, since when, and when goods come."""

    product_id: int
    location_id: int | None
    waiting: int
    offered: int
    pieces: int
    since: datetime
    supply_on: date | None


def lines(*, at: datetime, at_most: int = MOST_LISTED) -> list[Line]:
    """Return the lines in which someone waits, the longest first."""
    rows = list(
        WaitingEntry.objects.filter(state__in=RUNNING)
        .values("product_id", "location_id")
        .annotate(
            waiting=Count("id", filter=Q(state=WaitingState.WAITING.value)),
            offered=Count("id", filter=Q(state=WaitingState.OFFERED.value)),
            pieces=Sum("quantity"),
            since=Min("joined_at"),
        )
        .order_by("-waiting", "product_id", "location_id")[:at_most]
    )
    coming = _supply({row["product_id"] for row in rows}, at=at)
    return [Line(**row, supply_on=_next(coming, row["product_id"], row["location_id"])) for row in rows]


# --- serving --------------------------------------------------------------------------------------------------------


def _settle(product_ids: Sequence[int], *, by: Actor, at: datetime) -> None:
    """End the entries whose offer was taken, given back, or not taken in time."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_OFFERS, [ledger.numbers(product_ids), at])
        over = cursor.fetchall()
    _end([(row[1], row[2], row[3], WaitingState(row[4])) for row in over], by=by, at=at)


def _end(over: Sequence[tuple[UUID, int, int, WaitingState]], *, by: Actor, at: datetime) -> None:
    if not over:
        return
    for state in {row[3] for row in over}:
        entries = [row[0] for row in over if row[3] is state]
        outcome = WaitingState.DECLINED if state is WaitingState.LEFT else state
        WaitingEntry.objects.filter(id__in=entries).update(state=state.value, ended_at=at)
        WaitingOffer.objects.filter(entry_id__in=entries, outcome=WaitingState.OFFERED.value).update(
            outcome=outcome.value, ended_at=at
        )
    products = catalog.products_by_id({row[2] for row in over})
    outbox.publish(
        [
            WaitingListEnded(
                aggregate_sequence=2, channel_id=channel_id, occurred_at=at, entry_id=str(entry_id),
                sku=products[product_id].sku, state=state.value,
            )
            for entry_id, channel_id, product_id, state in over
        ],
        by=by,
    )  # fmt: skip
    audit.record_many(
        [
            AuditRow(
                verb="inventory.waiting_list.end",
                object_type="waiting_entry",
                object_id=row[0],
                after={"state": row[3]},
            )
            for row in over
        ],
        by=by,
    )


def _same_goods(product_ids: Iterable[int]) -> set[int]:
    """Return the products, the kits that one of them is in, and what else is in those."""
    wanted = kits.with_kits_of(product_ids)
    return wanted.union(one for components in kits.among(wanted).values() for one, _ in components)


def _chosen(product_ids: Sequence[int], *, at: datetime) -> list[Pick]:
    """Return who of those in line is offered goods now, from where."""
    made = kits.among(product_ids)
    goods = {*product_ids, *(one for components in made.values() for one, _ in components)} - made.keys()
    channels = {channel.id: channel for channel in queries.channels() if channel.is_active}
    serving = {country: {place.id for place in locations.serving(country)} for country in _countries(channels.values())}
    seen = availability.figures_of_channels(goods, channels, at=at)
    free = {
        (channel_id, figure.product_id, figure.location_id): (
            figure.available if figure.left_in_all is None else min(figure.available, figure.left_in_all)
        )
        for channel_id, figures in seen.items()
        for figure in figures
        if figure.available > 0 and figure.location_id in serving[channels[channel_id].country]
    }
    if not free:
        return []
    return picks(waiting_line.of(free, product_ids), free, made)[:MOST_OFFERS]


def _countries(channels: Iterable[queries.ChannelRef]) -> set[str]:
    return {channel.country for channel in channels}


def _offer(made: Sequence[tuple[Pick, Reserved]], *, by: Actor, at: datetime) -> None:
    if not made:
        return
    WaitingEntry.objects.filter(id__in=[pick.waiter.id for pick, _ in made]).update(state=WaitingState.OFFERED.value)
    WaitingOffer.objects.bulk_create(
        [
            WaitingOffer(
                id=reserved.id, entry_id=pick.waiter.id, location_id=pick.location_id, offered_at=at,
                expires_at=reserved.expires_at,
            )
            for pick, reserved in made
        ]
    )  # fmt: skip
    products = catalog.products_by_id({pick.waiter.product_id for pick, _ in made})
    outbox.publish(
        [
            WaitingListOffered(
                aggregate_sequence=1, channel_id=pick.waiter.channel_id, occurred_at=at, entry_id=str(pick.waiter.id),
                sku=products[pick.waiter.product_id].sku, quantity=pick.waiter.quantity,
                location=locations.by_id(pick.location_id).code, reservation_id=str(reserved.id),
                expires_at=reserved.expires_at,
            )
            for pick, reserved in made
        ],
        by=by,
    )  # fmt: skip
    audit.record_many(
        [
            AuditRow(
                verb="inventory.waiting_list.offer", object_type="waiting_entry", object_id=pick.waiter.id,
                after={"reservation": str(reserved.id), "location_id": pick.location_id},
            )
            for pick, reserved in made
        ],
        by=by,
    )  # fmt: skip


def _leave(rows: Sequence[WaitingEntry], *, by: Actor, at: datetime) -> None:
    """End running entries of locked lines; give back what is offered to them, unless an order was made of it just now."""
    running = [row for row in rows if row.state in RUNNING]
    offers = WaitingOffer.objects.filter(entry_id__in=[row.id for row in running], outcome=WaitingState.OFFERED.value)
    held = dict(offers.values_list("entry_id", "id"))
    over = []
    for row in running:
        state = WaitingState.LEFT
        if row.id in held:
            try:
                reservations.release(held[row.id], channel_id=row.channel_id, by=by, at=at)
            except HoldEnded:
                state = WaitingState.TAKEN
        over.append((row.id, row.channel_id, row.product_id, state))
    _end(over, by=by, at=at)


# --- reading --------------------------------------------------------------------------------------------------------


def _row(entry_id: UUID, channel_id: int) -> WaitingEntry:
    row = WaitingEntry.objects.filter(id=entry_id, channel_id=channel_id).first()
    if row is None:
        raise WaitingEntryNotFound(f"Nobody of your channel waits under {entry_id}.", entry=str(entry_id))
    return row


def _entries(rows: Sequence[WaitingEntry], *, at: datetime) -> list[Entry]:
    offers = {
        offer.entry_id: Offer(offer.id, offer.location_id, offer.expires_at)
        for offer in WaitingOffer.objects.filter(
            entry_id__in=[row.id for row in rows], outcome=WaitingState.OFFERED.value, expires_at__gt=at
        )
    }
    coming = _supply({row.product_id for row in rows if row.state in RUNNING}, at=at)
    return [
        Entry(
            row.id, row.product_id, row.location_id, row.quantity, row.subscriber, WaitingState(row.state), row.joined_at,
            row.ended_at, waiting_line.ahead(row), offers.get(row.id),
            _next(coming, row.product_id, row.location_id) if row.state in RUNNING else None,
        )
        for row in rows
    ]  # fmt: skip


def _supply(product_ids: Iterable[int], *, at: datetime) -> list[tuple[int, int, date]]:
    """Return (product, place, day) of what is still to come in time; of kits the days on which more could be made."""
    wanted = set(product_ids)
    made = kits.among(wanted)
    goods = wanted - made.keys()
    days = [(one.product_id, one.location_id, one.expected_on) for one in incoming.expected(goods)] if goods else []
    if made:
        for (product_id, location_id), ones in promises.coming(made, at=at).items():
            days += [(product_id, location_id, one.expected_on) for one in ones if not one.is_late]
    return [day for day in days if day[2] >= timezone.localdate(at)]


def _next(coming: Iterable[tuple[int, int, date]], product_id: int, location_id: int | None) -> date | None:
    days = [on for product, place, on in coming if product == product_id and location_id in (None, place)]
    return min(days, default=None)


def _check(product_id: int, quantity: int, subscriber: str) -> None:
    errors: list[dict[str, Any]] = []
    product = catalog.products_by_id([product_id])[product_id]
    if not product.has_stock and not product.components:
        message = f"{product.sku} is a charge and never runs out; wait for goods or a kit"
        errors.append({"field": "sku", "value": product.sku, "message": message})
    if not 1 <= quantity <= MOST_WANTED:
        errors.append({"field": "quantity", "value": quantity, "message": f"wait for 1 to {MOST_WANTED} pieces"})
    if not subscriber.strip() or len(subscriber) > 120 or "@" in subscriber or subscriber.startswith("+"):
        message = "send your own reference for the person: no e-mail address and no telephone number"
        errors.append({"field": "subscriber", "value": "", "message": message})
    if errors:
        raise InvalidInput("This can't be put on the waiting list.", errors=errors)
