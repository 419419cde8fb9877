"""What goes in and out of the doors to prices themselves: prior prices, lists, entries, costs, rates, contents."""

from rest_framework import serializers

from commerce.api.bodies import Instant, Quantity, QueryParameters, StrictSerializer, Text, Whole
from pricing import exemptions, pricelists, prior_prices
from pricing.claims import ExemptionKind
from pricing.file_states import Kind
from pricing.listing import REFERENCES
from pricing.rounding import NAMED
from pricing.terms import PriceBasis, TierMode

MOST_ENTRIES = 10_000  # in one request; whole catalogues come as files


class PriorPriceRequestLine(StrictSerializer):
    sku = Text(max_length=64)
    amount_minor = Whole(
        required=False, allow_null=True, default=None, max_value=pricelists.HIGHEST_AMOUNT_MINOR,
        help_text="The price of one piece, VAT included, that is to be announced; what is paid then where it is left out.",
    )  # fmt: skip
    announced_at = Instant(
        required=False, allow_null=True, default=None, help_text="When it is first announced; now where it is left out."
    )
    claim_basis_points = Whole(
        required=False, allow_null=True, default=None, min_value=1, max_value=10_000,
        help_text="The percentage that is to be said: 1250 is -12.5 %.",
    )  # fmt: skip


class PriorPriceRequest(StrictSerializer):
    """Products whose reductions are shown or planned."""

    products = serializers.ListField(child=PriorPriceRequestLine(), min_length=1, max_length=prior_prices.MOST_ASKED)


class PriorPriceLine(serializers.Serializer):
    sku = serializers.CharField()
    price_minor = serializers.IntegerField(allow_null=True, help_text="Of one piece, for anyone; null: not on offer.")
    advertised_price_minor = serializers.IntegerField(
        allow_null=True,
        help_text="What may be shown outside the basket: the price, or its minimum where the installation keeps such minima.",
    )
    is_reduced = serializers.BooleanField(help_text="A promotion that anyone gets holds.")
    prior_price_minor = serializers.IntegerField(allow_null=True)
    no_prior_price_because = serializers.CharField(
        help_text="never_offered or not_on_offer: nothing may be announced as reduced; empty where there is one."
    )
    savings_minor = serializers.IntegerField()
    savings_basis_points = serializers.IntegerField(help_text="The percentage that may be said at most, rounded down.")
    announced_at = serializers.DateTimeField(allow_null=True, help_text="The first announcement of the steps.")
    since = serializers.DateTimeField(allow_null=True, help_text="The first instant of the 30 days.")
    is_carried_in = serializers.BooleanField(
        help_text="The lowest price is older and was still in force as they began."
    )
    is_offered_for_less = serializers.BooleanField(help_text="It was on offer for less than 30 days.")
    steps = serializers.IntegerField(help_text="Reductions without a break, this one included.")
    exempt_because = serializers.CharField(
        help_text="perishable, short_shelf_life or individual (§ 11 (4) PAngV): no prior price has to be named then."
    )
    exempt_reason = serializers.CharField()
    claim_is_true = serializers.BooleanField(allow_null=True)
    message = serializers.CharField(help_text="Why a claim is refused, and the way out.")


class PriorPriceDocument(serializers.Serializer):
    at = serializers.DateTimeField()
    products = PriorPriceLine(many=True, help_text="In the order asked.")


class ExemptionRequest(StrictSerializer):
    """Goods whose reductions need name no prior price: of one product, or of a category with all below it."""

    sku = Text(max_length=64, required=False, default="", allow_blank=True)
    category = Text(max_length=exemptions.LONGEST_CATEGORY, required=False, default="", allow_blank=True)
    kind = serializers.ChoiceField([kind.value for kind in ExemptionKind], help_text="Why, as § 11 (4) PAngV has it.")
    reason = Text(max_length=exemptions.LONGEST_REASON, help_text="What makes the law hold for these goods.")
    valid_from = Instant(required=False, allow_null=True, default=None, help_text="Now where it is left out.")
    valid_until = Instant(required=False, allow_null=True, default=None, help_text="Without an end where left out.")


class ExemptionEnd(StrictSerializer):
    """The end of an exemption; one that has not begun is called off."""

    reason = Text(max_length=exemptions.LONGEST_REASON, help_text="Why it ends; it is recorded.")
    ends_at = Instant(required=False, allow_null=True, default=None, help_text="Now where it is left out.")


class ExemptionQuery(QueryParameters):
    before = Whole(min_value=1, required=False, help_text="Exemptions before this id.")
    limit = Whole(min_value=1, max_value=200, required=False, default=50)


class ExemptionDocument(serializers.Serializer):
    id = serializers.IntegerField()
    sku = serializers.CharField()
    category = serializers.CharField()
    kind = serializers.CharField()
    reason = serializers.CharField()
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    is_called_off = serializers.BooleanField(help_text="It ended before it began.")
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()


class ExemptionsDocument(serializers.Serializer):
    items = ExemptionDocument(many=True, help_text="The newest first, those that are over included.")
    next_before = serializers.IntegerField(allow_null=True)


class ComputedRequest(StrictSerializer):
    """A formula: a share of another list's prices, plus an amount, rounded by a name."""

    base = Text(max_length=40, help_text="The code of the list that prices are computed from.")
    basis_points = Whole(min_value=1, max_value=1_000_000, help_text="9000 is 90 %.")
    add_minor = Whole(
        min_value=-pricelists.HIGHEST_AMOUNT_MINOR, max_value=pricelists.HIGHEST_AMOUNT_MINOR, required=False, default=0
    )
    rounding = serializers.ChoiceField(sorted(NAMED), required=False, default="exact")


class PriceListRequest(StrictSerializer):
    code = Text(max_length=40)
    name = Text(max_length=pricelists.LONGEST_NAME)
    currency = Text(max_length=3)
    basis = serializers.ChoiceField([one.value for one in PriceBasis], required=False, default="gross")
    tier_mode = serializers.ChoiceField([one.value for one in TierMode], required=False, default="all_units")
    is_for_channel = serializers.BooleanField(
        required=False, default=False, help_text="Only for the calling channel; otherwise for all."
    )
    country = Text(max_length=2, required=False, default="", allow_blank=True)
    customer_group = Text(max_length=40, required=False, default="", allow_blank=True)
    contract = Text(max_length=40, required=False, default="", allow_blank=True)
    counts_family = serializers.BooleanField(required=False, default=False)
    computed = ComputedRequest(required=False, allow_null=True, default=None)
    priority = serializers.IntegerField(required=False, default=0, min_value=-1_000_000, max_value=1_000_000)


class PriceListDocument(serializers.Serializer):
    code = serializers.CharField()


class PriceRequestLine(StrictSerializer):
    sku = Text(max_length=64)
    amount_minor = Whole(max_value=pricelists.HIGHEST_AMOUNT_MINOR)
    min_quantity = Quantity(required=False, default=1)
    valid_from = Instant(required=False, allow_null=True, default=None, help_text="Now where it is left out.")
    valid_until = Instant(
        required=False, allow_null=True, default=None, help_text="Left out: until another price takes over."
    )


class PricesRequest(StrictSerializer):
    """Prices that are laid over a list."""

    prices = serializers.ListField(child=PriceRequestLine(), min_length=1, max_length=MOST_ENTRIES)


class InversionDocument(serializers.Serializer):
    from_quantity = serializers.IntegerField()
    to_quantity = serializers.IntegerField(help_text="So many pieces cost more than `cheaper_quantity` do.")
    cheaper_quantity = serializers.IntegerField()
    total_minor = serializers.IntegerField()
    cheaper_total_minor = serializers.IntegerField()


class PricesDocument(serializers.Serializer):
    changed = serializers.IntegerField(help_text="How many say something new.")
    inversions = InversionDocument(many=True, help_text="Tiers by which more pieces cost less: a warning.")


class CostRequestLine(StrictSerializer):
    sku = Text(max_length=64)
    amount_minor = Whole(
        max_value=pricelists.HIGHEST_AMOUNT_MINOR, help_text="Net, with freight and duty, of one piece."
    )
    currency = Text(max_length=3)
    valid_from = Instant(required=False, allow_null=True, default=None)


class CostsRequest(StrictSerializer):
    """What pieces cost us."""

    costs = serializers.ListField(child=CostRequestLine(), min_length=1, max_length=MOST_ENTRIES)


class ChangedDocument(serializers.Serializer):
    changed = serializers.IntegerField(help_text="How many say something new.")


class CurrencyRateRequest(StrictSerializer):
    base = Text(max_length=3)
    quote = Text(max_length=3)
    millionths = Whole(min_value=1, help_text="What one unit of `base` is in `quote`: 934500 is 0.9345.")
    valid_from = Instant(required=False, allow_null=True, default=None)


class ContentRequestLine(StrictSerializer):
    sku = Text(max_length=64)
    family = Text(max_length=40, required=False, default="", allow_blank=True)
    content_amount = Whole(min_value=1, required=False, allow_null=True, default=None)
    content_unit = serializers.ChoiceField(
        ["", *REFERENCES],
        required=False,
        default="",
        help_text="0.75 l are 750 ml; the unit price follows (§ 4 PAngV).",
    )


class ContentsRequest(StrictSerializer):
    """Families and contents of products."""

    products = serializers.ListField(child=ContentRequestLine(), min_length=1, max_length=MOST_ENTRIES)


class FileRequest(StrictSerializer):
    """A file of prices, costs or promotions. Larger ones come through the admin or `manage.py import_prices`."""

    kind = serializers.ChoiceField(
        [kind.value for kind in Kind],
        help_text="Promotions need a key that acts for a person, and `promotions:write`.",
    )
    name = Text(max_length=200)
    content = serializers.CharField(max_length=1_900_000, help_text="CSV or XLSX in base64.")
    price_list = Text(max_length=40, required=False, default="", allow_blank=True, help_text="For rows that name none.")
    takes_good_rows = serializers.BooleanField(required=False, default=False)


class ExportQuery(QueryParameters):
    kind = serializers.ChoiceField([kind.value for kind in Kind])
    format = serializers.ChoiceField(["csv", "xlsx"], required=False, default="csv")
    price_list = Text(
        max_length=40, required=False, default="", allow_blank=True, help_text="Prices of this list alone."
    )


class EndingRequest(StrictSerializer):
    sku = Text(max_length=64)
    min_quantity = Quantity(
        required=False,
        allow_null=True,
        default=None,
        help_text="Only the price from so many pieces on; else all tiers.",
    )
    ends_at = Instant(required=False, allow_null=True, default=None, help_text="Now where it is left out.")


class EndingsRequest(StrictSerializer):
    """Prices of a list that are to end."""

    prices = serializers.ListField(child=EndingRequest(), min_length=1, max_length=MOST_ENTRIES)
    reason = Text(max_length=200, required=False, default="", allow_blank=True, help_text="Why; it is recorded.")


class FileConfirmation(StrictSerializer):
    takes_good_rows = serializers.BooleanField(
        required=False, default=False, help_text="Write the rows without a fault, though others have one."
    )


class FaultDocument(serializers.Serializer):
    line = serializers.IntegerField()
    field = serializers.CharField()
    value = serializers.CharField()
    message = serializers.CharField(help_text="What is wrong, and the way out.")


class DifferenceDocument(serializers.Serializer):
    line = serializers.IntegerField()
    what = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class FileDocument(serializers.Serializer):
    """A file and what came of it; the first 500 differences, faults and warnings."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField(
        help_text="uploaded, checking, checked, confirmed, applying, applied, failed or discarded."
    )
    price_list = serializers.CharField()
    rows_read = serializers.IntegerField()
    rows_new = serializers.IntegerField()
    rows_changed = serializers.IntegerField()
    rows_same = serializers.IntegerField()
    rows_wrong = serializers.IntegerField()
    differences = DifferenceDocument(many=True)
    faults = FaultDocument(many=True)
    warnings = serializers.ListField(child=serializers.DictField())
    failure = serializers.CharField()
    applied_at = serializers.DateTimeField(allow_null=True)
