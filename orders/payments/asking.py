"""What people and channels ask for a payment by themselves: take it, let it go, hold it longer, give money back."""

from datetime import datetime
from uuid import UUID

from commerce import ids, locks
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import paying, queries
from orders.paying import PaymentVerb
from orders.payments import errors, ledger, refunds, requests
from orders.payments.ledger import PaymentView
from orders.payments.refunds import Owed
from orders.payments.requests import RequestView

LONGEST_REASON = 200
BY_HAND = "asked"  # the cause of what somebody asked for


def allowed(paid: PaymentView, open_requests: list[RequestView]) -> list[PaymentVerb]:
    """Return what may be asked for a payment now."""
    return paying.allowed_actions(paid.amounts, is_open=bool(open_requests))


@transaction_required
def ask(
    payment_id: UUID,
    verb: PaymentVerb,
    amount_minor: int | None = None,
    *,
    channel_id: int | None = None,
    by: Actor,
    at: datetime,
) -> RequestView:
    """Plan a capture (all that is held, or a part), a void or an extension of one payment. `errands.carry_out` takes it there.

    Raises: PaymentNotFound, PaymentActionNotAllowed naming what is allowed, AmountTooHigh, InvalidInput.
    """
    if verb not in (PaymentVerb.CAPTURE, PaymentVerb.VOID, PaymentVerb.EXTEND):
        raise ValueError("A refund is owed for an order: `refund`.")
    ledger.get(payment_id, channel_id=channel_id)
    [paid] = ledger.lock(payment_ids=[payment_id])
    possible = allowed(paid, requests.open_of(payment_id))
    if verb not in possible:
        raise errors.PaymentActionNotAllowed(
            f"'{verb}' is not possible while this payment is '{paid.status}'"
            + (f"; possible: {', '.join(possible)}." if possible else "; something is on its way, or nothing is left."),
            allowed_actions=[str(one) for one in possible],
        )
    wanted = 0
    if verb is PaymentVerb.CAPTURE:
        wanted = _within(amount_minor, paid.amounts.capturable)
    return requests.plan(
        payment_id, verb, wanted, cause=(BY_HAND, ids.new()),
        is_final=verb is PaymentVerb.CAPTURE and wanted == paid.amounts.capturable, by=by, at=at,
    )  # fmt: skip


@transaction_required
def refund(
    order_id: UUID,
    amount_minor: int,
    *,
    reason: str,
    reference: str = "",
    channel_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Owed:
    """Give money of an order back without goods coming back; the same reference of a channel gives back once.

    Raises: OrderNotFound, InvalidInput without a reason, AmountTooHigh naming what there is.
    """
    if not reason.strip():
        raise InvalidInput(
            "Say why the money goes back.",
            errors=[{"field": "reason", "value": reason, "message": "a reason is needed"}],
        )
    locks.hold(locks.Purpose.ORDER, str(order_id))
    order = queries.order(order_id, channel_id=channel_id)
    cause = ("goodwill", f"{order.channel_id}:{reference}" if reference else str(ids.new()))
    known = refunds.for_cause(cause)
    if known is None:
        _within(amount_minor, sum(one.amounts.refundable for one in ledger.lock(order_id=order_id)))
    owed = refunds.owe(order_id=order_id, amount_minor=amount_minor, reason=reason, cause=cause, by=by, at=at)
    refunds.plan(order_id, by=by, at=at)
    return owed


def _within(wanted: int | None, there: int) -> int:
    amount = there if wanted is None else wanted
    if amount < 1:
        raise InvalidInput(
            "An amount is at least one minor unit.",
            errors=[{"field": "amount_minor", "value": amount, "message": "at least 1"}],
        )
    if amount > there:
        raise errors.AmountTooHigh(
            f"{amount / 100:.2f} is more than the {there / 100:.2f} that there are; ask for at most that.",
            errors=[{"field": "amount_minor", "value": amount, "message": f"at most {there}"}],
            wanted_minor=amount,
            there_minor=there,
        )
    return amount
