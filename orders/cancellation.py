"""Cancelling: a whole order before its goods leave, or pieces of it that can't be delivered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import allocations
from inventory.promising import purchase_limits
from orders import errors, events, fulfilment, lifecycle, pickup_places, totals, unrouted
from orders.fulfilment import Work
from orders.lifecycle import Action, OrderStatus, State
from orders.models import Fulfilment, OrderLine
from pricing import limits as promotion_limits

LONGEST_REASON = 200


@transaction_required
def cancel_order(order_id: UUID, *, by: Actor, at: datetime, reason: str = "", channel_id: int | None = None) -> None:
    """Cancel an order: its goods and its pickup window are free again. Cancelling a cancelled order changes nothing.

    Goods that were picked already stay marked as lying on the pickup shelf until someone puts them back. With
    `channel_id`, an order of another channel does not exist.
    Raises: CannotCancel when goods have left or nothing is left to cancel, OrderNotFound.
    """
    work = fulfilment.claim_order(order_id)
    if channel_id is not None and work.order.channel_id != channel_id:
        raise errors.OrderNotFound("There is no such order.", order=str(order_id))
    if work.status is OrderStatus.CANCELLED:
        return
    _require_cancellable(work)
    going = [one for one in work.fulfilments if (State(one.state), Action.CANCEL) in lifecycle.MOVES]
    here = [one for one in going if not lifecycle.has_left(one.state, one.method)]
    lines = [line for one in here for line in work.lines_of(one)]
    promotion_limits.give_back(order_id)
    pickup_places.give_up(work, going, at=at)
    purchase_limits.give_back(order_id)
    unrouted.withdraw(work, by=by, at=at, reason="cancelled")
    if lines:
        allocations.release(fulfilment.allocated_parts(lines), by=by, at=at, reason="cancelled")
    cancel_rest(work, going)
    work.focus = going[0] if going else None
    for one in going:
        changes = {} if one in here else {"is_on_shelf": True}  # the store books it in when it is there
        fulfilment.advance(work, one, Action.CANCEL, at=at, **changes)
    fulfilment.conclude(
        work,
        verb="orders.cancellation.cancel_order",
        event=events.OrderCancelled,
        by=by,
        at=at,
        reason=reason[:LONGEST_REASON],
    )


def cancel_pieces(work: Work, pieces: Mapping[UUID, int]) -> None:
    """Take pieces off order lines and off the order's totals, to the cent; `conclude` writes the totals."""
    for line_id, count in pieces.items():
        if count == 0:
            continue
        line = work.order_lines[line_id]
        before, line.cancelled = line.cancelled, line.cancelled + count
        work.order.total_minor += _owed(line, line.cancelled) - _owed(line, before)
        work.order.tax_minor += _tax(line, line.cancelled) - _tax(line, before)
        line.save(update_fields=["cancelled"])


def cancel_rest(work: Work, ending: Sequence[Fulfilment]) -> None:
    """Take all that these fulfilments still owe off the order; its charges too when nothing of it is delivered any more."""
    others = [one for one in work.fulfilments if one not in ending]
    if all(State(one.state) in lifecycle.UNDELIVERED for one in others):
        pieces = Counter({line.id: line.quantity - line.cancelled for line in work.order_lines.values()})
    else:
        # The components of a kit all owe the same number of kits, which counts once.
        owed = {(line.fulfilment_id, line.order_line_id): line.units for one in ending for line in work.lines_of(one)}
        pieces = Counter()
        for (_, order_line_id), units in owed.items():
            pieces[order_line_id] += units
    cancel_pieces(work, pieces)


def _owed(line: OrderLine, cancelled: int) -> int:
    return totals.remaining_minor(line.total_minor, line.quantity, cancelled)


def _tax(line: OrderLine, cancelled: int) -> int:
    return totals.remaining_tax_minor(line.total_minor, line.tax_minor, line.tax_basis_points, line.quantity, cancelled)


def _require_cancellable(work: Work) -> None:
    states = [one.state for one in work.fulfilments]
    if lifecycle.is_cancellable(states) or not states:  # what is being routed can be called off, too
        return
    if State.HANDED_OVER in states:
        why = "its goods were handed over; take them back as a return instead."
    elif State.SHIPPED in states:
        why = "its goods were shipped; take them back as a return instead."
    else:
        why = f"it is {lifecycle.order_status(states)} already."
    raise errors.CannotCancel(f"Order {work.order.number} can't be cancelled: {why}", states=states)
