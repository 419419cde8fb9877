"""The API of holds: stop an order of one's own channel, and let it go on."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import clock
from commerce.api.bodies import StrictSerializer, Text
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from orders import holds, queries
from orders.hold_kinds import HoldKind

KINDS = [kind.value for kind in HoldKind]


class HoldBody(StrictSerializer):
    kind = serializers.ChoiceField(KINDS)
    reason = Text(
        max_length=holds.LONGEST_REASON, required=False, allow_blank=True, default="", help_text="Names nobody."
    )


class ReleaseHoldBody(StrictSerializer):
    reason = Text(max_length=holds.LONGEST_REASON, required=False, allow_blank=True, default="")


class HoldDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(KINDS)
    reason = serializers.CharField(allow_blank=True)
    placed_by = serializers.CharField()
    placed_at = serializers.DateTimeField()
    released_by = serializers.CharField(allow_blank=True)
    release_reason = serializers.CharField(allow_blank=True)
    released_at = serializers.DateTimeField(allow_null=True, help_text="Null while it stops the order.")


class HoldsDocument(serializers.Serializer[Any]):
    order_id = serializers.UUIDField()
    held_for = serializers.ListField(child=serializers.CharField(), help_text="Kinds of the open holds.")
    holds = HoldDocument(many=True)


class HoldsView(ApiView):
    """What an order is and was held for."""

    scopes = {"GET": Scope.ORDERS_READ, "POST": Scope.ORDERS_WRITE}

    @extend_schema(
        operation_id="list_order_holds",
        summary="What an order is and was held for",
        responses={200: HoldsDocument},
    )
    def get(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        return self.reply(_document(order_id, request.auth.channel_id))

    @extend_schema(
        operation_id="hold_order",
        summary="Put an order on hold",
        description="Nothing of it is picked, shipped or handed over until it is released. Several kinds hold at once.",
        request=HoldBody,
        responses={200: HoldsDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        body = HoldBody.read(request.data)
        channel_id = request.auth.channel_id

        def work() -> tuple[int, Any]:
            holds.place(order_id, **body, by=request.auth.actor, at=clock.now(), channel_id=channel_id)
            return 200, _document(order_id, channel_id)

        return self.once(request, work)


class ReleaseHoldView(ApiView):
    """Letting an order go on."""

    scopes = {"POST": Scope.ORDERS_WRITE}

    @extend_schema(
        operation_id="release_order_hold",
        summary="Let an order go on",
        description="A channel releases the holds that it placed; what we hold is released by staff.",
        request=ReleaseHoldBody,
        responses={200: HoldsDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID, kind: str) -> HttpResponse:
        body = ReleaseHoldBody.read(request.data)
        channel_id = request.auth.channel_id

        def work() -> tuple[int, Any]:
            holds.release(order_id, kind, **body, by=request.auth.actor, at=clock.now(), channel_id=channel_id)
            return 200, _document(order_id, channel_id)

        return self.once(request, work)


def _document(order_id: UUID, channel_id: int) -> dict[str, Any]:
    order = queries.order(order_id, channel_id=channel_id)
    found = holds.of_orders([order_id], open_only=False).get(order_id, [])
    return {
        "order_id": order_id,
        "held_for": order.held_for,
        "holds": [
            {
                "id": one.id,
                "kind": one.kind.value,
                "reason": one.reason,
                "placed_by": one.placed_by,
                "placed_at": one.placed_at,
                "released_by": one.released_by,
                "release_reason": one.release_reason,
                "released_at": one.released_at,
            }
            for one in found
        ],
    }
