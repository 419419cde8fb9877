"""The part of the API about shelves: where goods lie at a location, so that pickers find them. The ledger knows no shelves."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory import shelves
from inventory.api import moving_serializers as serializers
from inventory.api import reported
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.shelves import Placing


class ShelvesView(ApiView):
    scopes = {"GET": Scope.STOCK_WRITE, "POST": Scope.STOCK_WRITE}

    @extend_schema(
        summary="Where goods lie", parameters=[serializers.ShelvesParameters], responses=serializers.ShelvesDocument
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """Return the shelves of products at a location, or what lies on a shelf."""
        asked = serializers.ShelvesParameters.of(request)
        place = locations.ref(asked["location"])
        if "shelf" in asked:
            found = shelves.on(place.id, shelves.code(asked["shelf"]))
        else:
            found = [ref.id for ref in catalog.known(asked["sku"]).values()]
        return self.reply(_document(place, found))

    @extend_schema(
        summary="Put goods away, or move them to another shelf",
        request=serializers.ShelvesBody,
        responses={200: serializers.ShelvesDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Note on which shelves goods lie from now on, all lines or none. Quantities stay as they are."""
        body = serializers.ShelvesBody.read(request.data)
        place = locations.ref(body["location"])
        placings = [
            Placing(product_id, line.get("shelf", ""), line.get("away_from", ""), line["is_primary"])
            for line, (product_id, _pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]

        def work() -> tuple[int, Any]:
            shelves.arrange(place.id, placings, reason=body["reason"], by=request.auth.actor, at=clock.now())
            return 200, _document(place, [one.product_id for one in placings])

        return self.once(request, work)


def _document(place: LocationRef, product_ids: Iterable[int]) -> dict[str, Any]:
    wanted = list(dict.fromkeys(product_ids))
    products, found = catalog.products_by_id(wanted), shelves.of(place.id, wanted)
    return {
        "location": place.code,
        "items": [{"sku": products[one].sku, "shelves": found.get(one, [])} for one in wanted],
    }
