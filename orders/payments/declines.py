"""Why payments were declined, in words: the codes that providers give, in the language of who reads them."""

from django.utils.translation import gettext_lazy

WORDS = {
    "insufficient_funds": gettext_lazy("not enough money on the account"),
    "generic_decline": gettext_lazy("declined by the bank, without a reason"),
    "card_declined": gettext_lazy("declined by the bank, without a reason"),
    "do_not_honor": gettext_lazy("declined by the bank, without a reason"),
    "expired_card": gettext_lazy("card expired"),
    "incorrect_cvc": gettext_lazy("wrong security code"),
    "invalid_cvc": gettext_lazy("wrong security code"),
    "lost_card": gettext_lazy("card reported lost or stolen"),
    "stolen_card": gettext_lazy("card reported lost or stolen"),
    "authentication_required": gettext_lazy("not confirmed by the customer"),
    "fraudulent": gettext_lazy("suspected fraud"),
    "processing_error": gettext_lazy("the provider could not process it"),
    "unknown": gettext_lazy("no reason given"),
}


def word(code: str) -> str:
    """Return a reason in words; one that nobody translated stays as the provider says it."""
    return str(WORDS.get(code, code.replace("_", " ")))
