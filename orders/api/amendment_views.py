"""The API of amendments: look at what a change would do to an order of one's own channel, then confirm exactly that."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import catalog, clock
from commerce.api.bodies import Quantity, StrictSerializer, Text, Whole
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from orders import pickup_windows, queries
from orders.amendments import changing
from orders.amendments.documents import Preview
from orders.amendments.wishes import (
    LONGEST_REASON,
    MOST_DIVISIONS,
    MOST_LINES,
    Amendment,
    Division,
    MethodChange,
    Union,
)
from orders.api import documents
from orders.api.serializers import AddressBody, LineBody, OrderDocument
from orders.intake import METHODS

CONSEQUENCES = [
    "customer_told",
    "picker_sees_it",
    "put_back",
    "part_cancelled",
    "window_freed",
    "new_part",
    "order_cancelled",
    "money_back",
    "money_more",
    "address_changed",
    "method_changed",
]


class AmendedLineBody(StrictSerializer):
    line_number = Whole(min_value=1, max_value=10_000)
    quantity = Whole(
        min_value=0, max_value=changing.MOST_PIECES, help_text="How many are wanted in all; 0 cancels the line."
    )


class DividedLineBody(StrictSerializer):
    line_number = Whole(min_value=1, max_value=10_000)
    quantity = Quantity()


class DivisionBody(StrictSerializer):
    fulfilment = serializers.UUIDField()
    lines = DividedLineBody(many=True, min_length=1, max_length=MOST_LINES)


class UnionBody(StrictSerializer):
    fulfilment = serializers.UUIDField()
    into = serializers.UUIDField()


class MethodBody(StrictSerializer):
    fulfilment = serializers.UUIDField()
    method = serializers.ChoiceField([one.value for one in METHODS])
    location = Text(
        max_length=20, required=False, allow_blank=True, default="",
        help_text="The store of a pickup, or to which it is sent.",
    )  # fmt: skip
    window = Text(
        max_length=80, required=False, help_text="Of a pickup, from `GET /pickup-windows`; it names its store."
    )


class AmendmentBody(StrictSerializer):
    lines = AmendedLineBody(many=True, required=False, max_length=MOST_LINES)
    additions = LineBody(many=True, required=False, max_length=MOST_LINES, help_text="Goods besides, at today's price.")
    ship_to = AddressBody(required=False, help_text="Another address in the same country.")
    split = DivisionBody(many=True, required=False, max_length=MOST_DIVISIONS)
    merge = UnionBody(many=True, required=False, max_length=MOST_DIVISIONS)
    methods = MethodBody(
        many=True, required=False, max_length=MOST_DIVISIONS,
        help_text="Parts that nobody has begun go out another way, with goods, window and promise.",
    )  # fmt: skip
    reason = Text(max_length=LONGEST_REASON, required=False, allow_blank=True, default="")
    basis = Text(
        max_length=64, required=False, help_text="Of the preview that you confirm. Without one this is only a preview."
    )


class AmendedLineDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True, help_text="Null for a line that comes with the change.")
    line_number = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    unit_price_minor = serializers.IntegerField()
    quantity_before = serializers.IntegerField()
    quantity_after = serializers.IntegerField()
    before_minor = serializers.IntegerField()
    after_minor = serializers.IntegerField()


class AmendedPartDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True, help_text="Null for a part that comes with the change.")
    location = serializers.CharField()
    location_name = serializers.CharField()
    method = serializers.CharField()
    method_before = serializers.CharField(allow_null=True)
    window_starts_at = serializers.DateTimeField(allow_null=True)
    state_before = serializers.CharField(allow_null=True)
    state_after = serializers.CharField()
    pieces_before = serializers.IntegerField()
    pieces_after = serializers.IntegerField()


class AmendedTotalsDocument(serializers.Serializer[Any]):
    before_minor = serializers.IntegerField()
    after_minor = serializers.IntegerField()
    tax_before_minor = serializers.IntegerField()
    tax_after_minor = serializers.IntegerField()
    pieces_before = serializers.IntegerField()
    pieces_after = serializers.IntegerField()
    difference_minor = serializers.IntegerField()
    back_minor = serializers.IntegerField(help_text="What the customer gets back or need not pay.")
    more_minor = serializers.IntegerField(help_text="What is to be paid besides.")


class PutBackDocument(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField()
    pieces = serializers.IntegerField()
    location = serializers.CharField()
    location_name = serializers.CharField()


class PreviewDocument(serializers.Serializer[Any]):
    basis = serializers.CharField(help_text="Send it to confirm exactly this.")
    version = serializers.IntegerField()
    currency = serializers.CharField()
    lines = AmendedLineDocument(many=True)
    fulfilments = AmendedPartDocument(many=True)
    totals = AmendedTotalsDocument()
    status_before = serializers.CharField()
    status_after = serializers.CharField()
    is_readdressed = serializers.BooleanField()
    put_back = PutBackDocument(many=True, help_text="Picked pieces that go back on the shelf.")
    consequences = serializers.ListField(child=serializers.ChoiceField(CONSEQUENCES))


class AmendmentDocument(serializers.Serializer[Any]):
    preview = PreviewDocument(allow_null=True, help_text="What would change; null once it is confirmed.")
    order = OrderDocument(allow_null=True, help_text="The order as it stands after a confirmation.")


class AmendmentsView(ApiView):
    """Changing an order that stands."""

    scopes = {"POST": Scope.ORDERS_WRITE}

    @extend_schema(
        operation_id="amend_order",
        summary="Preview or confirm a change of an order",
        description=(
            "Without `basis` nothing is changed and the answer says what would. With the `basis` of that preview exactly "
            "this is done in one transaction, or nothing: what changed meanwhile is refused with the new preview."
        ),
        request=AmendmentBody,
        responses={200: AmendmentDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        body = AmendmentBody.read(request.data)
        channel_id, by, at = request.auth.channel_id, request.auth.actor, clock.now()
        wanted = _wanted(body, queries.order(order_id, channel_id=channel_id))
        basis = body.get("basis")

        def look() -> tuple[int, Any]:
            seen = changing.preview(order_id, wanted, by=by, at=at, channel_id=channel_id)
            return 200, {"preview": document(seen), "order": None}

        def change() -> tuple[int, Any]:
            changing.confirm(order_id, wanted, str(basis), by=by, at=at, channel_id=channel_id)
            after = queries.order(order_id, channel_id=channel_id)
            return 200, {"preview": None, "order": documents.orders([after])[0]}

        return self.run(look) if basis is None else self.once(request, change)


def document(seen: Preview) -> dict[str, Any]:
    """Return a preview as its channel reads it."""
    return {"basis": seen.basis, **seen.document}


def _wanted(body: dict[str, Any], order: queries.OrderView) -> Amendment:
    lines = {line.line_number: line.id for line in order.lines}

    def line_id(number: int, field: str) -> UUID:
        if number not in lines:
            message = f"The order has no line {number}."
            raise InvalidInput(message, errors=[{"field": field, "value": number, "message": message}])
        return lines[number]

    products = catalog.known([line["sku"] for line in body.get("additions", [])])
    additions = Counter[int]()
    for line in body.get("additions", []):
        additions[products[line["sku"]].id] += line["quantity"]
    return Amendment(
        quantities={line_id(one["line_number"], "lines"): one["quantity"] for one in body.get("lines", [])},
        additions=dict(additions),
        ship_to=body.get("ship_to"),
        divisions=tuple(
            Division(
                one["fulfilment"],
                {line_id(line["line_number"], "split.lines"): line["quantity"] for line in one["lines"]},
            )
            for one in body.get("split", [])
        ),
        unions=tuple(Union(one["fulfilment"], one["into"]) for one in body.get("merge", [])),
        reason=body["reason"],
        methods=tuple(_method(one) for one in body.get("methods", [])),
    )


def _method(said: dict[str, Any]) -> MethodChange:
    location, starts_at = said["location"], None
    if said.get("window"):
        location, starts_at = pickup_windows.parse_id(said["window"])
    return MethodChange(said["fulfilment"], said["method"], location, starts_at)
