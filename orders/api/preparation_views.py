"""The API of preparation times: what products and categories need besides being picked, brought many at once."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import catalog
from commerce.api.bodies import StrictSerializer, Text, Whole
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from orders import preparation
from orders.models import PreparationTime
from orders.preparation import Needed, Said

MOST_LISTED = 10_000


class PreparationTimeBody(StrictSerializer):
    sku = Text(max_length=64, required=False, help_text="A product, or else a category.")
    category = Text(max_length=preparation.LONGEST_CATEGORY, required=False, allow_blank=True, default="")
    minutes = Whole(min_value=0, required=False, default=0, help_text="Once for the product in an order.")
    minutes_per_piece = Whole(min_value=0, required=False, default=0)
    what = Text(max_length=preparation.LONGEST_WHAT, required=False, allow_blank=True, default="")


class PreparationTimesBody(StrictSerializer):
    items = PreparationTimeBody(many=True, min_length=1, max_length=preparation.MOST_AT_ONCE)


class PreparationTimeDocument(serializers.Serializer[Any]):
    sku = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_blank=True)
    minutes = serializers.IntegerField()
    minutes_per_piece = serializers.IntegerField()
    what = serializers.CharField(allow_blank=True)


class PreparationTimesDocument(serializers.Serializer[Any]):
    items = PreparationTimeDocument(many=True)


class PreparationTimesView(ApiView):
    """What goods need besides being picked."""

    scopes = {"GET": Scope.ROUTING_READ, "PUT": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="list_preparation_times", summary="What goods need besides being picked",
        responses=PreparationTimesDocument,
    )  # fmt: skip
    def get(self, request: ApiRequest) -> HttpResponse:
        """List products and categories that take time to prepare."""
        return self.reply(_document())

    @extend_schema(
        operation_id="set_preparation_times", summary="Say what goods need besides being picked",
        description=(
            "Many at once, all or nothing; what is not named stays. Without minutes a line ends. A product's own line goes "
            "before its category's."
        ),
        request=PreparationTimesBody, responses=PreparationTimesDocument,
    )  # fmt: skip
    def put(self, request: ApiRequest) -> HttpResponse:
        """Say how long products and categories take."""
        items = PreparationTimesBody.read(request.data)["items"]
        named = {number: one["sku"] for number, one in enumerate(items) if one.get("sku")}
        products = catalog.known(list(named.values()), at="items[{}].sku") if named else {}
        said = [
            Said(
                products[one["sku"]].id if one.get("sku") else None, one["category"],
                Needed(one["minutes"], one["minutes_per_piece"], one["what"]),
            )
            for one in items
        ]  # fmt: skip

        def work() -> tuple[int, Any]:
            preparation.say(said, by=request.auth.actor)
            return 200, _document()

        return self.once(request, work)


def _document() -> dict[str, Any]:
    rows = PreparationTime.objects.select_related("product").order_by("category", "product__sku")[:MOST_LISTED]
    return {
        "items": [
            {
                "sku": row.product.sku if row.product else None,
                "category": row.category,
                "minutes": row.minutes,
                "minutes_per_piece": row.minutes_per_piece,
                "what": row.what,
            }
            for row in rows
        ]
    }
