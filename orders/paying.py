"""What payments are made of, and the sums behind them: what happened, what is left, who gets what back. [pure]

A payment is known by totals that only grow: authorised, captured, released, refunded, charged back. Whatever a provider
tells, late, twice or in another order, is a picture of those totals at some moment; `news` says what a picture adds to what
is known, so that the order of pictures can't matter and an old one adds nothing (law 12).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PayMethod(StrEnum):
    """How people pay."""

    CARD = "card"
    WALLET = "wallet"
    GIFT_CARD = "gift_card"
    CASH = "cash"
    BANK_TRANSFER = "bank_transfer"
    PAY_LATER = "pay_later"
    CHANNEL = "channel"  # the channel took the money and settles with us


class PaymentEventKind(StrEnum):
    """What can happen to a payment. All but `extended` and `failed` move an amount."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"
    CHARGEBACK_WON = "chargeback_won"
    FEE_CHARGED = "fee_charged"
    EXTENDED = "extended"
    FAILED = "failed"


class PaymentStatus(StrEnum):
    """What a payment's amounts come to. Computed, never set."""

    PENDING = "pending"
    FAILED = "failed"
    AUTHORISED = "authorised"
    PARTLY_CAPTURED = "partly_captured"
    CAPTURED = "captured"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"
    VOIDED = "voided"


class PaidStatus(StrEnum):
    """What the payments of an order come to. Computed, never set."""

    UNPAID = "unpaid"
    PARTLY_COVERED = "partly_covered"
    COVERED = "covered"  # authorised, not all of it captured
    PAID = "paid"
    OVERPAID = "overpaid"
    REFUNDED = "refunded"
    NOTHING_TO_PAY = "nothing_to_pay"


class PaymentVerb(StrEnum):
    """What we ask of a provider."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    EXTEND = "extend"


class RequestState(StrEnum):
    """How far a request to a provider is. Sent means: its answer is not known yet."""

    PLANNED = "planned"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    DROPPED = "dropped"


class Way(StrEnum):
    """How an owed amount goes back: never taken (release), or returned (refund)."""

    RELEASE = "release"
    REFUND = "refund"


class GiftCardEntryKind(StrEnum):
    """What can happen to the balance of a gift card."""

    ISSUED = "issued"
    HELD = "held"
    RELEASED = "released"
    REDEEMED = "redeemed"
    RETURNED = "returned"
    ENDED = "ended"


class Concern(StrEnum):
    """Why a payment needs a person."""

    CAPTURE_REFUSED = "capture_refused"
    REFUND_REFUSED = "refund_refused"
    BY_HAND = "by_hand"  # money has to go back by hand: bank transfer, cash, the channel
    UNANSWERED = "unanswered"
    PROVIDER_DISAGREES = "provider_disagrees"
    CHARGEBACK = "chargeback"
    LOST_AUTHORISATION = "lost_authorisation"
    NO_ORDER = "no_order"


OPEN_REQUESTS = frozenset({RequestState.PLANNED, RequestState.SENT})
RISK = "risk: "  # before a provider's judgement in the detail of an event
# Captures come out of gift cards first; money goes back the other way round, so that a card gets its money back before a
# gift card is filled again, and buying on a gift card never turns it into cash.
FIRST_TO_CAPTURE = (PayMethod.GIFT_CARD,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """A payment in sums, in minor units.

    `withheld` was authorised but will never be taken, because it is owed back; `owed` was captured and is to be refunded;
    `capturing` is asked for and not answered yet.
    """

    authorised: int = 0
    captured: int = 0
    released: int = 0
    withheld: int = 0
    refunded: int = 0
    charged_back: int = 0
    chargeback_won: int = 0
    fee: int = 0
    owed: int = 0
    capturing: int = 0
    has_failed: bool = False

    @property
    def capturable(self) -> int:
        """What may still be captured, beyond what is asked for already."""
        return max(self.authorised - self.captured - max(self.released, self.withheld) - self.capturing, 0)

    @property
    def refundable(self) -> int:
        """What was captured and is neither given back nor owed."""
        return max(self.captured - self.refunded - self.owed - self.lost, 0)

    @property
    def lost(self) -> int:
        """What the customer's bank took back, as far as we did not win it."""
        return max(self.charged_back - self.chargeback_won, 0)

    @property
    def covers(self) -> int:
        """How much of an order this payment stands for: taken or still to take, less what goes back."""
        return self.capturable + self.capturing + self.captured - self.refunded - self.owed - self.lost

    @property
    def uncaptured(self) -> int:
        """What a provider still holds for us."""
        return self.authorised - self.captured - self.released

    @property
    def status(self) -> PaymentStatus:
        """What the sums come to."""
        if self.lost and self.lost + self.refunded >= self.captured:
            return PaymentStatus.CHARGED_BACK
        if self.captured and self.refunded >= self.captured:
            return PaymentStatus.REFUNDED
        if self.refunded:
            return PaymentStatus.PARTLY_REFUNDED
        if self.captured:
            return PaymentStatus.PARTLY_CAPTURED if self.uncaptured > 0 else PaymentStatus.CAPTURED
        if self.authorised:
            return PaymentStatus.AUTHORISED if self.uncaptured > 0 else PaymentStatus.VOIDED
        return PaymentStatus.FAILED if self.has_failed else PaymentStatus.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The totals of a payment as a provider knew them at some moment, from an answer or a webhook."""

    authorised: int = 0
    captured: int = 0
    released: int = 0
    is_expired: bool = False  # what was released ran out rather than being voided
    refunded: int = 0
    charged_back: int = 0
    chargeback_won: int = 0
    fee: int = 0
    failure: str = ""  # the provider's reason, when nothing was authorised
    provider_reference: str = ""
    provider_event: str = ""
    risk: str = ""  # what the provider thinks of a payment that a person should look at
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing to note of a payment: what, how much, and why when it failed."""

    kind: PaymentEventKind
    amount_minor: int
    detail: str = ""


class Contradiction(ValueError):
    """A picture that can't be true beside what is known: more captured than authorised, or refunded than captured."""


def news(known: Amounts, picture: Picture) -> list[Happened]:
    """Return what a picture adds to what is known, in the order in which it must have happened.

    Totals only grow: an older picture adds nothing. Raises: Contradiction when the sums would break law 12.
    """
    released = PaymentEventKind.EXPIRED if picture.is_expired else PaymentEventKind.VOIDED
    captured = max(known.captured, picture.captured)
    authorised = max(known.authorised, picture.authorised)
    grown = [
        (PaymentEventKind.AUTHORISED, authorised - known.authorised),
        (PaymentEventKind.CAPTURED, captured - known.captured),
        (released, max(picture.released - known.released, 0)),
        (PaymentEventKind.REFUNDED, max(picture.refunded - known.refunded, 0)),
        (PaymentEventKind.CHARGED_BACK, max(picture.charged_back - known.charged_back, 0)),
        (PaymentEventKind.CHARGEBACK_WON, max(picture.chargeback_won - known.chargeback_won, 0)),
        (PaymentEventKind.FEE_CHARGED, max(picture.fee - known.fee, 0)),
    ]
    if captured + max(known.released, picture.released) > authorised:
        raise Contradiction("more was captured or released than authorised")
    if max(known.refunded, picture.refunded) > captured:
        raise Contradiction("more was refunded than captured")
    found = [
        Happened(kind, amount, RISK + picture.risk if picture.risk and kind is PaymentEventKind.AUTHORISED else "")
        for kind, amount in grown
        if amount
    ]
    if picture.failure and authorised == 0 and not known.has_failed:
        found.append(Happened(PaymentEventKind.FAILED, 0, picture.failure))
    return found


def paid_status(total_minor: int, payments: Iterable[Amounts]) -> PaidStatus:
    """Return what the payments of an order of `total_minor` come to."""
    known = list(payments)
    covers, taken = sum(one.covers for one in known), sum(one.captured - one.refunded - one.lost for one in known)
    if covers > total_minor:
        return PaidStatus.OVERPAID
    if total_minor == 0:
        given_back = any(one.refunded for one in known)
        return PaidStatus.REFUNDED if given_back else PaidStatus.NOTHING_TO_PAY
    if covers == 0:
        return PaidStatus.REFUNDED if any(one.refunded for one in known) else PaidStatus.UNPAID
    if covers < total_minor:
        return PaidStatus.PARTLY_COVERED
    return PaidStatus.PAID if taken >= total_minor else PaidStatus.COVERED


@dataclass(frozen=True, slots=True)
class Share:
    """A part of an amount that falls to one payment, and the way it goes."""

    payment: int  # the place of the payment in the list that was given
    amount_minor: int
    way: Way


def give_back(amount_minor: int, payments: Sequence[tuple[PayMethod, Amounts]], *, delivered: bool) -> list[Share]:
    """Share an amount that is owed over the payments of an order, which are given oldest first.

    Goods that were not delivered are best never taken: what is only authorised goes first, then what was captured. For goods
    that were delivered and come back it is the other way round. Within each the youngest payment comes first and gift cards
    come last, the mirror of how money is taken. Never more than there is: the shares may sum to less.
    """
    order = sorted(range(len(payments)), key=lambda place: (payments[place][0] in FIRST_TO_CAPTURE, -place))
    ways = (Way.REFUND, Way.RELEASE) if delivered else (Way.RELEASE, Way.REFUND)
    shares = []
    for way in ways:
        for place in order:
            amounts = payments[place][1]
            there = amounts.capturable if way is Way.RELEASE else amounts.refundable
            part = min(amount_minor, there)
            if part > 0:
                shares.append(Share(place, part, way))
                amount_minor -= part
    return shares


def take(amount_minor: int, payments: Sequence[tuple[PayMethod, int]]) -> list[tuple[int, int]]:
    """Share an amount to capture over payments with what each may still give: gift cards first, then the oldest.

    Returns (place in the list, amount); less than the whole when there is not enough.
    """
    order = sorted(range(len(payments)), key=lambda place: (payments[place][0] not in FIRST_TO_CAPTURE, place))
    shares = []
    for place in order:
        part = min(amount_minor, payments[place][1])
        if part > 0:
            shares.append((place, part))
            amount_minor -= part
    return shares


# What a person may do with a payment, by what its sums allow.
def allowed_actions(amounts: Amounts, *, is_open: bool) -> list[PaymentVerb]:
    """Return what may be asked of the provider; nothing while a request is on its way (`is_open`)."""
    if is_open:
        return []
    actions = []
    if amounts.status in (PaymentStatus.PENDING, PaymentStatus.FAILED):
        actions.append(PaymentVerb.AUTHORISE)
    if amounts.capturable:
        actions.append(PaymentVerb.CAPTURE)
    if amounts.uncaptured and not amounts.captured:
        actions.append(PaymentVerb.VOID)
    if amounts.uncaptured:
        actions.append(PaymentVerb.EXTEND)
    if amounts.refundable:
        actions.append(PaymentVerb.REFUND)
    return actions
