"""Orders that wait for goods: their promise follows the day on which those are there."""

from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory.places import locations
from inventory.promising import backorders
from orders import events, fulfilment, lifecycle, promise_history, promises
from orders.fulfilment import Work
from orders.lifecycle import Method, State
from orders.models import Fulfilment, FulfilmentLine
from orders.promise_reasons import PromiseReason


@transaction_required
def follow(order_line_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Let the promise of shipments follow its slowest goods, and raise the order's version so that all see it.

    Returns whether anything is left to promise. A pickup keeps its window; if its goods miss that, it is promised for later.
    """
    first = FulfilmentLine.objects.filter(order_line_id=order_line_id).values_list("fulfilment_id", flat=True).first()
    if first is None:
        return False
    work = fulfilment.claim(first)
    holding = {line.fulfilment_id for line in work.lines if line.order_line_id == order_line_id}
    living = [one for one in work.fulfilments if one.id in holding and State(one.state) not in lifecycle.TERMINAL]
    awaited = backorders.waiting(line.allocation_id for line in work.lines) if len(living) > 1 else {}
    # Of a line that several places deliver, only the part that waits is promised anew; one part at least is told.
    waiting = [one for one in living if any(line.allocation_id in awaited for line in work.lines_of(one))]
    for one in waiting or living[:1]:
        _follow(work, one, by=by, at=at)
    return bool(living)


def _follow(work: Work, one: Fulfilment, *, by: Actor, at: datetime) -> None:
    work.focus = one
    before = one.promised_at
    waits = backorders.of_demands(line.order_line_id for line in work.lines_of(one))
    days = [wait.promised_on for wait in waits.values() if wait.promised_on is not None]
    place = locations.by_id(one.location_id)
    promised_at, deliver_by = before, one.deliver_by
    there_at = max(promises.end_of(place, max(days)), at) if days else at
    if one.window_starts_at is None:
        if days or not waits:  # a day that nobody knows is no promise
            missing = [line for line in work.lines_of(one) if line.missing]
            basket = promises.Basket.of_lines((line.product_id, line.missing) for line in missing)
            country = (work.order.ship_to or {}).get("country") or place.country
            sent = (
                promises.to_store(place, locations.by_id(one.store_id), basket, at=there_at)
                if one.store_id is not None
                else promises.sent(place, Method.SHIP, basket, country=country, at=there_at)
            )
            promised_at, deliver_by = sent.leaves_by, sent.arrives_by
    else:  # it keeps its window; goods that miss it are ready once the place can
        ready = promises.ready_at(place, one.method, at=there_at) if days else None
        promised_at = max(one.window_starts_at, ready) if ready else one.window_starts_at
    promise_history.keep(one, before, promised_at, PromiseReason.SUPPLY_MOVED, by=by, at=at)
    fulfilment.amend(work, one, at=at, promised_at=promised_at, deliver_by=deliver_by)
    fulfilment.conclude(
        work,
        verb="orders.waiting.follow",
        event=events.FulfilmentPromised,
        told={"promised_at": promised_at, "waiting": sum(wait.pieces for wait in waits.values())},
        by=by,
        at=at,
        before={"promised_at": before},
        after={"promised_at": promised_at},
    )
