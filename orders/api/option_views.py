"""Ways to get a basket, before it is ordered."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import catalog, clock
from commerce.api.bodies import Quantity, StrictSerializer, Text, Whole
from commerce.api.views import ApiRequest, ApiView
from commerce.channels.contracts import IncomingLine
from commerce.roles import Scope
from inventory.places import locations
from orders import intake, options
from orders.api.pay_offers import PayOfferDocument, offer
from orders.api.serializers import METHODS
from orders.options import Asked, Option


class WantedBody(StrictSerializer):
    sku = Text(max_length=64)
    quantity = Quantity()


class DestinationBody(StrictSerializer):
    postal_code = Text(max_length=12)
    country = serializers.RegexField(r"^[A-Z]{2}$")


class OptionsBody(StrictSerializer):
    lines = WantedBody(many=True, min_length=1, max_length=intake.MOST_LINES)
    destination = DestinationBody(
        required=False, help_text="Where the customer is: for shipments, and for what is near."
    )
    methods = serializers.ListField(
        child=serializers.ChoiceField(METHODS), required=False, min_length=1, max_length=len(METHODS)
    )
    locations = serializers.ListField(
        child=Text(max_length=20), required=False, max_length=20, help_text="Stores to fetch at; else the nearest ones."
    )
    total_minor = Whole(
        required=False, min_value=1, help_text="What the basket costs, as your quote says; else it is priced as of now."
    )


class OptionWindowDocument(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Send it as `window` with the order.")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class OptionPlaceDocument(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class OptionDocument(serializers.Serializer[Any]):
    rank = serializers.IntegerField()
    method = serializers.ChoiceField(METHODS)
    locations = OptionPlaceDocument(many=True, help_text="Several when the basket would be split.")
    ready_by = serializers.DateTimeField(allow_null=True, help_text="When it can be fetched, or by when it leaves.")
    deliver_by = serializers.DateTimeField(allow_null=True)
    cost_minor = serializers.IntegerField(
        help_text="What it costs us to ship and handle, by the live policy's figures."
    )
    distance_km = serializers.FloatField(allow_null=True)
    services = serializers.ListField(child=serializers.CharField())
    windows = OptionWindowDocument(many=True)
    payments = PayOfferDocument(many=True, help_text="How the order may be paid, got this way; empty without a price.")


class NotOfferedDocument(serializers.Serializer[Any]):
    method = serializers.ChoiceField(METHODS)
    code = serializers.CharField()
    message = serializers.CharField()


class PreparedDocument(serializers.Serializer[Any]):
    sku = serializers.CharField()
    what = serializers.CharField(allow_blank=True, help_text="Such as engraving.")
    minutes = serializers.IntegerField(help_text="Of opening time; counted in every time that is told here.")


class OptionsDocument(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField(help_text="Stock and windows are as of this instant.")
    load_as_of = serializers.DateTimeField(help_text="The work that waits at places is no older than this.")
    total_minor = serializers.IntegerField(
        allow_null=True, help_text="Which `payments` are about; null without a price."
    )
    options = OptionDocument(many=True)
    preparation = PreparedDocument(many=True, help_text="What goods need besides being picked.")
    not_offered = NotOfferedDocument(many=True)


class OptionsView(ApiView):
    """What a shop asks before a customer orders."""

    scopes = {"POST": Scope.AVAILABILITY_READ}

    @extend_schema(
        operation_id="fulfilment_options",
        summary="Ways to get a basket, earliest first",
        description=(
            "Nothing is held by asking. Times are never earlier than possible: they count opening hours, holidays, the size of "
            "the basket, the people at the place and the work that waits there. Methods that can't be offered say why."
        ),
        request=OptionsBody,
        responses={200: OptionsDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        body = OptionsBody.read(request.data)
        products = catalog.known([line["sku"] for line in body["lines"]])
        asked = Asked(
            tuple(
                IncomingLine(product_id=products[line["sku"]].id, quantity=line["quantity"]) for line in body["lines"]
            ),
            request.auth,
            tuple(dict.fromkeys(body.get("methods", METHODS))),
            body.get("destination", {}),
            tuple(locations.ref(code).id for code in body.get("locations", ())),
            body.get("total_minor"),
        )
        found = options.of(asked, at=clock.now())
        return self.reply(
            {
                "as_of": found.as_of,
                "load_as_of": found.load_as_of,
                "total_minor": found.total_minor,
                "options": [_option(rank, one) for rank, one in enumerate(found.found, start=1)],
                "preparation": [{"sku": one.sku, "what": one.what, "minutes": one.minutes} for one in found.prepared],
                "not_offered": [
                    {"method": method, "code": code, "message": message}
                    for method, (code, message) in found.refused.items()
                ],
            }
        )


def _option(rank: int, one: Option) -> dict[str, Any]:
    return {
        "rank": rank,
        "method": one.method,
        "locations": [{"code": place.code, "name": place.name} for place in one.places],
        "ready_by": one.ready_by,
        "deliver_by": one.deliver_by,
        "cost_minor": one.cost_minor,
        "distance_km": None if one.distance_km is None else round(one.distance_km, 1),
        "services": list(one.services),
        "payments": [offer(each) for each in one.payments],
        "windows": [{"id": each.id, "starts_at": each.starts_at, "ends_at": each.ends_at} for each in one.windows],
    }
