"""What goes in and out of the prices' doors. Answers are plain documents; these classes describe them."""

from enum import StrEnum

from rest_framework import serializers

from commerce.api.bodies import Instant, Quantity, QueryParameters, StrictSerializer, Text, Whole
from pricing import packs, pricelists, quoting
from pricing.terms import PriceBasis, StepKind, TaxRounding, Verdict


def _values(enum: type[StrEnum]) -> list[str]:
    return [member.value for member in enum]


class OverrideRequest(StrictSerializer):
    """A price set by hand, at a till or in the call centre. Needs the scope `prices:override`."""

    unit_minor = Whole(max_value=pricelists.HIGHEST_AMOUNT_MINOR, help_text="Per piece, in the basis of the list.")
    reason = Text(max_length=200, help_text="Why; it is reported.")


class QuoteRequestLine(StrictSerializer):
    sku = Text(max_length=64)
    quantity = Whole(
        min_value=-quoting.HIGHEST_QUANTITY,
        max_value=quoting.HIGHEST_QUANTITY,
        help_text="Negative for pieces that are given back in exchange.",
    )
    paid_minor = Whole(
        required=False,
        allow_null=True,
        default=None,
        max_value=pricelists.HIGHEST_AMOUNT_MINOR,
        help_text="What was paid for all pieces that are given back; today's price where it is not known.",
    )
    override = OverrideRequest(required=False, allow_null=True, default=None)


class QuoteRequest(StrictSerializer):
    """A basket to price. Several lines of one product count as one."""

    lines = serializers.ListField(child=QuoteRequestLine(), min_length=1, max_length=quoting.MOST_LINES)
    currency = serializers.RegexField(
        r"^[A-Z]{3}$", required=False, default="", help_text="ISO 4217; the channel's own where it is left out."
    )
    customer_group = Text(max_length=40, required=False, default="", allow_blank=True)
    contract = Text(max_length=40, required=False, default="", allow_blank=True)
    customer = Text(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="The channel's own id of its customer, as in orders. Whom we know by it is priced by our profile: group, "
        "segments and loyalty tier that are kept there, and whether this is a first order, come before what is said here. "
        "Promotions limited per customer count by it; only a keyed hash is kept.",
    )
    segments = serializers.ListField(
        child=Text(max_length=120), max_length=200, required=False, default=list,
        help_text="Where our profile of the customer keeps none.",
    )  # fmt: skip
    loyalty_tier = Text(
        max_length=120, required=False, default="", allow_blank=True,
        help_text="Where our profile of the customer keeps none.",
    )  # fmt: skip
    is_first_order = serializers.BooleanField(
        required=False, allow_null=True, default=None,
        help_text="Of a customer who ordered with us it never is; left out, it is the first of one who is known and didn't.",
    )  # fmt: skip
    location = Text(max_length=120, required=False, default="", allow_blank=True)
    payment_method = Text(max_length=120, required=False, default="", allow_blank=True)
    coupons = serializers.ListField(
        child=Text(max_length=80),
        max_length=quoting.MOST_CODES,
        required=False,
        default=list,
        help_text="As they were typed: blanks and case make no difference.",
    )
    takes_gifts = serializers.BooleanField(
        required=False, default=False, help_text="Gifts that are earned come into the basket by themselves."
    )
    ttl_seconds = Whole(
        min_value=quoting.SHORTEST.seconds,
        max_value=quoting.LONGEST.seconds,
        required=False,
        default=quoting.USUAL.seconds,
        help_text="How long the quote is honoured.",
    )


class QuoteBatchRequest(StrictSerializer):
    """Many baskets, each with an answer of its own."""

    quotes = serializers.ListField(child=QuoteRequest(), min_length=1, max_length=quoting.MOST_BASKETS)


class StepDocument(serializers.Serializer):
    kind = serializers.ChoiceField(_values(StepKind))
    amount_minor = serializers.IntegerField()
    reason = serializers.CharField()
    reference = serializers.CharField()
    forfeited_minor = serializers.IntegerField(help_text="What a promotion would have taken off more.")
    forfeit_reason = serializers.CharField(
        help_text="promotion_cap, budget, margin_floor or basket_cap; empty where nothing was forfeited."
    )


class CandidateDocument(serializers.Serializer):
    price_list = serializers.CharField()
    total_minor = serializers.IntegerField(allow_null=True)
    verdict = serializers.ChoiceField(_values(Verdict))
    via = serializers.CharField(help_text="How the price was computed of another list's; empty for one that was set.")


class PieceDocument(serializers.Serializer):
    quantity = serializers.IntegerField()
    paid_minor = serializers.IntegerField(help_text="Of each of these pieces.")


class QuotedLineDocument(serializers.Serializer):
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    basis = serializers.ChoiceField(_values(PriceBasis))
    unit_price_minor = serializers.IntegerField(
        help_text="Listed price per piece, in `basis`. What may be crossed out is `prior_price_minor`."
    )
    total_minor = serializers.IntegerField(help_text="What is paid, VAT included.")
    tax_minor = serializers.IntegerField()
    tax_basis_points = serializers.IntegerField(help_text="1900 is 19 %.")
    steps = StepDocument(many=True, help_text="They sum to the line's total.")
    candidates = CandidateDocument(many=True, help_text="The prices considered, and why each was taken or lost.")
    pieces = PieceDocument(many=True, help_text="What each piece is paid with, first piece first, for returns.")
    reference_price_minor = serializers.IntegerField(
        allow_null=True, help_text="Price per kg, l, m, m², m³ or piece (Grundpreis, § 4 PAngV) of what is paid."
    )
    reference_amount = serializers.CharField()
    prior_price_minor = serializers.IntegerField(
        allow_null=True,
        help_text="Of one piece, where its price is announced as reduced: the lowest of the 30 days before (§ 11 PAngV).",
    )
    savings_basis_points = serializers.IntegerField(
        allow_null=True, help_text="The percentage that may be announced at most, of one piece against its prior price."
    )
    prior_price_exemption = serializers.CharField(
        help_text="Why a reduced price names no prior price (§ 11 (4) PAngV): perishable, short_shelf_life or individual."
    )


class PromotionStepDocument(serializers.Serializer):
    promotion = serializers.CharField()
    name = serializers.CharField()
    verdict = serializers.CharField(help_text="applied, beaten, excluded, used_up, minimum_not_reached or no_effect.")
    discount_minor = serializers.IntegerField()
    forfeited_minor = serializers.IntegerField()
    forfeit_reason = serializers.CharField()
    sets = serializers.IntegerField(help_text="How often a bundle or its like was in the basket.")
    coupon = serializers.CharField()
    by = serializers.CharField(help_text="The promotion that stood in its way.")


class NearDocument(serializers.Serializer):
    promotion = serializers.CharField()
    name = serializers.CharField()
    missing_minor = serializers.IntegerField()
    missing_quantity = serializers.IntegerField()
    products = serializers.ListField(child=serializers.CharField())
    categories = serializers.ListField(child=serializers.CharField())


class GiftOfferDocument(serializers.Serializer):
    promotion = serializers.CharField()
    sku = serializers.CharField()
    quantity = serializers.IntegerField()


class CouponVerdictDocument(serializers.Serializer):
    code = serializers.CharField()
    verdict = serializers.CharField(
        help_text="applied, beaten, excluded, used_up, minimum_not_reached, no_effect, not_now or unknown."
    )
    promotion = serializers.CharField()


class TaxShareDocument(serializers.Serializer):
    basis_points = serializers.IntegerField()
    net_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    gross_minor = serializers.IntegerField()


class BuyerDocument(serializers.Serializer):
    """Who buys, as far as prices asked; segments and tiers that no rule names are left out."""

    customer_group = serializers.CharField()
    segments = serializers.ListField(child=serializers.CharField())
    loyalty_tier = serializers.CharField()
    is_first_order = serializers.BooleanField(allow_null=True)
    is_from_profile = serializers.BooleanField(help_text="Our own profile of the customer had its say.")
    overruled = serializers.ListField(
        child=serializers.CharField(), help_text="Fields of the request that our profile says otherwise."
    )


class QuoteDocument(serializers.Serializer):
    """A price with its promise: these amounts are honoured until `expires_at`."""

    id = serializers.UUIDField()
    currency = serializers.CharField()
    country = serializers.CharField()
    buyer = BuyerDocument(allow_null=True, help_text="null where prices asked nothing about who buys.")
    lines = QuotedLineDocument(many=True, help_text="By SKU.")
    steps = StepDocument(many=True, help_text="Of the document as a whole; with the lines they sum to the total.")
    total_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    taxes = TaxShareDocument(many=True)
    rounding = serializers.CharField()
    tax_rounding = serializers.ChoiceField(_values(TaxRounding))
    promotions = PromotionStepDocument(many=True, help_text="What was applied, in order, then what was not, and why.")
    near = NearDocument(many=True, help_text="What is missing for the next benefit.")
    offers = GiftOfferDocument(many=True, help_text="Gifts that are earned and not in the basket yet.")
    coupons = CouponVerdictDocument(many=True)
    has_free_shipping = serializers.BooleanField()
    is_limited = serializers.BooleanField(help_text="It holds something limited: one order can be placed by it.")
    is_approximate = serializers.BooleanField(
        help_text="There were more ways to share the promotions than could be tried; the best of those tried counts."
    )
    ruleset_version = serializers.CharField()
    quoted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    signature = serializers.CharField()


class QuoteBatchItem(serializers.Serializer):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(["given", "refused"])
    quote = QuoteDocument(required=False)
    problem = serializers.DictField(required=False)


class QuoteBatchDocument(serializers.Serializer):
    quotes = QuoteBatchItem(many=True, help_text="In the order asked.")


class PackQuery(QueryParameters):
    hours = Whole(min_value=1, max_value=72, required=False, default=24, help_text="How long the pack holds.")


class PackHeaderDocument(serializers.Serializer):
    pack = serializers.UUIDField()
    channel_id = serializers.IntegerField()
    currency = serializers.CharField()
    country = serializers.CharField()
    made_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    products = serializers.IntegerField()
    versions = serializers.ListField(
        child=serializers.IntegerField(), help_text="Of the rules, those to come included."
    )
    digest = serializers.CharField(help_text="SHA-256 of the contents in canonical form.")


class PackDocument(serializers.Serializer):
    """All that decides prices of a channel for a while; the contents are lists, rates, versions and products."""

    header = PackHeaderDocument()
    signature = serializers.CharField(help_text="Of the header.")
    contents = serializers.DictField()


class SaleRequestLine(StrictSerializer):
    sku = Text(max_length=64)
    quantity = Quantity(max_value=quoting.HIGHEST_QUANTITY)


class SaleRequest(StrictSerializer):
    reference = Text(max_length=100)
    at = Instant()
    lines = serializers.ListField(child=SaleRequestLine(), min_length=1, max_length=quoting.MOST_LINES)
    total_minor = Whole(max_value=pricelists.HIGHEST_AMOUNT_MINOR)
    customer_group = Text(max_length=40, required=False, default="", allow_blank=True)
    location = Text(max_length=120, required=False, default="", allow_blank=True)
    payment_method = Text(max_length=120, required=False, default="", allow_blank=True)
    coupons = serializers.ListField(
        child=Text(max_length=80), max_length=quoting.MOST_CODES, required=False, default=list
    )


class ReconcileRequest(StrictSerializer):
    """Sales of a till that was cut off, with the header of the pack it sold by."""

    header = serializers.DictField(help_text="As it came with the pack.")
    signature = Text(max_length=200)
    sales = serializers.ListField(child=SaleRequest(), min_length=1, max_length=packs.MOST_SALES)


class ComparedDocument(serializers.Serializer):
    reference = serializers.CharField()
    verdict = serializers.ChoiceField([packs.AGREES, packs.DIFFERS, packs.OUTSIDE, packs.REFUSED])
    total_minor = serializers.IntegerField()
    ours_minor = serializers.IntegerField(allow_null=True)
    difference_minor = serializers.IntegerField(help_text="What the till took more.")
    message = serializers.CharField()


class ReconciledDocument(serializers.Serializer):
    sales = ComparedDocument(many=True, help_text="In the order sent.")
