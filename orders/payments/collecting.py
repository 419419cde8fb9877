"""Taking a payment for an order: at the till, by gift card, through a provider, or as a channel has taken it already.

Never part of placing: the order stands first, or the payment waits for it by the channel's reference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce import ids, locks
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import lifecycle, pay_later, queries
from orders.gateways import directory
from orders.paying import PaymentVerb, PayMethod, Picture
from orders.payments import errors, following, gift_cards, ledger, requests
from orders.payments.ledger import PaymentView
from orders.queries import OrderView

LONGEST_LABEL = 80
LONGEST_REFERENCE = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A payment to take. Without an amount it is what is still to be paid, or what is left on the gift card."""

    method: PayMethod
    amount_minor: int | None = None
    provider: str = ""
    gift_card_code: str = ""
    label: str = ""
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A payment that a channel took: authorised or captured at a provider that we know, or collected by the channel itself.

    `provider` and `provider_reference` name it where we can capture and refund it ourselves ("stripe", "pi_…").
    """

    method: PayMethod = PayMethod.CHANNEL
    authorised_minor: int
    captured_minor: int
    provider: str = "channel"
    provider_reference: str = ""
    label: str = ""
    is_pending: bool = False  # only begun: it stands as pending, with this amount, until its provider says more


@transaction_required
def begin(
    order_id: UUID,
    wanted: Wanted,
    *,
    payment_id: UUID | None = None,
    channel_id: int | None = None,
    by: Actor,
    at: datetime,
) -> tuple[UUID, UUID]:
    """Write down a payment for an order and the request that will authorise it; return both ids. `errands.carry_out` asks.

    The same `payment_id` again returns the same two. Raises: OrderNotFound, NothingToPay, GatewayUnknown, GiftCardUnknown,
    GiftCardTooLow, NotEligible, InvalidInput.
    """
    locks.hold(locks.Purpose.ORDER, str(order_id))
    order = queries.order(order_id, channel_id=channel_id)
    payment_id = payment_id or ids.new()
    payments = ledger.lock(order_id=order_id)
    if payment_id not in {one.id for one in payments}:
        _add(order, payments, wanted, payment_id, by=by, at=at)
    amount = ledger.get(payment_id).amount_minor
    asked = requests.plan(
        payment_id, PaymentVerb.AUTHORISE, amount, cause=("payment", payment_id), details=wanted.details, by=by, at=at
    )
    return payment_id, asked.id


@transaction_required
def take_over(order_id: UUID, taken: Sequence[Taken], *, by: Actor, at: datetime) -> list[PaymentView]:
    """Note payments that came with an order from its channel, in the transaction that places it.

    A reference of a provider that is known already is that payment: it is given to the order. Raises: GatewayUnknown,
    InvalidInput for more captured than authorised.
    """
    order = queries.order(order_id)
    found = []
    for one in taken:
        if not 0 <= one.captured_minor <= one.authorised_minor or one.authorised_minor < 1:
            raise _invalid("payments", one.captured_minor, "At most what was authorised is captured, and something is.")
        gateway = directory.of(one.provider)
        known = ledger.by_reference(gateway.name, one.provider_reference)
        if known is not None:
            found.append(ledger.attach(known.id, order_id, by=by, at=at))
            continue
        made = ledger.add(
            ids.new(), order_id=order_id, gateway=gateway.name, method=one.method, currency=order.currency,
            amount_minor=one.authorised_minor, label=one.label[:LONGEST_LABEL],
            provider_reference=one.provider_reference[:LONGEST_REFERENCE], by=by, at=at,
        )  # fmt: skip
        if one.is_pending:
            found.append(made)
            continue
        picture = Picture(authorised=one.authorised_minor, captured=one.captured_minor)
        found.append(ledger.observe(made.id, picture, by=by, at=at))
    return found


@transaction_required
def money_arrived(payment_id: UUID, amount_minor: int, *, evidence: str, by: Actor, at: datetime) -> PaymentView:
    """Note that money of a bank transfer is on the account. `evidence` names the line of the account; the same counts once.

    Raises: PaymentActionNotAllowed for a payment that no bank line pays.
    """
    ledger.lock(payment_ids=[payment_id])
    paid = ledger.get(payment_id)
    if paid.gateway != "bank":
        raise errors.PaymentActionNotAllowed(
            "Only bank transfers are paid by a line of the account; this one its provider settles.", allowed_actions=[]
        )
    if ledger.knows_event("bank", evidence):
        return paid
    total = paid.amounts.captured + amount_minor
    picture = Picture(authorised=max(paid.amounts.authorised, total), captured=total, provider_event=evidence)
    return ledger.observe(payment_id, picture, by=by, at=at)


def _add(
    order: OrderView, payments: Sequence[PaymentView], wanted: Wanted, payment_id: UUID, *, by: Actor, at: datetime
) -> None:
    due = following.to_pay_minor(order, payments) - sum(
        one.amount_minor for one in payments if one.gateway == "bank" and not one.amounts.authorised
    )
    if due <= 0:
        raise errors.NothingToPay(f"Order {order.number} is covered: nothing is left to pay.", to_pay_minor=0)
    card = (
        gift_cards.find(wanted.gift_card_code, currency=order.currency, at=at)
        if wanted.method is PayMethod.GIFT_CARD
        else None
    )
    amount = wanted.amount_minor if wanted.amount_minor is not None else min(due, card.balance_minor if card else due)
    if card is not None and amount < 1:
        raise errors.GiftCardTooLow("Nothing is left on this gift card; take another way to pay.", balance_minor=0)
    if amount < 1:
        raise _invalid("amount_minor", amount, "An amount is at least one minor unit; leave it out to pay what is due.")
    if amount > due:
        raise errors.NothingToPay(
            f"{due / 100:.2f} {order.currency} are left to pay of order {order.number}, not {amount / 100:.2f}.",
            errors=[{"field": "amount_minor", "value": amount, "message": f"at most {due}"}],
            to_pay_minor=due,
        )
    gateway = directory.offering(wanted.method, wanted.provider)
    if wanted.method is PayMethod.PAY_LATER:
        _require_eligible(order, amount)
    ledger.add(
        payment_id, order_id=order.id, gateway=gateway.name, method=wanted.method, currency=order.currency,
        amount_minor=amount, gift_card_id=card.id if card else None,
        label=wanted.label[:LONGEST_LABEL] or (f"•••• {card.last_four}" if card else ""), by=by, at=at,
    )  # fmt: skip


def eligibility(order: OrderView, amount_minor: int) -> pay_later.Eligibility:
    """Say whether an amount of an order may be paid later: only for what goes to the customer's address."""
    return pay_later.eligibility(
        amount_minor=amount_minor,
        currency=order.currency,
        country=(order.ship_to or {}).get("country", ""),
        is_sent=bool(order.unrouted) or any(one.method in lifecycle.SENT for one in order.fulfilments),
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to pay an amount: by whom, whether it can be had, else why not, and what it probably costs us.

    Customers are never charged for the way they pay (§ 270a BGB for cards, and our choice for all others).
    """

    method: PayMethod
    provider: str
    is_offered: bool
    reason: str
    fee_minor: int


def offers(order: OrderView, amount_minor: int) -> list[Offer]:
    """Return the ways to pay an amount of an order that are set up here; none where nothing is left to pay."""
    return _offers(amount_minor, eligibility(order, amount_minor))


def offers_before(amount_minor: int, *, currency: str, country: str, is_sent: bool) -> list[Offer]:
    """Return the ways to pay a basket that nobody ordered yet; an order of it is told the same."""
    verdict = pay_later.eligibility(amount_minor=amount_minor, currency=currency, country=country, is_sent=is_sent)
    return _offers(amount_minor, verdict)


def _offers(amount_minor: int, later: pay_later.Eligibility) -> list[Offer]:
    if amount_minor <= 0:
        return []
    found = []
    for method in PayMethod:
        if method is PayMethod.CHANNEL:
            continue
        try:
            provider = directory.offering(method).name
        except errors.GatewayUnknown:
            continue
        verdict = later if method is PayMethod.PAY_LATER else pay_later.Eligibility(True)
        fee = pay_later.estimated_fee_minor(provider, method.value, amount_minor, 1)
        found.append(Offer(method, provider, verdict.is_offered, verdict.reason, fee))
    return found


def _require_eligible(order: OrderView, amount_minor: int) -> None:
    verdict = eligibility(order, amount_minor)
    if not verdict.is_offered:
        raise errors.NotEligible(
            f"Paying later is not offered for order {order.number} ({verdict.reason}); take another way to pay.",
            reason=verdict.reason,
        )


def _invalid(field: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])
