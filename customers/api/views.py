"""The API of customers: where one stands with us, for loyalty systems and for shops that price by tier."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce.api.bodies import StrictSerializer, Text, Whole
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from customers import standings
from customers.errors import ProfileNotFound
from customers.standings import Stands


class StandingBody(StrictSerializer):
    tier = Text(
        max_length=standings.LONGEST_TIER, required=False, allow_blank=True, default="",
        help_text="As the loyalty programme calls it; `loyalty_tier` of a quote. Empty is none.",
    )  # fmt: skip
    priority = Whole(
        min_value=0, required=False, default=0,
        help_text=f"How much sooner orders come, up to {standings.HIGHEST}; 0 is as everybody.",
    )  # fmt: skip
    reason = Text(max_length=standings.LONGEST_REASON, required=False, allow_blank=True, default="")


class StandingDocument(serializers.Serializer[Any]):
    customer = serializers.UUIDField()
    tier = serializers.CharField(allow_blank=True)
    priority = serializers.IntegerField()
    reason = serializers.CharField(allow_blank=True)


class StandingView(ApiView):
    """Where a customer stands."""

    scopes = {"GET": Scope.ROUTING_READ, "PUT": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="read_customer_standing", summary="Where a customer stands: tier and priority",
        description="The id is that of `customer` in an order. No personal values are told.",
        responses={200: StandingDocument},
    )  # fmt: skip
    def get(self, request: ApiRequest, profile_id: UUID) -> HttpResponse:
        if not standings.exists(profile_id):
            raise ProfileNotFound("There is no such customer.", profile=str(profile_id))
        return self.reply(_document(profile_id))

    @extend_schema(
        operation_id="set_customer_standing", summary="Say where a customer stands: tier and priority",
        description="Routing counts the priority (criterion `priority`) from the next order on; as everybody ends it.",
        request=StandingBody, responses={200: StandingDocument},
    )  # fmt: skip
    def put(self, request: ApiRequest, profile_id: UUID) -> HttpResponse:
        stands = Stands(**StandingBody.read(request.data))

        def work() -> tuple[int, Any]:
            standings.say(profile_id, stands, by=request.auth.actor)
            return 200, _document(profile_id)

        return self.once(request, work)


def _document(profile_id: UUID) -> dict[str, Any]:
    found = standings.of(profile_id)
    return {"customer": profile_id, "tier": found.tier, "priority": found.priority, "reason": found.reason}
