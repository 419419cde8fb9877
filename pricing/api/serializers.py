"""What goes in and out of the prices' doors. Answers are plain documents; these classes describe them."""

from enum import StrEnum
from typing import Any

from rest_framework import serializers

from commerce.api.bodies import Quantity, StrictSerializer, Text, Whole
from pricing import quoting
from pricing.quotes import QuotedLine
from pricing.terms import PriceBasis, StepKind, TaxRounding, Verdict


def _values(enum: type[StrEnum]) -> list[str]:
    return [member.value for member in enum]


class QuoteRequestLine(StrictSerializer):
    sku = Text(max_length=64)
    quantity = Quantity(max_value=quoting.HIGHEST_QUANTITY)


class QuoteRequest(StrictSerializer):
    """A basket to price. Several lines of one product count as one."""

    lines = serializers.ListField(child=QuoteRequestLine(), min_length=1, max_length=quoting.MOST_LINES)
    customer_group = Text(max_length=40, required=False, default="", allow_blank=True)
    ttl_seconds = Whole(
        min_value=quoting.SHORTEST.seconds,
        max_value=quoting.LONGEST.seconds,
        required=False,
        default=quoting.USUAL.seconds,
        help_text="How long the quote is honoured.",
    )


class StepDocument(serializers.Serializer):
    kind = serializers.ChoiceField(_values(StepKind))
    amount_minor = serializers.IntegerField()
    reason = serializers.CharField()
    reference = serializers.CharField()


class CandidateDocument(serializers.Serializer):
    price_list = serializers.CharField()
    total_minor = serializers.IntegerField(allow_null=True)
    verdict = serializers.ChoiceField(_values(Verdict))


class QuotedLineDocument(serializers.Serializer):
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    basis = serializers.ChoiceField(_values(PriceBasis))
    unit_price_minor = serializers.IntegerField(help_text="Listed price per piece, in `basis`.")
    total_minor = serializers.IntegerField(help_text="What is paid, VAT included.")
    tax_minor = serializers.IntegerField()
    tax_basis_points = serializers.IntegerField(help_text="1900 is 19 %.")
    steps = StepDocument(many=True, help_text="They sum to the line's total.")
    candidates = CandidateDocument(many=True, help_text="The prices considered, and why each was taken or lost.")


class TaxShareDocument(serializers.Serializer):
    basis_points = serializers.IntegerField()
    net_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    gross_minor = serializers.IntegerField()


class QuoteDocument(serializers.Serializer):
    """A price with its promise: these amounts are honoured until `expires_at`."""

    id = serializers.UUIDField()
    currency = serializers.CharField()
    country = serializers.CharField()
    lines = QuotedLineDocument(many=True, help_text="By SKU.")
    steps = StepDocument(many=True, help_text="Of the document as a whole; with the lines they sum to the total.")
    total_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    taxes = TaxShareDocument(many=True)
    rounding = serializers.CharField()
    tax_rounding = serializers.ChoiceField(_values(TaxRounding))
    ruleset_version = serializers.CharField()
    quoted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    signature = serializers.CharField()


def document(given: quoting.GivenQuote) -> dict[str, Any]:
    """Return a given quote as the API shows it."""
    quote = given.quote
    return {
        "id": given.id,
        "currency": quote.currency,
        "country": quote.country,
        "lines": [_line(line) for line in quote.lines],
        "steps": quote.steps,
        "total_minor": quote.total_minor,
        "tax_minor": quote.tax_minor,
        "taxes": quote.taxes,
        "rounding": quote.rounding,
        "tax_rounding": quote.tax_rounding,
        "ruleset_version": quote.ruleset_version,
        "quoted_at": quote.at,
        "expires_at": given.expires_at,
        "signature": given.signature,
    }


def _line(line: QuotedLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "quantity": line.quantity,
        "basis": line.basis,
        "unit_price_minor": line.unit_price_minor,
        "total_minor": line.total_minor,
        "tax_minor": line.tax_minor,
        "tax_basis_points": line.tax_basis_points,
        "steps": line.steps,
        "candidates": line.candidates,
    }
