"""What orders lay claim to: windows, the days of places, what limits per customer allow, and goods; all or nothing.

What their quotes hold of limited promotions, windows, limits and stock levels of all orders are locked before the first is
decided, in the house's order; decisions are made in memory, earlier orders first, and written at once. A refused order
leaves no trace; one whose reference an earlier order of the group got takes nothing either.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from commerce import quotas
from commerce.errors import Busy, CommerceError
from commerce.transactions import savepoint
from inventory import allocations, availability
from inventory.errors import InsufficientStock
from inventory.ledger import LevelKey
from inventory.promising import demands, purchase_limits
from inventory.promising.purchase_limits import Buyer, Share
from orders import pickup_windows
from orders.drafts import Draft, Planned
from orders.routing import worlds
from pricing import limits as promotion_limits


def settle(drafts: Sequence[Draft], *, at: datetime) -> dict[Draft, CommerceError]:
    """Take windows and goods for each order; return the refusals of those that could not have all of it.

    A twin, whose reference an earlier one just took, gets that one as its `first` instead.
    """
    if not drafts:
        return {}
    places = {draft: _places(draft, at=at) for draft in drafts}
    goods = {draft: _goods(draft) for draft in drafts}
    promised = promotion_limits.Ordering([quote_id for draft in drafts if (quote_id := _holding_quote(draft))], at=at)
    limits = _limits(drafts, at=at)
    locks = [request for share in limits.values() for request in share.locks]
    windows = quotas.Claims([*locks, *(request for claimed in places.values() for _, request in claimed)], at=at)
    _lock_unplaced(drafts, goods, at=at)
    promises = allocations.Promises(list(goods.values()), at=at)
    refused: dict[Draft, CommerceError] = {}
    counted: dict[Draft, tuple[Share, Sequence[UUID]]] = {}
    taken_by: dict[Draft, Sequence[UUID]] = {}
    standing: dict[tuple[int, str], Draft] = {}
    for draft in drafts:
        draft.first = standing.get(draft.reference)
        if draft.first is not None:
            continue
        share = limits.get(draft.id)
        if share is not None and (nobody := purchase_limits.unnamed(share)):
            refused[draft] = nobody
            continue
        quote_id = _holding_quote(draft)
        if quote_id is not None and (used := promised.take(quote_id, draft.id)):
            refused[draft] = used
            continue
        wanted = [*(request for _, request in places[draft]), *(share.requests if share else ())]
        try:
            taken = windows.take(wanted)
        except quotas.QuotaExhausted as exhausted:
            refused[draft] = (purchase_limits.refusal(share, exhausted) if share else None) or exhausted
            if quote_id is not None:
                promised.give_back(quote_id)
            continue
        try:
            draft.allocated = promises.make(goods[draft])
            for (planned, request), hold_id in zip(places[draft], taken, strict=False):
                if planned.window is not None and request.key == pickup_windows.key(
                    planned.location, planned.window[0]
                ):
                    planned.slot_hold_id = hold_id
                else:
                    planned.day_hold_ids = (*planned.day_hold_ids, hold_id)
            standing[draft.reference] = draft
            taken_by[draft] = taken
            if share is not None:
                counted[draft] = share, taken[len(places[draft]) :]
            draft.waiting = {one: promises.waiting[one] for one in draft.line_ids.values() if one in promises.waiting}
            if draft.waiting:
                for planned in draft.planned:
                    planned.await_goods(promises.awaited, at=at)
        except CommerceError as refusal:
            windows.give_back(taken)
            if quote_id is not None:
                promised.give_back(quote_id)
            refused[draft] = refusal
    promises.write()
    for draft, short in _accept(drafts, refused, at=at).items():  # sees what the others took
        refused |= {one: short for one in drafts if one is draft or one.first is draft}
        windows.give_back(taken_by[draft])
        counted.pop(draft, None)
        if quote_id := _holding_quote(draft):
            promised.give_back(quote_id)
    promised.write()
    windows.write()
    if counted:
        purchase_limits.settle(list(counted.values()), at=at)
    return {draft: _explained(draft, refusal, at=at) for draft, refusal in refused.items()}


def _lock_unplaced(drafts: Sequence[Draft], goods: Mapping[Draft, allocations.Wish], *, at: datetime) -> None:
    """Lock at once what orders without a place need, with what their neighbours need: never one after the other."""
    unplaced = [draft for draft in drafts if draft.unplaced]
    if unplaced:
        products = {product_id for draft in unplaced for product_id in draft.goods}
        beside = {LevelKey(one.product_id, one.location_id) for wish in goods.values() for one in wish.demands}
        demands.lock(products, {_country(draft) for draft in unplaced}, beside=beside, at=at)


def _accept(
    drafts: Sequence[Draft], refused: Mapping[Draft, CommerceError], *, at: datetime
) -> dict[Draft, CommerceError]:
    """Promise goods in all to orders that get their place later; return the refusals."""
    short: dict[Draft, CommerceError] = {}
    for draft in drafts:
        if draft.unplaced is None or draft in refused or draft.first is not None:
            continue
        rows = [
            demands.Accepted(line.id, draft.wish.channel.channel_id, line.product_id, _country(draft), line.quantity)
            for line in draft.unplaced.owed
        ]
        try:
            with savepoint():
                demands.accept(rows, by=draft.wish.by, at=at)
        except CommerceError as refusal:
            short[draft] = refusal
    return short


def _country(draft: Draft) -> str:
    return (draft.order.ship_to or {}).get("country") or draft.wish.channel.country


def _holding_quote(draft: Draft) -> UUID | None:
    """Return the quote that an order is placed by, where it holds something limited of promotions."""
    return draft.order.quote_id if draft.quote.is_limited else None


def _limits(drafts: Sequence[Draft], *, at: datetime) -> dict[UUID, Share]:
    """Return what orders need of limits per customer, by order; nothing where no limit is in force."""
    if not purchase_limits.may_be_limited():
        return {}
    buyers = []
    for draft in drafts:
        channel_id, customer = draft.wish.channel.channel_id, draft.order.customer
        who = purchase_limits.identities(
            email=customer.email, channel_id=channel_id, channel_customer_id=customer.channel_customer_id
        )
        buyers.append(Buyer(draft.id, channel_id, draft.goods, who, draft.order.reservation_id))
    return purchase_limits.shares(buyers, at=at)


def _places(draft: Draft, *, at: datetime) -> list[tuple[Planned, quotas.HoldRequest]]:
    """Return the claims of fulfilments on their window and on the days of places that limit them."""
    purpose, claimed = f"order:{draft.id}", []
    for planned in draft.planned:
        day = at
        if planned.window is not None:
            day = planned.window[0]
            claimed.append((planned, pickup_windows.booking(planned.location, day, purpose=purpose)))
        claims = worlds.day_claims(planned.location, planned.route.method, purpose=purpose, at=day)
        claimed += [(planned, request) for request in claims]
    return claimed


def _goods(draft: Draft) -> allocations.Wish:
    reservation_id, channel_id = draft.order.reservation_id, draft.wish.channel.channel_id
    return allocations.Wish(draft.demands(), draft.wish.by, reservation_id, channel_id)


def _explained(draft: Draft, refusal: CommerceError, *, at: datetime) -> CommerceError:
    """Say a refusal with names and ways out, once everything is decided."""
    if isinstance(refusal, InsufficientStock):
        asked = draft.order.quantities().items()
        return availability.explained(refusal, asked=asked, channel_id=draft.wish.channel.channel_id, at=at)
    if isinstance(refusal, quotas.QuotaExhausted):
        key = refusal.detail.get("key")
        for planned in draft.planned:
            if planned.window is not None and pickup_windows.key(planned.location, planned.window[0]) == key:
                return pickup_windows.full(planned.location, planned.window[0], at=at)
            if planned.window is not None:
                if worlds.day_key(planned.location, at=planned.window[0], method=planned.route.method) == key:
                    return pickup_windows.day_full(planned.location, planned.window[0], at=at)
            elif str(key).startswith(worlds.day_key(planned.location, at=at)):
                worlds.forget()  # so that the next look goes elsewhere
                return Busy(
                    f"{planned.location.name} took the last order of its day this moment; send it again, it goes elsewhere.",
                    location=planned.location.code,
                    retry_after_seconds=1,
                )
    return refusal
