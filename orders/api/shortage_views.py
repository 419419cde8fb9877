"""The API of shortages: what customers may choose for pieces that could not be found, for shops that ask in their own words."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import clock
from commerce.api.bodies import StrictSerializer, Text
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from orders import queries, shortage_choices
from orders.floor import Choice
from orders.proposals import Proposed

CHOICES = [choice.value for choice in Choice]
LONGEST_LOCATION, LONGEST_SKU = 20, 64


class ChoiceBody(StrictSerializer):
    choice = serializers.ChoiceField(CHOICES, help_text="What the customer said: one of those that are offered.")
    location = Text(
        max_length=LONGEST_LOCATION,
        required=False,
        allow_blank=True,
        default="",
        help_text="The store, with `elsewhere`.",
    )
    product = Text(
        max_length=LONGEST_SKU, required=False, allow_blank=True, default="", help_text="The SKU, with `substitute`."
    )
    proposal = Text(
        max_length=36,
        required=False,
        allow_blank=True,
        default="",
        help_text="The id of the proposal, with `accept` and `refuse`.",
    )


class OfferDocument(serializers.Serializer[Any]):
    choice = serializers.ChoiceField(CHOICES)
    location = serializers.CharField(allow_null=True, help_text="Code of the store, with `elsewhere`.")
    distance_km = serializers.FloatField(allow_null=True)
    product = serializers.CharField(allow_null=True, help_text="SKU of the substitute, with `substitute`.")
    name = serializers.CharField(allow_null=True)
    amount_minor = serializers.IntegerField(allow_null=True, help_text="What all of the substitute costs.")
    instead_of_minor = serializers.IntegerField(allow_null=True, help_text="What was to be paid; never less.")


class SubstituteProposalDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    product = serializers.CharField(help_text="SKU of what somebody at the shelf proposes.")
    name = serializers.CharField()
    units = serializers.IntegerField()
    amount_minor = serializers.IntegerField(
        help_text="What all of it costs at most; may be more than `instead_of_minor`."
    )
    instead_of_minor = serializers.IntegerField()
    answer_by = serializers.DateTimeField(help_text="The goods are kept until then.")


class ShortageDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    units = serializers.IntegerField(help_text="Pieces, or kits, as they were ordered.")
    is_waiting = serializers.BooleanField()
    wait_until = serializers.DateTimeField(allow_null=True)
    proposal = SubstituteProposalDocument(allow_null=True)
    offers = OfferDocument(many=True)


class ShortagesDocument(serializers.Serializer[Any]):
    order_id = serializers.UUIDField()
    shortages = ShortageDocument(many=True)


class ShortagesView(ApiView):
    """What is asked about an order."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(
        operation_id="list_order_shortages",
        summary="What the customer of an order may choose for missing pieces",
        description="Offers are looked up as of now: what is listed can be had this moment. What is settled is not listed.",
        responses={200: ShortagesDocument},
    )
    def get(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        return self.reply(_document(order_id, request.auth.channel_id))


class ShortageChoiceView(ApiView):
    """The customer's answer."""

    scopes = {"POST": Scope.ORDERS_WRITE}

    @extend_schema(
        operation_id="choose_for_shortage",
        summary="Say what the customer chose for missing pieces",
        description="Goods, price, VAT and the choice are booked together, or `choice_over` says that it can't be had any more.",
        request=ChoiceBody,
        responses={200: ShortagesDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID, shortage_id: UUID) -> HttpResponse:
        body = ChoiceBody.read(request.data)
        channel_id = request.auth.channel_id

        def work() -> tuple[int, Any]:
            token = queries.order(order_id, channel_id=channel_id).tracking_token
            shortage_choices.choose(token, shortage_id, **body, by=request.auth.actor, at=clock.now())
            return 200, _document(order_id, channel_id)

        return self.once(request, work)


def _document(order_id: UUID, channel_id: int) -> dict[str, Any]:
    queries.order(order_id, channel_id=channel_id)
    return {
        "order_id": order_id,
        "shortages": [
            {
                "id": asked.id,
                "name": asked.name,
                "units": asked.units,
                "is_waiting": asked.is_waiting,
                "wait_until": asked.wait_until,
                "proposal": _proposal(asked.proposal) if asked.proposal else None,
                "offers": [_offer(one) for one in asked.offers],
            }
            for asked in shortage_choices.asked(order_id, at=clock.now())
        ],
    }


def _proposal(one: Proposed) -> dict[str, Any]:
    return {
        "id": one.id,
        "product": one.sku,
        "name": one.name,
        "units": one.units,
        "amount_minor": one.amount_minor,
        "instead_of_minor": one.instead_of_minor,
        "answer_by": one.answer_by,
    }


def _offer(one: shortage_choices.Offer) -> dict[str, Any]:
    other = one.substitute
    return {
        "choice": one.choice.value,
        "location": one.location.code if one.location else None,
        "distance_km": one.distance_km,
        "product": other.product.sku if other else None,
        "name": other.product.name if other else None,
        "amount_minor": other.amount_minor if other else None,
        "instead_of_minor": other.instead_of_minor if other else None,
    }
