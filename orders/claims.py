"""What orders lay claim to: a place in their pickup window and their goods, both or neither.

Windows and stock levels of all orders are locked before the first is decided, in the house's order; decisions are made in
memory, earlier orders first, and written at once. A refused order leaves no trace; one whose reference an earlier order of
the group got takes nothing either.
"""

from collections.abc import Sequence
from datetime import datetime

from commerce import quotas
from commerce.errors import CommerceError
from inventory import allocations, availability
from inventory.errors import InsufficientStock
from orders import pickup_windows
from orders.drafts import Draft


def settle(drafts: Sequence[Draft], *, at: datetime) -> dict[Draft, CommerceError]:
    """Take window and goods for each order; return the refusals of those that could not have both.

    A twin, whose reference an earlier one just took, gets that one as its `first` instead.
    """
    if not drafts:
        return {}
    places = {draft: _place(draft) for draft in drafts}
    goods = {draft: _goods(draft) for draft in drafts}
    windows = quotas.Claims([request for requests in places.values() for request in requests], at=at)
    promises = allocations.Promises(list(goods.values()), at=at)
    refused: dict[Draft, CommerceError] = {}
    standing: dict[tuple[int, str], Draft] = {}
    for draft in drafts:
        draft.first = standing.get(draft.reference)
        if draft.first is not None:
            continue
        try:
            taken = windows.take(places[draft])
        except quotas.QuotaExhausted as refusal:
            refused[draft] = refusal
            continue
        try:
            draft.allocated = promises.make(goods[draft])
            draft.slot_hold_id = taken[0] if taken else None
            standing[draft.reference] = draft
        except CommerceError as refusal:
            windows.give_back(taken)
            refused[draft] = refusal
    windows.write()
    promises.write()
    return {draft: _explained(draft, refusal, at=at) for draft, refusal in refused.items()}


def _place(draft: Draft) -> list[quotas.HoldRequest]:
    if draft.window is None:
        return []
    return [pickup_windows.booking(draft.route.location, draft.window[0], purpose=f"order:{draft.id}")]


def _goods(draft: Draft) -> allocations.Wish:
    reservation_id, channel_id = draft.order.reservation_id, draft.wish.channel.channel_id
    return allocations.Wish(draft.demands(), draft.wish.by, reservation_id, channel_id)


def _explained(draft: Draft, refusal: CommerceError, *, at: datetime) -> CommerceError:
    """Say a refusal with names and ways out, once everything is decided."""
    if isinstance(refusal, InsufficientStock):
        return availability.explained(refusal, at=at)
    if isinstance(refusal, quotas.QuotaExhausted) and draft.window is not None:
        return pickup_windows.full(draft.route.location, draft.window[0], at=at)
    return refusal
