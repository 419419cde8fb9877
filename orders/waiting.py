"""Orders that wait for goods: their promise follows the day on which those are there."""

from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import backorders, locations
from orders import events, fulfilment, lifecycle, promise_times
from orders.fulfilment import Work
from orders.lifecycle import State
from orders.models import Fulfilment, FulfilmentLine


@transaction_required
def follow(order_line_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Let the promise of shipments follow its slowest goods, and raise the order's version so that all see it.

    Returns whether anything is left to promise. A pickup keeps its window: goods that miss it are for a person to see.
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
