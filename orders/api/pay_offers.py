"""Ways to pay as channels read them: of an order, and of a basket that nobody ordered yet."""

from typing import Any

from rest_framework import serializers

from orders.api.serializers import PAY_METHODS
from orders.payments.collecting import Offer


class PayOfferDocument(serializers.Serializer[Any]):
    method = serializers.ChoiceField(PAY_METHODS)
    provider = serializers.CharField()
    is_offered = serializers.BooleanField()
    reason = serializers.CharField(
        allow_blank=True,
        help_text="Why it is not offered: nothing_sent, country, currency, amount_too_low or amount_too_high.",
    )
    fee_minor = serializers.IntegerField(help_text="What it probably costs you, by list price.")
    surcharge_minor = serializers.IntegerField(help_text="What it costs the customer: always nothing.")


def offer(one: Offer) -> dict[str, Any]:
    """Return a way to pay."""
    return {
        "method": one.method.value, "provider": one.provider, "is_offered": one.is_offered, "reason": one.reason,
        "fee_minor": one.fee_minor, "surcharge_minor": 0,
    }  # fmt: skip
