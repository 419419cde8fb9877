"""Money follows goods: captured when they leave, let go when they won't, refunded when owed. Driven by events, never by placing.

`follow` looks at an order as it is and plans what is missing; called again it plans nothing twice. So it doesn't matter which
events come, how often, or in what order.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from commerce import clock, locks
from commerce.actors import Actor
from commerce.events import Received
from commerce.transactions import transaction_required
from orders import holds, lifecycle, paying, queries, totals
from orders.hold_kinds import HoldKind
from orders.lifecycle import State
from orders.paying import PaymentVerb
from orders.payments import ledger, refunds, requests
from orders.payments.ledger import PaymentView
from orders.queries import OrderView

FOLLOWER = Actor.system("payments")
# Events after which an order's money may have to move.
FOLLOWED = (
    "order.cancelled",
    "fulfilment.handed_over",
    "fulfilment.shipped",
    "fulfilment.line_rejected",
    "fulfilment.rejected",
    "fulfilment.returned_to_stock",
    "order.changed",
    "payment.changed",
    "refund.owed",
)


def follow_event(message: Received) -> None:
    """React to an event of an order or a payment."""
    order_id = message.payload.get("order_id")
    if order_id:
        follow(UUID(order_id), by=FOLLOWER, at=clock.now())


@transaction_required
def follow(order_id: UUID, *, by: Actor, at: datetime) -> None:
    """Plan what the order's money has to do now: give back what is too much, capture what was delivered, let go of the rest."""
    locks.hold(locks.Purpose.ORDER, str(order_id))
    order = queries.orders([order_id]).get(order_id)
    payments = ledger.lock(order_id=order_id)
    if order is None or not payments:
        return
    _hold_if_risky(order, by=by, at=at)
    # What came back or was given as goodwill is owed besides: it is no part of what the order has to cover.
    covered = sum(one.amounts.covers for one in payments)
    too_much = min(covered + given_back_minor(order_id) - order.total_minor, covered)
    if too_much > 0:
        refunds.owe(
            order_id=order_id, amount_minor=too_much, reason="paid more than the order comes to",
            cause=("order_total", f"{order_id}:{order.version}:{too_much}"), by=by, at=at,
        )  # fmt: skip
        payments = ledger.lock(order_id=order_id)
    _plan_captures(order, payments, by=by, at=at)
    payments = ledger.lock(order_id=order_id)
    _plan_releases(order, payments, by=by, at=at)
    refunds.plan(order_id, by=by, at=at)


def _hold_if_risky(order: OrderView, *, by: Actor, at: datetime) -> None:
    """Let work stand still, once, when a provider thinks that somebody else's card pays; a manager looks and lets it go on."""
    risk = ledger.risk_of(order.id)
    if not risk or all(State(one.state) in lifecycle.TERMINAL for one in order.fulfilments):
        return
    if not any(one.kind is HoldKind.FRAUD for one in holds.of_orders([order.id], open_only=False).get(order.id, [])):
        holds.place(order.id, HoldKind.FRAUD, f"payment provider: {risk} risk", by=by, at=at)


def delivered_minor(order: OrderView) -> int:
    """Return what the goods that have left come to. What isn't goods (postage) leaves with the first of them.

    A line's share depends on how many of it have left, not in which parcels, so that no cent is lost or made on the way.
    """
    if all(State(one.state) in lifecycle.TERMINAL for one in order.fulfilments):
        return order.total_minor if any(State(one.state) in lifecycle.DELIVERED for one in order.fulfilments) else 0
    left: dict[UUID, int] = {}
    of_goods: set[UUID] = set()
    for one in order.fulfilments:
        units = {line.order_line_id: (line.quantity - line.rejected) // line.per_unit for line in one.lines}
        of_goods |= set(units)
        if State(one.state) in lifecycle.DELIVERED:
            for line_id, count in units.items():
                left[line_id] = left.get(line_id, 0) + count
    if not left:
        return 0
    worth = 0
    for line in order.lines:
        if line.id not in of_goods:
            worth += totals.remaining_minor(line.total_minor, line.quantity, line.cancelled)
            continue
        kept = line.quantity - min(left.get(line.id, 0), line.quantity)
        worth += line.total_minor - totals.remaining_minor(line.total_minor, line.quantity, line.quantity - kept)
    return min(worth, order.total_minor)


def _plan_captures(order: OrderView, payments: Sequence[PaymentView], *, by: Actor, at: datetime) -> None:
    delivered = delivered_minor(order)
    due = delivered - sum(one.amounts.captured + one.amounts.capturing for one in payments)
    if due <= 0:
        return
    is_over = all(State(one.state) in lifecycle.TERMINAL for one in order.fulfilments)
    for place, amount in paying.take(due, [(one.method, one.amounts.capturable) for one in payments]):
        requests.plan(
            payments[place].id, PaymentVerb.CAPTURE, amount, cause=("delivered", f"{order.id}:{delivered}"),
            is_final=is_over or amount == payments[place].amounts.capturable, by=by, at=at,
        )  # fmt: skip


def _plan_releases(order: OrderView, payments: Sequence[PaymentView], *, by: Actor, at: datetime) -> None:
    """Let go of what will never be captured: all that is left is owed back, or the order is over."""
    is_over = all(State(one.state) in lifecycle.TERMINAL for one in order.fulfilments)
    for one in payments:
        if one.amounts.uncaptured <= 0 or one.amounts.capturing:
            continue
        if one.amounts.capturable == 0 or is_over:
            requests.plan(one.id, PaymentVerb.VOID, cause=("release", one.version), by=by, at=at)


def given_back_minor(order_id: UUID) -> int:
    """Return what was given back for goods that the customer had, or as goodwill."""
    return sum(
        owed.amount_minor - owed.uncovered_minor
        for owed in refunds.of_order(order_id)
        if owed.cause[0] in refunds.DELIVERED_CAUSES
    )


def to_pay_minor(order: OrderView, payments: Sequence[PaymentView]) -> int:
    """Return what is still to be paid of an order."""
    return max(order.total_minor - given_back_minor(order.id) - sum(one.amounts.covers for one in payments), 0)
