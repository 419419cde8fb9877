"""The door for orders that need no answer at once: kept in a moment, placed by a worker, exactly once."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import clock
from commerce.api import problems, rendering
from commerce.api.bodies import StrictSerializer, Text
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import CommerceError, InvalidInput
from commerce.roles import Scope
from commerce.transactions import transaction
from orders import received, told
from orders.api.serializers import OrderBody
from orders.received import Stage

STAGES = [stage.value for stage in Stage]


class HandedInBody(StrictSerializer):
    event_id = Text(max_length=received.LONGEST_EVENT_ID, help_text="Yours; the same again is the same order.")
    order = OrderBody()


class DoorBody(StrictSerializer):
    events = HandedInBody(many=True, min_length=1, max_length=received.MOST_AT_ONCE)


class TakenInDocument(serializers.Serializer[Any]):
    event_id = serializers.CharField()
    is_new = serializers.BooleanField(help_text="False when it was handed in before.")


class DoorDocument(serializers.Serializer[Any]):
    events = TakenInDocument(many=True)


class RefusedDocument(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class HandedInDocument(serializers.Serializer[Any]):
    event_id = serializers.CharField()
    state = serializers.ChoiceField(STAGES, help_text="A refused order waits for a person, who may still place it.")
    order = serializers.UUIDField(allow_null=True)
    refusal = RefusedDocument(allow_null=True)


class DoorView(ApiView):
    """Where orders are handed in."""

    scopes = {"POST": Scope.ORDERS_WRITE}

    @extend_schema(
        operation_id="hand_in_orders",
        summary="Hand in orders to be placed in a moment",
        description=(
            "For webhooks and batches: answered as soon as the orders are on disk, placed by a worker exactly once, earlier "
            "ones first. The same `event_id` again changes nothing. What is not an order is refused here, all of it, with each "
            "field named; what can't be placed (no goods, a full window) waits for a person: `GET /order-inbox/{event_id}`."
        ),
        request=DoorBody,
        responses={202: DoorDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        body = DoorBody.read(request.data)
        events = {one["event_id"]: orjson.loads(orjson.dumps(one["order"])) for one in body["events"]}
        if len(events) < len(body["events"]):
            message = "Each event has an id of its own."
            raise InvalidInput(message, errors=[{"field": "events", "value": None, "message": message}])
        with transaction():
            fresh = received.take_in(events, channel=request.auth, by=request.auth.actor, at=clock.now())
        return self.reply({"events": [{"event_id": key, "is_new": is_new} for key, is_new in fresh.items()]}, 202)


@csrf_exempt
@require_POST
def platform_webhook(request: HttpRequest, platform: str, channel_code: str) -> HttpResponse:
    """Take in an order that a shop platform tells. Its signature is the only key; the body is read as it came."""
    try:
        outcome = told.receive(platform, channel_code, rendering.body_of(request), request.headers, read=_read_order)
    except CommerceError as refusal:
        return problems.respond(refusal, instance=request.path)
    return rendering.reply({"outcome": outcome}, 202)


def _read_order(document: dict[str, Any]) -> dict[str, Any]:
    """Check an order as our own API would. Raises: InvalidInput."""
    checked: dict[str, Any] = orjson.loads(orjson.dumps(OrderBody.read(document)))
    return checked


class HandedInView(ApiView):
    """What became of one of them."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(
        operation_id="read_handed_in_order",
        summary="What became of an order that was handed in",
        responses={200: HandedInDocument},
    )
    def get(self, request: ApiRequest, event_id: str) -> HttpResponse:
        found = received.standing(request.auth.channel_code, event_id)
        refusal = {"code": found.refusal[0], "message": found.refusal[1]} if found.refusal else None
        return self.reply(
            {"event_id": event_id, "state": found.stage.value, "order": found.order_id, "refusal": refusal}
        )
