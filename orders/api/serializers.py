"""What comes in over the orders API, checked strictly, and the shapes of what goes out."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from commerce import catalog
from commerce.api.bodies import Instant, Quantity, QueryParameters, StrictSerializer, Text, Whole
from commerce.api.paging import PageParameters
from commerce.channels.contracts import IncomingCustomer, IncomingLine, IncomingOrder
from inventory import locations
from orders import cancellation, intake, pickup, pickup_windows
from orders.lifecycle import COLLECTED, Action, Method, OrderAction, OrderStatus, State

MOST_DAYS = 31
USUAL_DAYS = 3
METHODS = [method.value for method in intake.METHODS]

# --- in ---------------------------------------------------------------------------------------------------------------


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

    @classmethod
    def order(cls, data: Any) -> IncomingOrder:
        """Return the order that a body means. Raises: InvalidInput, UnknownProduct, LocationUnknown."""
        body = cls.read(data)
        products = catalog.known([line["sku"] for line in body["lines"]])
        method = body.get("method", "")
        methods = {line.get("method") or method for line in body["lines"]}
        if "" in methods:
            raise intake.invalid("method", None, "Say it for the order or for each of its lines.")
        location_id, window_starts_at = _place(body, is_fetched=bool({*methods, method} & COLLECTED))
        return IncomingOrder(
            external_reference=body["external_reference"],
            method=method,
            lines=tuple(
                _line(products[line["sku"]].id, line, method=method, at=f"lines[{number}].")
                for number, line in enumerate(body["lines"])
            ),
            customer=IncomingCustomer(**body.get("customer", {})),
            location_id=location_id,
            window_starts_at=window_starts_at,
            reservation_id=body.get("reservation"),
            quote_id=body.get("quote"),
            ship_to=body.get("ship_to"),
            occurred_at=body.get("occurred_at"),
        )


def _line(product_id: int, said: dict[str, Any], *, method: str, at: str) -> IncomingLine:
    if len(said) == 2:  # as nearly all
        return IncomingLine(product_id=product_id, quantity=said["quantity"])
    own = said.get("method", "")
    location_id, starts_at = _place(said, is_fetched=(own or method) in COLLECTED, at=at)
    return IncomingLine(
        product_id=product_id,
        quantity=said["quantity"],
        method=own,
        location_id=location_id,
        window_starts_at=starts_at,
    )


def _place(said: dict[str, Any], *, is_fetched: bool, at: str = "") -> tuple[int | None, datetime | None]:
    """Return the place and the start of the window that an order or a line names. Raises: InvalidInput, LocationUnknown."""
    code, starts_at = said.get("location"), None
    if not is_fetched:
        for name in ("location", "window"):
            if name in said:
                raise intake.invalid(f"{at}{name}", said[name], "A shipment is routed by us; leave it out.")
        return None, None
    if "window" in said:
        of_window, starts_at = pickup_windows.parse_id(said["window"], field=f"{at}window")
        if code is not None and code != of_window:
            raise intake.invalid(f"{at}window", said["window"], f"This window belongs to {of_window}, not to {code}.")
        code = of_window
    return (locations.ref(code).id if code is not None else None), starts_at


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
    rejected = serializers.IntegerField()
    reject_reason = serializers.CharField(allow_blank=True)


class FulfilmentWindowDocument(serializers.Serializer[Any]):
    id = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class FulfilmentDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    location = serializers.CharField()
    location_name = serializers.CharField()
    method = serializers.ChoiceField([method.value for method in Method])
    state = serializers.ChoiceField([state.value for state in State])
    window = FulfilmentWindowDocument(allow_null=True)
    promised_at = serializers.DateTimeField()
    keep_until = serializers.DateTimeField(allow_null=True)
    pickup_code = serializers.CharField(allow_null=True)
    arrived_at = serializers.DateTimeField(allow_null=True)
    bay = serializers.CharField(allow_blank=True, max_length=pickup.LONGEST_BAY)
    allowed_actions = serializers.ListField(child=serializers.ChoiceField([action.value for action in Action]))
    lines = FulfilmentLineDocument(many=True)


class OrderDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField()
    external_reference = serializers.CharField()
    status = serializers.ChoiceField([status.value for status in OrderStatus])
    version = serializers.IntegerField(help_text="Grows with every change; also the sequence of its events.")
    placed_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    currency = serializers.CharField()
    totals = TotalsDocument()
    quote = serializers.UUIDField(allow_null=True)
    customer = OrderCustomerDocument()
    ship_to = AddressBody(allow_null=True)
    lines = OrderLineDocument(many=True)
    fulfilments = FulfilmentDocument(many=True)
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
