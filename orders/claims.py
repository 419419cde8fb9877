"""What orders lay claim to: places in pickup windows, goods. Many orders at once, a refusal for each that gets nothing."""

from collections.abc import Sequence
from datetime import datetime

from commerce import quotas
from commerce.errors import Busy, CommerceError
from commerce.transactions import savepoint
from inventory import allocations, availability, ledger, reservations
from inventory.errors import InsufficientStock
from inventory.ledger import LevelKey
from orders import pickup_windows
from orders.drafts import Draft, by_actor

ATTEMPTS = 5  # to take goods for the rest of a group after some of it was refused, while others take too


def book_windows(drafts: Sequence[Draft], *, at: datetime) -> dict[Draft, CommerceError]:
    """Take a place in the window of each pickup; return the refusals of those that found none."""
    pickups = [draft for draft in drafts if draft.window is not None]
    outcomes = pickup_windows.book(
        [
            pickup_windows.Booking(draft.route.location, draft.window[0], f"order:{draft.id}")
            for draft in pickups
            if draft.window
        ],
        at=at,
    )
    refused: dict[Draft, CommerceError] = {}
    for draft, outcome in zip(pickups, outcomes, strict=True):
        if isinstance(outcome, CommerceError):
            refused[draft] = outcome
        else:
            draft.slot_hold_id = outcome
    return refused


def allocate(drafts: Sequence[Draft], *, at: datetime) -> dict[Draft, CommerceError]:
    """Promise the goods of each order; return the refusals of those that can't have them, their windows freed.

    Each reservation, and each actor's orders without one, is an allocation of its own; all levels are locked before the
    first of several, so that two groups never wait for each other in a circle.
    """
    groups = [[draft] for draft in drafts if draft.order.reservation_id]
    groups += by_actor([draft for draft in drafts if not draft.order.reservation_id]).values()
    if len(groups) > 1:
        levels = {LevelKey(demand.product_id, demand.location_id) for draft in drafts for demand in draft.demands()}
        for draft in drafts:
            if draft.order.reservation_id:
                levels |= reservations.keys_of(draft.order.reservation_id)
        ledger.lock(levels, at=at)
    refused: dict[Draft, CommerceError] = {}
    for group in groups:
        refused |= _serve(group, at=at)
    quotas.release([draft.slot_hold_id for draft in refused if draft.slot_hold_id])
    return refused


def _serve(group: Sequence[Draft], *, at: datetime) -> dict[Draft, CommerceError]:
    """Promise the goods of one actor's orders, earlier ones first; return the refusals."""
    refused: dict[Draft, CommerceError] = {}
    going = list(group)
    for _attempt in range(ATTEMPTS):
        if not going:
            return refused
        try:
            with savepoint():  # a refusal may come after expired holds were swept; then the sweep is undone with it
                _take(going, at=at)
            return refused
        except InsufficientStock as short:
            beyond = _beyond(going, short)
            refused |= {draft: availability.explained(_of(short, draft), at=at) for draft in beyond}
            going = [draft for draft in going if draft not in refused]
        except CommerceError as refusal:
            if len(going) > 1:
                raise
            return {going[0]: refusal}
    raise Busy("Others keep taking the goods; please send the order again.")


def _take(drafts: Sequence[Draft], *, at: datetime) -> None:
    demands = {demand.demand_id: (demand, draft) for draft in drafts for demand in draft.demands()}
    wish = drafts[0].wish
    made = allocations.allocate(
        [demand for demand, _ in demands.values()],
        by=wish.by,
        at=at,
        reservation_id=wish.order.reservation_id,
        channel_id=wish.channel.channel_id,
    )
    for demand_id, allocation_id in made.items():
        demands[demand_id][1].allocated[demand_id] = allocation_id


def _beyond(drafts: Sequence[Draft], short: InsufficientStock) -> list[Draft]:
    """Return the orders that get nothing when the earlier ones are served first with what there is."""
    left = {(line["product_id"], line["location_id"]): line["available"] for line in short.detail["lines"]}
    beyond: list[Draft] = []
    for draft in drafts:
        place_id = draft.route.location.id
        wanted = {(one, place_id): quantity for one, quantity in draft.goods.items() if (one, place_id) in left}
        if any(left[key] < quantity for key, quantity in wanted.items()):
            beyond.append(draft)
        else:
            for key, quantity in wanted.items():
                left[key] -= quantity
    return beyond


def _of(short: InsufficientStock, draft: Draft) -> InsufficientStock:
    """Return the refusal as one order sees it: what it wanted, and what there was."""
    place_id = draft.route.location.id
    return InsufficientStock(
        short.message,
        lines=[
            {**line, "wanted": draft.goods[line["product_id"]]}
            for line in short.detail["lines"]
            if line["location_id"] == place_id and line["product_id"] in draft.goods
        ],
    )
