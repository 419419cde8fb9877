"""The API of returns: announce what comes back of an order of one's own channel, follow it, and settle it."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import clock
from commerce.api.bodies import Quantity, StrictSerializer, Text, Whole
from commerce.api.paging import CursorPaging, PageParameters
from commerce.api.schema import page_of
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from inventory.places import locations
from orders import queries
from orders.return_states import Origin, Reason, ReturnState
from orders.returns import files, lists, refunding
from orders.returns.files import Coming, Found
from orders.returns.lists import ReturnView
from orders.returns.refunding import Deduction

STATES = [state.value for state in ReturnState]
REASONS = [reason.value for reason in Reason]
ORIGINS = [origin.value for origin in Origin]


class ReturnLineBody(StrictSerializer):
    line_number = Whole(min_value=1, max_value=10_000, help_text="Of the order.")
    quantity = Quantity()
    reason = serializers.ChoiceField(REASONS)


class AnnouncedReturnBody(StrictSerializer):
    order = serializers.UUIDField()
    lines = ReturnLineBody(many=True, min_length=1, max_length=files.MOST_LINES)
    keeps_goods = serializers.BooleanField(
        required=False, default=False, help_text="The customer need not send anything back: refunded at once."
    )
    note = Text(max_length=files.LONGEST_NOTE, required=False, allow_blank=True, default="")


class SendBody(StrictSerializer):
    label = Text(max_length=files.LONGEST_LABEL, required=False, allow_blank=True, default="")


class ReceiveBody(StrictSerializer):
    location = Text(max_length=20, help_text="The code of the place where the goods are now.")


class InspectedLineBody(StrictSerializer):
    id = serializers.UUIDField(help_text="Of the return's line.")
    sellable = Whole(min_value=0, max_value=1_000_000, required=False, default=0)
    quality_control = Whole(min_value=0, max_value=1_000_000, required=False, default=0)
    damaged = Whole(min_value=0, max_value=1_000_000, required=False, default=0)
    missing = Whole(min_value=0, max_value=1_000_000, required=False, default=0)


class InspectBody(StrictSerializer):
    lines = InspectedLineBody(many=True, min_length=1, max_length=files.MOST_LINES)


class DeductionBody(StrictSerializer):
    id = serializers.UUIDField(help_text="Of the return's line.")
    amount_minor = Whole(min_value=1, max_value=10**12)
    reason = Text(max_length=refunding.LONGEST_REASON)


class ReturnRefundBody(StrictSerializer):
    deductions = DeductionBody(many=True, required=False, max_length=files.MOST_LINES)


class CallReturnOffBody(StrictSerializer):
    reason = Text(max_length=files.LONGEST_NOTE, required=False, allow_blank=True, default="")


class ReturnFilters(PageParameters):
    state = serializers.ChoiceField(STATES, required=False)
    order = serializers.UUIDField(required=False)


class ReturnLineDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    line_number = serializers.IntegerField(help_text="Of the order.")
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    worth_minor = serializers.IntegerField(help_text="What these units cost as priced.")
    reason = serializers.ChoiceField(REASONS)
    sellable = serializers.IntegerField()
    quality_control = serializers.IntegerField()
    damaged = serializers.IntegerField()
    missing = serializers.IntegerField()
    restocked_at = serializers.DateTimeField(allow_null=True)
    deduction_minor = serializers.IntegerField()
    deduction_reason = serializers.CharField(allow_blank=True)
    refund_minor = serializers.IntegerField(allow_null=True, help_text="Null until its refund is decided.")
    is_exchanged = serializers.BooleanField()
    is_void = serializers.BooleanField(help_text="Called off, refused, or not in the parcel.")


class ReturnDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField()
    order = serializers.UUIDField()
    order_number = serializers.CharField()
    external_reference = serializers.CharField(help_text="Of the order.")
    state = serializers.ChoiceField(STATES)
    origin = serializers.ChoiceField(ORIGINS)
    location = serializers.CharField(allow_null=True)
    label = serializers.CharField(allow_blank=True)
    keeps_goods = serializers.BooleanField()
    note = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()
    announced_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField(allow_null=True)
    changed_at = serializers.DateTimeField()
    currency = serializers.CharField()
    worth_minor = serializers.IntegerField()
    refund_minor = serializers.IntegerField()
    allowed_actions = serializers.ListField(child=serializers.CharField())
    lines = ReturnLineDocument(many=True)


class ReturnsView(ApiView):
    """What comes back to the caller's channel."""

    scopes = {"GET": Scope.ORDERS_READ, "POST": Scope.RETURNS_WRITE}
    paging = CursorPaging("-changed_at", "-id")

    @extend_schema(
        operation_id="list_returns",
        summary="Returns of your channel, the last changed first",
        parameters=[ReturnFilters],
        responses={200: page_of(ReturnDocument)},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        wanted = ReturnFilters.of(request)
        rows = lists.select(
            channel_id=request.auth.channel_id, order_id=wanted.get("order"), state=wanted.get("state", "")
        )
        page = self.paging.page(request, rows, limit=wanted["limit"], cursor=wanted.get("cursor"), present=_documents)
        return self.reply(page)

    @extend_schema(
        operation_id="announce_return",
        summary="Announce that goods come back",
        description=(
            "Units that the customer has and that may still come back; of each, once. It is refused with the line and "
            "the day until which it could have come back."
        ),
        request=AnnouncedReturnBody,
        responses={201: ReturnDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        body = AnnouncedReturnBody.read(request.data)
        channel_id = request.auth.channel_id
        order = queries.order(body["order"], channel_id=channel_id)
        lines = {line.line_number: line.id for line in order.lines}
        unknown = [one["line_number"] for one in body["lines"] if one["line_number"] not in lines]
        if unknown:
            message = f"The order has no line {unknown[0]}."
            raise InvalidInput(message, errors=[{"field": "lines", "value": unknown[0], "message": message}])
        coming = [Coming(lines[one["line_number"]], one["quantity"], Reason(one["reason"])) for one in body["lines"]]

        def work() -> tuple[int, Any]:
            return_id = files.announce(
                order.id, coming, origin=Origin.CHANNEL, keeps_goods=body["keeps_goods"], note=body["note"],
                by=request.auth.actor, at=clock.now(), channel_id=channel_id,
            )  # fmt: skip
            return 201, document(lists.one(return_id, channel_id=channel_id))

        return self.once(request, work)


class ReturnDetailView(ApiView):
    """One return of the caller's channel."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(operation_id="read_return", summary="Read a return", responses={200: ReturnDocument})
    def get(self, request: ApiRequest, return_id: UUID) -> HttpResponse:
        found = lists.one(return_id, channel_id=request.auth.channel_id)
        return self.with_etag(request, document(found), version=found.version)


class _StepView(ApiView):
    """A step of a return."""

    scopes = {"POST": Scope.RETURNS_WRITE}

    def step(self, request: ApiRequest, return_id: UUID, verb: Callable[..., Any], *args: Any) -> HttpResponse:
        """Take a step and answer with the return as it stands then."""
        channel_id = request.auth.channel_id

        def work() -> tuple[int, Any]:
            verb(return_id, *args, by=request.auth.actor, at=clock.now(), channel_id=channel_id)
            return 200, document(lists.one(return_id, channel_id=channel_id))

        return self.once(request, work)


class SendReturnView(_StepView):
    @extend_schema(
        operation_id="send_return",
        summary="Goods are on their way back",
        request=SendBody,
        responses={200: ReturnDocument},
    )
    def post(self, request: ApiRequest, return_id: UUID) -> HttpResponse:
        return self.step(request, return_id, files.send, SendBody.read(request.data)["label"])


class ReceiveReturnView(_StepView):
    @extend_schema(
        operation_id="receive_return",
        summary="Goods have come back",
        description="At any place of the customs area in which they were delivered. Nothing is booked before they are inspected.",
        request=ReceiveBody,
        responses={200: ReturnDocument},
    )
    def post(self, request: ApiRequest, return_id: UUID) -> HttpResponse:
        place = locations.ref(ReceiveBody.read(request.data)["location"])
        return self.step(request, return_id, files.receive, place.id)


class InspectReturnView(_StepView):
    @extend_schema(
        operation_id="inspect_return",
        summary="Say in what condition goods came back",
        description="Every unit of every line is said; they are booked back at the place where they are, each once.",
        request=InspectBody,
        responses={200: ReturnDocument},
    )
    def post(self, request: ApiRequest, return_id: UUID) -> HttpResponse:
        body = InspectBody.read(request.data)
        found = {
            one["id"]: Found(one["sellable"], one["quality_control"], one["damaged"], one["missing"])
            for one in body["lines"]
        }
        return self.step(request, return_id, files.inspect, found)


class RefundReturnView(_StepView):
    @extend_schema(
        operation_id="refund_return",
        summary="Refund a return",
        description=(
            "To the original payments, by unit as priced, less deductions with a reason; each unit once. With the last of "
            "the goods also what was charged for sending them."
        ),
        request=ReturnRefundBody,
        responses={200: ReturnDocument},
    )
    def post(self, request: ApiRequest, return_id: UUID) -> HttpResponse:
        body = ReturnRefundBody.read(request.data)
        deductions = {one["id"]: Deduction(one["amount_minor"], one["reason"]) for one in body.get("deductions", [])}
        return self.step(request, return_id, refunding.refund, deductions)


class CancelReturnView(_StepView):
    @extend_schema(
        operation_id="cancel_return",
        summary="Call a return off",
        request=CallReturnOffBody,
        responses={200: ReturnDocument},
    )
    def post(self, request: ApiRequest, return_id: UUID) -> HttpResponse:
        return self.step(request, return_id, files.cancel, CallReturnOffBody.read(request.data)["reason"])


def document(found: ReturnView) -> dict[str, Any]:
    """Return a return as its channel reads it."""
    names = list(ReturnLineDocument().fields)
    return {
        "id": found.id,
        "number": found.number,
        "order": found.order_id,
        "order_number": found.order_number,
        "external_reference": found.external_reference,
        "state": found.state.value,
        "origin": found.origin,
        "location": found.location.code if found.location else None,
        "label": found.label,
        "keeps_goods": found.keeps_goods,
        "note": found.note,
        "version": found.version,
        "announced_at": found.announced_at,
        "received_at": found.received_at,
        "changed_at": found.changed_at,
        "currency": found.currency,
        "worth_minor": found.worth_minor,
        "refund_minor": found.refund_minor,
        "allowed_actions": found.allowed_actions,
        "lines": [{name: getattr(line, name) for name in names} for line in found.lines],
    }


def _documents(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [document(one) for one in lists.views(rows)]
