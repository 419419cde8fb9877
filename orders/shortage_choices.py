"""What a customer may choose, behind the link of their order, for pieces that their store could not find."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory.places import locations
from inventory.places.locations import LocationRef
from orders import errors, fulfilment, proposals, queries, rerouting, shortages, substitutions
from orders.floor import Choice, ShortageState
from orders.fulfilment import Work
from orders.lifecycle import COLLECTED, Method
from orders.models import Shortage
from orders.proposals import Proposed
from orders.substitutions import Substitute

MOST_STORES = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to choose; `location` where it would be had, `substitute` what instead. A store is named with its distance."""

    choice: Choice
    location: LocationRef | None = None
    distance_km: float | None = None
    substitute: Substitute | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A shortage as its customer sees it. `units` are what they ordered: pieces, or kits; `proposal` is put to them."""

    id: UUID
    name: str
    units: int
    is_waiting: bool
    wait_until: datetime | None
    offers: tuple[Offer, ...]
    proposal: Proposed | None = None


# What can be said to a proposal: yes; no, look for what I ordered; or nothing at all.
ANSWERS = (Offer(Choice.ACCEPT), Offer(Choice.REFUSE), Offer(Choice.DECLINE))


def asked(order_id: UUID, *, at: datetime) -> list[Asked]:
    """Return what the customer of an order may choose about, with what can be had right now."""
    rows = [one for one in shortages.of_order(order_id) if one.state in (ShortageState.ASKED, ShortageState.WAITING)]
    if not rows:
        return []
    work = fulfilment.read(order_id)
    proposed = proposals.open_by_shortage(row.id for row in rows)
    return [
        Asked(
            row.id, row.line.order_line.product.name, row.units, row.state == ShortageState.WAITING, row.wait_until,
            ANSWERS if row.id in proposed else tuple(_offers(work, row, at=at)), proposed.get(row.id),
        )
        for row in rows
    ]  # fmt: skip


@transaction_required
def choose(
    token: str,
    shortage_id: UUID,
    choice: Choice | str,
    *,
    location: str = "",
    product: str = "",
    proposal: str = "",
    by: Actor | None = None,
    at: datetime,
) -> ShortageState:
    """Do what a customer chose for a shortage of theirs, and return what became of it. The same again changes nothing.

    `product` is the SKU of a substitute, `proposal` the id of the proposal that is answered;
    `by` is the channel that passes the answer on, else it is the customer.
    Raises: ChoiceOver when it is settled otherwise or its goods are gone meanwhile, WindowClosed, WindowFull, InvalidInput,
    OrderNotFound.
    """
    order = queries.order_by_token(token)
    try:
        choice = Choice(choice)
    except ValueError as error:
        known = ", ".join(Choice)
        raise InvalidInput(
            f"The choice is one of: {known}.",
            errors=[{"field": "choice", "value": choice, "message": f"one of {known}"}],
        ) from error
    by = by or Actor.customer(order.customer_id or order.id)
    work = fulfilment.claim_order(order.id)
    row = next((one for one in shortages.of_order(order.id) if one.id == shortage_id), None)
    if row is None:
        raise errors.OrderNotFound("There is nothing to choose behind this link.")
    state = ShortageState(row.state)
    if state is ShortageState.DECLINED and choice is Choice.DECLINE:
        return state
    if state not in (ShortageState.ASKED, ShortageState.WAITING):
        raise errors.ChoiceOver("This was settled already; the page shows how.", state=row.state)
    proposed = proposals.open_of(row)
    if choice in (Choice.ACCEPT, Choice.REFUSE) or (proposed is not None and choice is not Choice.DECLINE):
        if proposed is None or str(proposed.id) != proposal:
            raise errors.ChoiceOver("This is not proposed any more. Look at what is.", state=row.state)
        answer = proposals.accept if choice is Choice.ACCEPT else proposals.refuse
        return answer(work, row, proposed, by=by, at=at)
    if choice is Choice.DECLINE:
        if proposed is not None:
            proposals.drop(work, row, proposed, by=by, at=at)
        return rerouting.settle(work, row, ShortageState.DECLINED, by=by, at=at)
    if choice is Choice.WAIT:
        if state is not ShortageState.WAITING:
            until = at + rerouting.WAITS_FOR
            shortages.change(
                row, ShortageState.WAITING, at=at, wait_until=until, next_attempt_at=at + rerouting.LOOKS_EVERY
            )
            work.focus = next(one for one in work.fulfilments if one.id == row.fulfilment_id)
            fulfilment.conclude(
                work, verb="orders.shortage_choices.wait", by=by, at=at, after={"until": until, "pieces": row.pieces}
            )
        return ShortageState.WAITING
    if choice is Choice.SUBSTITUTE:
        wanted_one = next((one for one in substitutions.offers(work, row, at=at) if one.product.sku == product), None)
        if wanted_one is None:
            raise errors.ChoiceOver("This can't be had instead any more. Choose again.", state=row.state)
        substitutions.take(work, row, wanted_one.product.id, by=by, at=at)
        return ShortageState.SUBSTITUTED
    method = Method.SHIP if choice is Choice.SEND else Method(row.fulfilment.method)
    places = rerouting.able(work, row, method=method, beside={row.location_id}, at=at)
    if choice is Choice.ELSEWHERE:
        wanted = locations.ref(location).id
        places = [place for place in places if place.location.id == wanted]
    if rerouting.serve_first(work, row, places, method=method, by=by, at=at) is None:
        raise errors.ChoiceOver(
            "Somebody else was quicker: it can't be had there any more. Choose again.", state=row.state
        )
    return ShortageState.REROUTED


def _offers(work: Work, row: Shortage, *, at: datetime) -> list[Offer]:
    method, found = Method(row.fulfilment.method), []
    if method in COLLECTED:
        stores = rerouting.able(work, row, method=method, beside={row.location_id}, at=at)
        found += [Offer(Choice.ELSEWHERE, one.location, one.distance_km) for one in stores[:MOST_STORES]]
        if (work.order.ship_to or {}).get("postal_code") and rerouting.able(
            work, row, method=Method.SHIP, beside={row.location_id}, at=at
        ):
            found.append(Offer(Choice.SEND))
    found += [Offer(Choice.SUBSTITUTE, substitute=one) for one in substitutions.offers(work, row, at=at)]
    if row.state != ShortageState.WAITING:
        found.append(Offer(Choice.WAIT))
    return [*found, Offer(Choice.DECLINE)]
