"""Orders that wait for goods: their promise follows the day on which those are there."""

from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import backorders, locations
from orders import events, fulfilment, lifecycle, promise_times
from orders.lifecycle import State
from orders.models import FulfilmentLine


@transaction_required
def follow(order_line_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Let the promise of a shipment follow its slowest goods, and raise the order's version so that all see it.

    Returns whether anything is left to promise. A pickup keeps its window: goods that miss it are for a person to see.
    """
    rows = FulfilmentLine.objects.filter(order_line_id=order_line_id).values_list("fulfilment_id", "fulfilment__state")
    open_rows = [one for one, state in rows if State(state) not in lifecycle.TERMINAL]
    if not open_rows:
        return False
    work = fulfilment.claim(open_rows[0])
    one = work.fulfilment
    if State(one.state) in lifecycle.TERMINAL:
        return False
    before = one.promised_at
    waits = backorders.of_demands(line.order_line_id for line in work.lines_of(one))
    days = [wait.promised_on for wait in waits.values() if wait.promised_on is not None]
    promised_at = before
    if one.window_starts_at is None:
        place = locations.by_id(one.location_id)
        promised_at = (
            promise_times.shipped_by(place, max(days), at=at)
            if days
            else before
            if waits
            else promise_times.ships_by(place, at)
        )
    fulfilment.amend(work, one, at=at, promised_at=promised_at)
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
    return True
