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
from customers.standings import Groups, Stands


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


class SegmentsBody(StrictSerializer):
    customer_group = Text(
        max_length=standings.LONGEST_GROUP, required=False, allow_blank=True, default="",
        help_text="Whose price lists the customer gets; empty is not kept here.",
    )  # fmt: skip
    segments = serializers.ListField(
        child=Text(max_length=standings.LONGEST_SEGMENT), max_length=standings.MOST_SEGMENTS, allow_null=True,
        help_text="Agreed memberships, never what profiling says; null: not kept here, so that a channel's word counts.",
    )  # fmt: skip


class SegmentsDocument(serializers.Serializer[Any]):
    customer = serializers.UUIDField()
    customer_group = serializers.CharField(allow_blank=True)
    segments = serializers.ListField(child=serializers.CharField(), allow_null=True)


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


class SegmentsView(ApiView):
    """To which group and segments a customer belongs."""

    scopes = {"GET": Scope.ROUTING_READ, "PUT": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="read_customer_segments", summary="Group and segments of a customer",
        description="The id is that of `customer` in an order. No personal values are told.",
        responses={200: SegmentsDocument},
    )  # fmt: skip
    def get(self, request: ApiRequest, profile_id: UUID) -> HttpResponse:
        if not standings.exists(profile_id):
            raise ProfileNotFound("There is no such customer.", profile=str(profile_id))
        return self.reply(_groups(profile_id))

    @extend_schema(
        operation_id="set_customer_segments", summary="Say to which group and segments a customer belongs",
        description="All of them, instead of those before. Quotes that name the customer count them from then on.",
        request=SegmentsBody, responses={200: SegmentsDocument},
    )  # fmt: skip
    def put(self, request: ApiRequest, profile_id: UUID) -> HttpResponse:
        said = SegmentsBody.read(request.data)
        named = tuple(said["segments"]) if said["segments"] is not None else None

        def work() -> tuple[int, Any]:
            standings.assign(profile_id, Groups(said["customer_group"], named), by=request.auth.actor)
            return 200, _groups(profile_id)

        return self.once(request, work)


def _groups(profile_id: UUID) -> dict[str, Any]:
    found = standings.groups_of(profile_id)
    return {"customer": profile_id, "customer_group": found.customer_group, "segments": found.segments}


def _document(profile_id: UUID) -> dict[str, Any]:
    found = standings.of(profile_id)
    return {"customer": profile_id, "tier": found.tier, "priority": found.priority, "reason": found.reason}
