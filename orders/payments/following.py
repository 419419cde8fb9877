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
from commerce.money import Money
from commerce.transactions import transaction_required
from orders import holds, lifecycle, paying, queries, shortages, totals
from orders.hold_kinds import HoldKind
from orders.lifecycle import COLLECTED, OrderStatus, State
from orders.paying import PaymentVerb, Way
from orders.payments import errors, ledger, refunds, requests
from orders.payments.ledger import PaymentView
from orders.payments.refunds import Owed
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
    "order.shortage_settled",
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
    _hold_until_paid(order, payments, by=by, at=at)
    # What came back or was given as goodwill is owed besides: it is no part of what the order has to cover.
    covered = sum(one.amounts.covers for one in payments)
    # Pieces that another place may still serve keep their money until that is settled.
    pending = pending_minor(order)
    too_much = min(covered + given_back_minor(order_id) - order.total_minor - pending, covered)
    if too_much > 0:
        refunds.owe(
            order_id=order_id, amount_minor=too_much, reason="paid more than the order comes to",
            cause=("order_total", f"{order_id}:{order.version}:{too_much}"), by=by, at=at,
        )  # fmt: skip
        payments = ledger.lock(order_id=order_id)
    is_over = not pending and _is_over(order)
    _plan_captures(order, payments, is_over=is_over, by=by, at=at)
    payments = ledger.lock(order_id=order_id)
    _plan_releases(payments, is_over=is_over, by=by, at=at)
    refunds.plan(order_id, by=by, at=at)


def _is_over(order: OrderView) -> bool:
    """Whether nothing of an order is to leave any more; what has no place yet is."""
    return not order.unrouted and all(State(one.state) in lifecycle.TERMINAL for one in order.fulfilments)


def _hold_if_risky(order: OrderView, *, by: Actor, at: datetime) -> None:
    """Let work stand still, once, when a provider thinks that somebody else's card pays; a manager looks and lets it go on."""
    risk = ledger.risk_of(order.id)
    if not risk or _is_over(order):
        return
    if not any(one.kind is HoldKind.FRAUD for one in holds.of_orders([order.id], open_only=False).get(order.id, [])):
        holds.place(order.id, HoldKind.FRAUD, f"payment provider: {risk} risk", by=by, at=at)


def _hold_until_paid(order: OrderView, payments: Sequence[PaymentView], *, by: Actor, at: datetime) -> None:
    """Let nothing be sent while a change left something to pay, and let it go on once that is paid.

    Goods that are fetched need no hold: the counter takes the money, or keeps the goods (`require_paid`).
    """
    known = holds.of_orders([order.id], open_only=False).get(order.id, [])
    ours = next(
        (one for one in known if one.is_open and one.kind is HoldKind.PAYMENT and one.placed_by == by.label), None
    )
    to_pay = to_pay_minor(order, payments)
    if ours is not None and not to_pay:
        holds.release(order.id, HoldKind.PAYMENT, "paid", by=by, at=at)
    waits = bool(order.unrouted) or any(
        State(one.state) not in lifecycle.TERMINAL and one.method not in COLLECTED for one in order.fulfilments
    )
    is_asked_for = any(one.amounts.authorised for one in payments)  # who never paid a cent is still paying
    released = any(not one.is_open and one.release_reason != "paid" and one.kind is HoldKind.PAYMENT for one in known)
    if to_pay and waits and is_asked_for and not released and HoldKind.PAYMENT.value not in order.held_for:
        holds.place(order.id, HoldKind.PAYMENT, f"{Money(to_pay, order.currency)} still to be paid", by=by, at=at)


def delivered_minor(order: OrderView) -> int:
    """Return what the goods that have left come to. What isn't goods (postage) leaves with the first of them.

    A line's share depends on how many of it have left, not in which parcels, so that no cent is lost or made on the way.
    """
    if _is_over(order):
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
        # The first units leave first, as the last are called off and the first come back (`orders.totals`).
        units_left = min(left.get(line.id, 0), line.quantity - line.cancelled)
        worth += totals.first_units_minor(line.total_minor, line.quantity, units_left)
    return min(worth, order.total_minor)


def pending_minor(order: OrderView) -> int:
    """Return what the pieces come to that are off an order and may still come on again."""
    is_off = order.status in (OrderStatus.CANCELLED, OrderStatus.RETURNED)  # nobody serves these any more
    units = {} if is_off else shortages.pending_of(order.id)
    return sum(
        totals.remaining_minor(line.total_minor, line.quantity, max(line.cancelled - units[line.id], 0))
        - line.remaining_minor
        for line in order.lines
        if line.id in units
    )


def _plan_captures(
    order: OrderView, payments: Sequence[PaymentView], *, is_over: bool, by: Actor, at: datetime
) -> None:
    delivered = delivered_minor(order)
    due = delivered - sum(one.amounts.captured + one.amounts.capturing for one in payments)
    if due <= 0:
        return
    for place, amount in paying.take(due, [(one.method, one.amounts.capturable) for one in payments]):
        requests.plan(
            payments[place].id, PaymentVerb.CAPTURE, amount, cause=("delivered", f"{order.id}:{delivered}"),
            is_final=is_over or amount == payments[place].amounts.capturable, by=by, at=at,
        )  # fmt: skip


def _plan_releases(payments: Sequence[PaymentView], *, is_over: bool, by: Actor, at: datetime) -> None:
    """Let go of what will never be captured: all that is left is owed back, or the order is over."""
    for one in payments:
        if one.amounts.uncaptured <= 0 or one.amounts.capturing:
            continue
        if one.amounts.capturable == 0 or is_over:
            requests.plan(one.id, PaymentVerb.VOID, cause=("release", one.version), by=by, at=at)


def given_back_minor(order_id: UUID) -> int:
    """Return what was given back for goods that the customer had, or as goodwill."""
    return _for_delivered(refunds.of_order(order_id))


def to_pay_minor(order: OrderView, payments: Sequence[PaymentView]) -> int:
    """Return what is still to be paid of an order. Nobody pays again what was given back at the provider, past us."""
    owed = refunds.of_order(order.id) if payments else []
    by_us = sum(part.amount_minor for one in owed for part in one.parts if part.way is Way.REFUND)
    past_us = max(sum(one.amounts.refunded + one.amounts.owed for one in payments) - by_us, 0)
    covers = sum(one.amounts.covers for one in payments)
    return max(order.total_minor - _for_delivered(owed) - covers - past_us, 0)


def require_paid(order_id: UUID) -> None:
    """Make sure that nothing of an order that is paid with us is left to pay, before its goods go. Raises: NotPaid.

    An order without any payment here is settled by its channel.
    """
    payments = ledger.of_order(order_id)
    if not payments:
        return
    order = queries.order(order_id)
    missing = to_pay_minor(order, payments)
    if missing:
        amount = Money(missing, order.currency)
        raise errors.NotPaid(
            f"{amount} are still to be paid of order {order.number}; take that payment, then hand the goods over.",
            to_pay_minor=missing,
            currency=order.currency,
            amount=str(amount),
        )


def _for_delivered(found: Sequence[Owed]) -> int:
    return sum(owed.amount_minor - owed.uncovered_minor for owed in found if owed.cause[0] in refunds.DELIVERED_CAUSES)
