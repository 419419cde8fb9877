"""Money on the order screen: what was paid and how, what is left to pay, what goes back, and what may be done about it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from commerce.roles import Permission
from orders import paying
from orders.paying import Concern, PaidStatus, PaymentStatus, PaymentVerb, PayMethod
from orders.payments import asking, declines, following, ledger, refunds, requests
from orders.payments.ledger import PaymentView
from orders.payments.requests import RequestView
from orders.queries import OrderView
from orders.staff.order_page import amount
from orders.staff.words import Text, Word, word

METHODS: dict[str, Word] = {
    PayMethod.CARD.value: Word(_("Card"), "credit-card"),
    PayMethod.WALLET.value: Word(_("Wallet"), "wallet"),
    PayMethod.GIFT_CARD.value: Word(_("Gift card"), "gift"),
    PayMethod.CASH.value: Word(_("Cash"), "banknote"),
    PayMethod.BANK_TRANSFER.value: Word(_("Bank transfer"), "landmark"),
    PayMethod.PAY_LATER.value: Word(_("Paid later"), "calendar-clock"),
    PayMethod.CHANNEL.value: Word(_("Paid at the shop"), "store"),
}
STATUSES: dict[str, Word] = {
    PaymentStatus.PENDING.value: Word(_("Not confirmed yet"), "hourglass", "warn"),
    PaymentStatus.FAILED.value: Word(_("Declined"), "circle-x", "bad"),
    PaymentStatus.AUTHORISED.value: Word(_("Held"), "lock", "busy"),
    PaymentStatus.PARTLY_CAPTURED.value: Word(_("Partly taken"), "circle-dot-dashed", "busy"),
    PaymentStatus.CAPTURED.value: Word(_("Taken"), "check", "ok"),
    PaymentStatus.PARTLY_REFUNDED.value: Word(_("Partly refunded"), "undo-2", "info"),
    PaymentStatus.REFUNDED.value: Word(_("Refunded"), "undo-2", "done"),
    PaymentStatus.CHARGED_BACK.value: Word(_("Charged back"), "gavel", "bad"),
    PaymentStatus.VOIDED.value: Word(_("Let go"), "lock-open", "done"),
}
PAID: dict[str, Word] = {
    PaidStatus.UNPAID.value: Word(_("Not paid"), "circle-alert", "warn"),
    PaidStatus.PARTLY_COVERED.value: Word(_("Partly paid"), "circle-dot-dashed", "warn"),
    PaidStatus.COVERED.value: Word(_("Money is held"), "lock", "busy"),
    PaidStatus.PAID.value: Word(_("Paid"), "check", "ok"),
    PaidStatus.OVERPAID.value: Word(_("Paid too much"), "circle-plus", "warn"),
    PaidStatus.REFUNDED.value: Word(_("Refunded"), "undo-2", "done"),
    PaidStatus.NOTHING_TO_PAY.value: Word(_("Nothing to pay"), "minus", "done"),
}
CONCERNS: dict[str, Text] = {
    Concern.CAPTURE_REFUSED.value: _("The provider refused to take the money."),
    Concern.REFUND_REFUSED.value: _("The provider refused to give the money back."),
    Concern.BY_HAND.value: _("Give the money back by hand, then say so here."),
    Concern.UNANSWERED.value: _("The provider has not answered yet; it is asked again and again."),
    Concern.PROVIDER_DISAGREES.value: _("The provider says something that contradicts our books. Look it up there."),
    Concern.CHARGEBACK.value: _("The customer’s bank took the money back. Answer the dispute at the provider."),
    Concern.LOST_AUTHORISATION.value: _("The hold ran out or soon will. Ask the customer for another payment."),
    Concern.NO_ORDER.value: _("This was paid without an order."),
}
ON_ITS_WAY: dict[str, Text] = {
    PaymentVerb.AUTHORISE.value: _("The provider is being asked."),
    PaymentVerb.CAPTURE.value: _("%(amount)s are being taken."),
    PaymentVerb.VOID.value: _("It is being let go."),
    PaymentVerb.REFUND.value: _("%(amount)s are on their way back."),
    PaymentVerb.EXTEND.value: _("It is being held longer."),
}
BUTTONS: dict[PaymentVerb, tuple[Text, str]] = {
    PaymentVerb.CAPTURE: (_("Take it now"), "download"),
    PaymentVerb.VOID: (_("Let it go"), "lock-open"),
}


@dataclass(frozen=True, slots=True)
class Button:
    """Something that may be asked for a payment."""

    verb: str
    label: Text
    icon: str


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment on the screen."""

    id: UUID
    method: Word
    label: str
    status: Word
    amount: str
    details: list[tuple[Text, str]]
    expires_at: datetime | None
    concern: Text
    going: list[str]
    buttons: list[Button]
    by_hand: list[RequestView]
    by_hand_amount: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The card of payments beside an order."""

    status: Word
    payments: list[Paid]
    to_pay: str
    to_pay_minor: int
    refundable: str
    refundable_minor: int
    owed: list[tuple[str, str, bool]]  # amount, why, whether it went back
    may_take: bool
    may_return: bool


def panel(order: OrderView, can: frozenset[Permission]) -> Panel:
    """Return what the order screen shows about money, with what the reader may do."""
    payments = ledger.of_order(order.id)
    asked = requests.of_payments([one.id for one in payments])
    open_of = {
        one.id: [r for r in asked if r.payment_id == one.id and r.state in paying.OPEN_REQUESTS] for one in payments
    }
    to_pay = following.to_pay_minor(order, payments)
    refundable = sum(one.amounts.refundable for one in payments)
    may_return = Permission.RETURN_MONEY in can
    return Panel(
        status=word(PAID, paying.paid_status(order.total_minor, [one.amounts for one in payments]).value),
        payments=[_paid(one, open_of[one.id], may_return=may_return) for one in payments],
        to_pay=amount(to_pay, order.currency),
        to_pay_minor=to_pay,
        refundable=amount(refundable, order.currency),
        refundable_minor=refundable,
        owed=[
            (amount(one.amount_minor - one.uncovered_minor, order.currency), one.reason, one.is_settled)
            for one in refunds.of_order(order.id)
            if one.amount_minor > one.uncovered_minor
        ],
        may_take=Permission.TAKE_PAYMENTS in can and to_pay > 0,
        may_return=Permission.APPROVE_REFUNDS in can and refundable > 0,
    )


def _paid(one: PaymentView, open_requests: list[RequestView], *, may_return: bool) -> Paid:
    amounts, currency = one.amounts, one.currency
    details: list[tuple[Text, str]] = [
        (label, amount(minor, currency))
        for label, minor in (
            (_("Held"), amounts.capturable + amounts.capturing),
            (_("Taken"), amounts.captured),
            (_("Given back"), amounts.refunded),
            (_("To give back"), amounts.owed),
            (_("Charged back"), amounts.lost),
        )
        if minor and not (label == _("Taken") and minor == one.amount_minor)
    ]
    by_hand = [r for r in open_requests if r.answer == "by hand"]
    possible = asking.allowed(one, open_requests) if may_return else []
    return Paid(
        id=one.id,
        method=word(METHODS, one.method.value),
        label=one.label,
        status=word(STATUSES, one.status.value),
        amount=amount(one.amount_minor, currency),
        details=details,
        expires_at=one.expires_at if amounts.uncaptured > 0 else None,
        concern=_concern(one),
        going=[
            str(ON_ITS_WAY[r.verb.value]) % {"amount": amount(r.amount_minor, currency)}
            for r in open_requests
            if r not in by_hand
        ],
        buttons=[Button(verb.value, *BUTTONS[verb]) for verb in possible if verb in BUTTONS],
        by_hand=by_hand if may_return else [],
        by_hand_amount=amount(sum(r.amount_minor for r in by_hand), currency),
    )


def _concern(one: PaymentView) -> Text:
    if one.concern:
        return CONCERNS[one.concern.value]
    return declines.word(one.decline_reason) if one.decline_reason and one.amounts.authorised == 0 else ""
