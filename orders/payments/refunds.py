"""What customers are owed: written down by the verb that caused it, in its transaction; given back after it.

The rule of sharing: `orders.paying.give_back`. Money that a provider only holds is withheld (it can't be captured any more
and is let go); money that was captured is returned by a refund. Neither is ever more than a payment has (law 12).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce import audit, ids, integrity, outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from orders import paying
from orders.models import Order, OwedRefund, OwedRefundPart
from orders.paying import PaymentVerb, Way
from orders.payments import errors, ledger, news, requests

# Causes about goods that the customer had: what was captured goes back, and what is held for goods to come stays held.
DELIVERED_CAUSES = frozenset({"return", "exchange", "claim", "goodwill"})

PART = "owed_part"  # the cause of a request

integrity.refuse(
    "owed_refund_once_per_cause", lambda: errors.AmountTooHigh("This cause was refunded at the same moment already.")
)


@dataclass(frozen=True, slots=True)
class OwedPart:
    """The share of one payment and the way it goes."""

    payment_id: UUID
    way: Way
    amount_minor: int
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Owed:
    """An owed refund: what goes back by which payment, and what no payment could give (it was never paid)."""

    id: UUID
    order_id: UUID
    cause: tuple[str, str]
    amount_minor: int
    uncovered_minor: int
    reason: str
    created_at: datetime
    parts: tuple[OwedPart, ...]

    @property
    def is_settled(self) -> bool:
        """Whether all of it went back."""
        return all(part.settled_at for part in self.parts)


@transaction_required
def owe(
    *,
    order_id: UUID,
    amount_minor: int,
    reason: str,
    cause: tuple[str, object],
    by: Actor,
    at: datetime,
    delivered: bool | None = None,
) -> Owed:
    """Owe a customer an amount for a cause, once: the same cause again returns what stands and owes nothing more.

    The split over the order's payments is fixed now and given back soon after, by void or refund. What was never paid is
    owed by nobody: it is reported as `uncovered_minor`. `delivered` says whether the customer had the goods (then captured
    money goes back first); left out, the kind of cause tells. The caller holds the order (`fulfilment.claim_order`).

    Raises: ValueError for an amount below one.
    """
    if amount_minor < 1:
        raise ValueError("nothing is owed below one minor unit")
    kind, cause_id = cause[0], str(cause[1])
    known = OwedRefund.objects.filter(cause_type=kind, cause_id=cause_id).first()
    if known is not None:
        return view(known)
    payments = ledger.lock(order_id=order_id)
    shares = paying.give_back(
        amount_minor,
        [(one.method, one.amounts) for one in payments],
        delivered=kind in DELIVERED_CAUSES if delivered is None else delivered,
    )
    uncovered = amount_minor - sum(share.amount_minor for share in shares)
    order = Order.objects.only("channel_id", "currency").get(pk=order_id)
    row = OwedRefund.objects.create(
        id=ids.new(), order=order, cause_type=kind, cause_id=cause_id, amount_minor=amount_minor,
        uncovered_minor=uncovered, reason=reason[:200], created_at=at,
    )  # fmt: skip
    for share in shares:
        OwedRefundPart.objects.create(
            id=ids.new(), owed=row, payment_id=payments[share.payment].id, way=share.way.value,
            amount_minor=share.amount_minor,
        )  # fmt: skip
    audit.record(
        "orders.payments.refunds.owe", "order", order_id, by=by, reason=reason,
        after={"amount_minor": amount_minor, "uncovered_minor": uncovered, "cause": kind},
    )  # fmt: skip
    fact = news.RefundOwed(
        aggregate_sequence=OwedRefund.objects.filter(order_id=order_id).count(), occurred_at=at,
        channel_id=order.channel_id, owed_id=row.id, order_id=order_id, amount_minor=amount_minor - uncovered,
        uncovered_minor=uncovered, currency=order.currency, cause_type=kind, cause_id=cause_id,
    )  # fmt: skip
    outbox.publish([fact], by=by)
    return view(row)


@transaction_required
def plan(order_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask providers for the refunds that are owed and not asked for yet; note which releases have come true.

    What somebody gave back at the provider, past us, is not given twice: only what is left is asked for. The caller holds the
    order.
    """
    payments = {one.id: one for one in ledger.lock(order_id=order_id)}
    asked = requests.refunds_of(payments)
    for part in OwedRefundPart.objects.filter(payment_id__in=payments, settled_at__isnull=True).order_by("id"):
        amounts = payments[part.payment_id].amounts
        if part.way == Way.RELEASE:
            if amounts.uncaptured <= 0:
                part.settled_at = at
                part.save(update_fields=["settled_at"])
            continue
        if (PART, str(part.id)) in asked[part.payment_id]:
            continue
        open_minor = sum(
            one.amount_minor for one in asked[part.payment_id].values() if one.state in paying.OPEN_REQUESTS
        )
        there = min(part.amount_minor, amounts.captured - amounts.refunded - open_minor)
        if there > 0:
            cause = (PART, part.id)
            made = requests.plan(part.payment_id, PaymentVerb.REFUND, there, cause=cause, by=by, at=at)
            asked[part.payment_id][made.cause] = made
        elif amounts.captured:
            part.settled_at = at
            part.save(update_fields=["settled_at"])


@transaction_required
def settle_part(cause: tuple[str, str], *, at: datetime) -> None:
    """Note that the refund that was asked for because of a part has happened. Other causes are none of this module's."""
    cause = requests.origin(cause)
    if cause[0] != PART:
        return
    for part in OwedRefundPart.objects.filter(pk=cause[1], settled_at__isnull=True):
        part.settled_at = at
        part.save(update_fields=["settled_at"])


def preview(order_id: UUID, amount_minor: int, *, delivered: bool) -> list[OwedPart]:
    """Return how an amount would be given back by the payments as they stand, without owing it."""
    payments = ledger.of_order(order_id)
    shares = paying.give_back(amount_minor, [(one.method, one.amounts) for one in payments], delivered=delivered)
    return [OwedPart(payments[share.payment].id, share.way, share.amount_minor, None) for share in shares]


def of_order(order_id: UUID) -> list[Owed]:
    """Return what was owed to the customer of an order, oldest first."""
    rows = OwedRefund.objects.filter(order_id=order_id).prefetch_related("parts").order_by("created_at", "id")
    return [view(row) for row in rows]


def for_cause(cause: tuple[str, object]) -> Owed | None:
    """Return what was owed for a cause, if anything was."""
    row = OwedRefund.objects.filter(cause_type=cause[0], cause_id=str(cause[1])).first()
    return view(row) if row else None


def view(row: OwedRefund) -> Owed:
    """Return a row with its parts."""
    parts = sorted(row.parts.all(), key=lambda part: part.id)
    return Owed(
        id=row.id,
        order_id=row.order_id,
        cause=(row.cause_type, row.cause_id),
        amount_minor=row.amount_minor,
        uncovered_minor=row.uncovered_minor,
        reason=row.reason,
        created_at=row.created_at,
        parts=tuple(OwedPart(part.payment_id, Way(part.way), part.amount_minor, part.settled_at) for part in parts),
    )
