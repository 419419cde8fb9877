"""What comes in over the orders API, checked strictly, and the shapes of what goes out."""

from typing import Any

from rest_framework import serializers

from commerce.api.bodies import Instant, Quantity, QueryParameters, StrictSerializer, Text, Whole
from commerce.api.paging import PageParameters
from commerce.channels.contracts import PAID_STATES, IncomingOrder
from orders import cancellation, channel_prices, incoming, intake, pickup
from orders.channel_prices import PriceSource
from orders.lifecycle import Action, Method, OrderAction, OrderStatus, State
from orders.paying import PayMethod

MOST_DAYS = 31
USUAL_DAYS = 3
METHODS = [method.value for method in intake.METHODS]
KNOWN_METHODS = [method.value for method in Method]
PAY_METHODS = [method.value for method in PayMethod]

# --- in ---------------------------------------------------------------------------------------------------------------


class DiscountBody(StrictSerializer):
    name = Text(max_length=120)
    code = Text(max_length=60, required=False, allow_blank=True, default="")
    amount_minor = Whole(min_value=1, help_text="What was taken off, for all pieces.")


class LinePriceBody(StrictSerializer):
    unit_price_minor = Whole(help_text="Of one piece, before discounts.")
    total_minor = Whole(help_text="For all pieces, after discounts.")
    tax_minor = Whole()
    tax_basis_points = Whole(max_value=channel_prices.HIGHEST_RATE, help_text="19 % is 1900.")
    discounts = DiscountBody(many=True, required=False, max_length=intake.MOST_DISCOUNTS)


class ShippingPriceBody(StrictSerializer):
    amount_minor = Whole()
    tax_minor = Whole()
    tax_basis_points = Whole(max_value=channel_prices.HIGHEST_RATE)


class PricingBody(StrictSerializer):
    """The channel's own prices, where that is agreed: every line has a `price`, in the basis that `is_gross` says."""

    currency = serializers.RegexField(r"^[A-Z]{3}$")
    is_gross = serializers.BooleanField(help_text="Whether amounts of lines and shipping contain VAT.")
    total_minor = Whole(help_text="What the customer pays in all, VAT included.")
    tax_minor = Whole()
    shipping = ShippingPriceBody(required=False)


class PaymentBody(StrictSerializer):
    """A payment that was made where the customer ordered."""

    provider = Text(max_length=40, help_text="Who took it, such as stripe; `channel` for the marketplace itself.")
    reference = Text(max_length=120, help_text="By which the provider knows it.")
    method = serializers.ChoiceField(PAY_METHODS)
    amount_minor = Whole(min_value=1)
    status = serializers.ChoiceField(PAID_STATES)


class LineBody(StrictSerializer):
    sku = Text(max_length=64)
    quantity = Quantity()
    method = serializers.ChoiceField(
        METHODS,
        required=False,
        help_text="How this line is fulfilled, if otherwise than the order: lines may go different ways.",
    )
    location = Text(
        max_length=20, required=False, help_text="The store where this line is fetched; part of `window` too."
    )
    window = Text(max_length=60, required=False, help_text="The id of the pickup window of this line.")
    price = LinePriceBody(required=False, help_text="The channel's own, with `pricing`.")
    takes_substitutes = serializers.BooleanField(
        required=False,
        help_text="The customer agrees to other goods, never dearer, if these are missing when they are picked.",
    )


class CustomerBody(StrictSerializer):
    name = Text(max_length=160, required=False, allow_blank=True, default="")
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    phone = Text(max_length=40, required=False, allow_blank=True, default="")
    language = serializers.RegexField(
        r"^[a-z]{2}$", required=False, default="", help_text="ISO 639-1, such as de; the channel's when left out."
    )
    channel_customer_id = Text(max_length=120, required=False, allow_blank=True, default="")


class AddressBody(StrictSerializer):
    street = Text(max_length=160, required=False, allow_blank=True, default="")
    postal_code = Text(max_length=12)
    city = Text(max_length=80)
    country = serializers.RegexField(r"^[A-Z]{2}$", help_text="ISO 3166-1 alpha-2, such as DE.")


class OrderBody(StrictSerializer):
    external_reference = Text(max_length=intake.LONGEST_REFERENCE, help_text="Yours; unique on your channel.")
    method = serializers.ChoiceField(
        METHODS,
        required=False,
        help_text="Method, location and window hold for all lines that say nothing else; every line needs a method.",
    )
    location = Text(max_length=20, required=False, help_text="The store of a pickup; part of `window` too.")
    window = Text(max_length=60, required=False, help_text="The id of a pickup window.")
    reservation = serializers.UUIDField(required=False, help_text="A reservation that the order consumes.")
    quote = serializers.UUIDField(required=False, help_text="A quote whose prices it is sold at.")
    lines = LineBody(many=True, min_length=1, max_length=intake.MOST_LINES)
    customer = CustomerBody(required=False)
    ship_to = AddressBody(required=False)
    occurred_at = Instant(required=False, help_text="When the customer ordered, if that was before now.")

    pricing = PricingBody(required=False)
    payments = PaymentBody(many=True, required=False, max_length=intake.MOST_PAYMENTS)
    is_express = serializers.BooleanField(required=False, default=False, help_text="Gets its place before all others.")
    deliver_by = serializers.DateField(
        required=False,
        help_text="The day that the customer was told where they ordered; routing counts what is later as late.",
    )

    @classmethod
    def order(cls, data: Any, *, channel_id: int) -> IncomingOrder:
        """Return the order that a body means. Raises: InvalidInput, UnknownProduct, LocationUnknown."""
        return incoming.order(cls.read(data), channel_id=channel_id)


class CancelBody(StrictSerializer):
    reason = Text(max_length=cancellation.LONGEST_REASON, required=False, allow_blank=True, default="")


class OrderFilters(PageParameters):
    status = serializers.ChoiceField([status.value for status in OrderStatus], required=False)
    placed_after = Instant(required=False, help_text="Orders placed after this instant.")
    external_reference = Text(max_length=intake.LONGEST_REFERENCE, required=False)
    location = Text(max_length=20, required=False, help_text="The code of the location that prepares the order.")


class WindowParameters(QueryParameters):
    location = Text(max_length=20, help_text="A location's code.")
    days = Whole(
        min_value=1, max_value=MOST_DAYS, required=False, default=USUAL_DAYS, help_text="Local days, today the first."
    )


# --- out --------------------------------------------------------------------------------------------------------------


class OrderLineDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="What `promise.revised` calls `order_line`.")
    line_number = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField(help_text="Pieces as ordered.")
    cancelled = serializers.IntegerField(help_text="Pieces of them that won't be delivered.")
    unit_price_minor = serializers.IntegerField()
    total_minor = serializers.IntegerField(help_text="As ordered, for all pieces.")
    tax_minor = serializers.IntegerField()
    tax_basis_points = serializers.IntegerField()
    remaining_minor = serializers.IntegerField(help_text="The share of the pieces that were not cancelled.")
    takes_substitutes = serializers.BooleanField(help_text="Whether its customer agreed to other goods when ordering.")
    waiting = serializers.IntegerField(min_value=0, help_text="Pieces that wait for goods to come.")
    promised_on = serializers.DateField(
        allow_null=True, help_text="The day on which those are promised to be there; null while nobody knows."
    )


class TotalsDocument(serializers.Serializer[Any]):
    ordered_minor = serializers.IntegerField(help_text="What was ordered came to.")
    total_minor = serializers.IntegerField(help_text="What is owed: without cancelled pieces, VAT included.")
    tax_minor = serializers.IntegerField()
    pieces = serializers.IntegerField()


class OrderCustomerDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    language = serializers.CharField()


class FulfilmentLineDocument(serializers.Serializer[Any]):
    line_number = serializers.IntegerField()
    sku = serializers.CharField(help_text="The goods: of a line that is a kit, what is in it, one line each.")
    quantity = serializers.IntegerField()
    per_unit = serializers.IntegerField(min_value=1, help_text="Pieces for one of the order line's product.")
    picked = serializers.IntegerField()
    rejected = serializers.IntegerField(help_text="Pieces that this part doesn't owe any more, for whatever reason.")
    called_off = serializers.IntegerField(
        help_text="Of these, pieces that are not missing: called off, or owed by another part of the order now."
    )
    reject_reason = serializers.CharField(allow_blank=True)


class FulfilmentWindowDocument(serializers.Serializer[Any]):
    id = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class FulfilmentDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    location = serializers.CharField()
    location_name = serializers.CharField()
    store = serializers.CharField(
        allow_null=True, help_text="To which it is sent, to be fetched there (`ship_to_store`)."
    )
    method = serializers.ChoiceField(KNOWN_METHODS)
    state = serializers.ChoiceField([state.value for state in State])
    window = FulfilmentWindowDocument(allow_null=True)
    promised_at = serializers.DateTimeField(help_text="By when it is ready to be fetched, or leaves.")
    deliver_by = serializers.DateTimeField(allow_null=True, help_text="By when what is sent arrives.")
    keep_until = serializers.DateTimeField(allow_null=True)
    pickup_code = serializers.CharField(allow_null=True)
    arrived_at = serializers.DateTimeField(allow_null=True)
    bay = serializers.CharField(allow_blank=True, max_length=pickup.LONGEST_BAY)
    allowed_actions = serializers.ListField(child=serializers.ChoiceField([action.value for action in Action]))
    lines = FulfilmentLineDocument(many=True)


class UnroutedDocument(serializers.Serializer[Any]):
    method = serializers.ChoiceField(KNOWN_METHODS)
    is_express = serializers.BooleanField()
    promised_at = serializers.DateTimeField(help_text="By when it leaves, whichever place will send it.")
    accepted_at = serializers.DateTimeField()


class OrderDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField()
    external_reference = serializers.CharField()
    status = serializers.ChoiceField([status.value for status in OrderStatus])
    version = serializers.IntegerField(help_text="Grows with every change; also the sequence of its events.")
    placed_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    currency = serializers.CharField()
    price_source = serializers.ChoiceField(
        [one.value for one in PriceSource], help_text="Whose prices hold: ours by quote, or the channel's own."
    )
    totals = TotalsDocument()
    quote = serializers.UUIDField(allow_null=True)
    customer = OrderCustomerDocument()
    ship_to = AddressBody(allow_null=True)
    lines = OrderLineDocument(many=True)
    fulfilments = FulfilmentDocument(many=True)
    unrouted = UnroutedDocument(many=True, help_text="What is accepted and gets its place in a moment.")
    is_cancellable = serializers.BooleanField()
    held_for = serializers.ListField(
        child=serializers.CharField(), help_text="Kinds of its open holds: nothing of it moves meanwhile."
    )
    allowed_actions = serializers.ListField(child=serializers.ChoiceField([action.value for action in OrderAction]))
    tracking_url = serializers.URLField()


class WindowDocument(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Send it as `window` with the order.")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    capacity = serializers.IntegerField()
    left = serializers.IntegerField(help_text="How many more orders the window takes.")
    ready_by = serializers.DateTimeField()


class WindowsDocument(serializers.Serializer[Any]):
    location = serializers.CharField()
    name = serializers.CharField()
    time_zone = serializers.CharField()
    as_of = serializers.DateTimeField()
    windows = WindowDocument(many=True)
