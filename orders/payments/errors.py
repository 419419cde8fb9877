"""Named refusals of payments. [pure]"""

from commerce.errors import CommerceError, NotFound


class PaymentNotFound(NotFound):
    """There is no such payment, or it belongs to another channel."""

    code = "payment_not_found"
    title = "Payment not found"


class PaymentActionNotAllowed(CommerceError):
    """The payment's amounts allow no such step, or another one is on its way; `allowed_actions` says what they allow."""

    code = "payment_action_not_allowed"
    title = "Not possible with this payment"


class AmountTooHigh(CommerceError):
    """More is to be captured, refunded or owed than this payment has: `wanted_minor`, `there_minor`."""

    code = "amount_too_high"
    title = "More than there is"


class NothingToPay(CommerceError):
    """The order is covered already, or the amount is more than what is still to be paid."""

    code = "nothing_to_pay"
    title = "Nothing is left to pay"


class NotPaid(CommerceError):
    """The order is paid with us and something is still to be paid, so its goods stay here: `to_pay_minor`, `currency`."""

    code = "not_paid"
    title = "Something is still to be paid"


class GatewayUnknown(CommerceError):
    """No payment provider of this name is set up, or it does not offer the method."""

    code = "payment_provider_unknown"
    status = 422
    title = "Unknown payment provider"


class WebhookForged(CommerceError):
    """The webhook does not carry the provider's signature, or an old one."""

    code = "webhook_forged"
    status = 400
    title = "The signature does not fit"


class GiftCardUnknown(CommerceError):
    """No gift card has this code, or it is of another currency, or no longer valid."""

    code = "gift_card_unknown"
    status = 422
    title = "This gift card can't be used"


class GiftCardTooLow(CommerceError):
    """Less is left on the gift card than was wanted: `balance_minor`."""

    code = "gift_card_too_low"
    title = "Not enough is left on the gift card"


class NotEligible(CommerceError):
    """Paying later is not offered for this order: the amount, the country or the customer does not fit."""

    code = "pay_later_not_offered"
    status = 422
    title = "Paying later is not offered here"
