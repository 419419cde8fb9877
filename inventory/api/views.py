"""The goods part of the API: stock and locations. Availability and reservations are beside."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock, ids
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import NotFound
from commerce.roles import Scope
from inventory import movements, queries
from inventory.api import reported, serializers
from inventory.errors import LocationUnknown
from inventory.places import locations
from inventory.stock import Condition

# --- stock ----------------------------------------------------------------------------------------------------------


class StockView(ApiView):
    scopes = {"GET": Scope.AVAILABILITY_READ}

    @extend_schema(
        summary="Stock levels with all conditions",
        parameters=[serializers.StockParameters],
        responses=serializers.LevelsDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List levels by page; narrow by SKU and location."""
        asked = serializers.StockParameters.of(request)
        products = catalog.known(asked["sku"], at="sku") if asked.get("sku") else None
        rows = queries.levels(
            product_ids=[product.id for product in products.values()] if products else None,
            location_ids=[locations.ref(code).id for code in asked["location"]] if asked.get("location") else None,
            after=asked["after"],
            at_most=asked["limit"] + 1,
        )
        shown = rows[: asked["limit"]]
        return self.reply(
            {
                "items": [_level(row) for row in shown],
                "next_after": shown[-1]["id"] if len(rows) > asked["limit"] else None,
            }
        )


class ReceiptsView(ApiView):
    scopes = {"POST": Scope.STOCK_WRITE}

    @extend_schema(
        summary="Receive goods",
        request=serializers.ReceiptBody,
        responses={201: serializers.MovementDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Book goods in. With an idempotency key a repeated report books once."""
        body = serializers.ReceiptBody.read(request.data)
        place = locations.ref(body["location"])
        occurred_at = reported.occurred_at(body)
        lines = [
            movements.Receipt(ids.new(), product_id, place.id, line["quantity"] * pieces, Condition(line["condition"]))
            for line, (product_id, pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]

        def work() -> tuple[int, Any]:
            booked = movements.receive(
                lines,
                by=request.auth.actor,
                at=clock.now(),
                reason=body["reason"],
                source=request.auth.channel_code,
                occurred_at=occurred_at,
            )
            return 201, moved(place, booked, [line.product_id for line in lines])

        return self.once(request, work)


class AdjustmentsView(ApiView):
    scopes = {"POST": Scope.STOCK_WRITE}

    @extend_schema(
        summary="Adjust stock with a reason",
        request=serializers.AdjustmentBody,
        responses={201: serializers.MovementDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Correct what is on hand, up or down. Never below what is promised to orders or held by baskets."""
        body = serializers.AdjustmentBody.read(request.data)
        place = locations.ref(body["location"])
        occurred_at = reported.occurred_at(body)
        lines = [
            movements.Adjustment(
                ids.new(), product_id, place.id, line["delta"] * pieces, body["reason"], Condition(line["condition"])
            )
            for line, (product_id, pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]

        def work() -> tuple[int, Any]:
            booked = movements.adjust(
                lines, by=request.auth.actor, at=clock.now(), source=request.auth.channel_code, occurred_at=occurred_at
            )
            return 201, moved(place, booked, [line.product_id for line in lines])

        return self.once(request, work)


def moved(place: locations.LocationRef, booked: int, product_ids: list[int]) -> dict[str, Any]:
    """Return what a movement came to: how many lines were new, and the levels of its products after it."""
    rows = queries.levels(
        product_ids=sorted(set(product_ids)), location_ids=[place.id], at_most=movements.MOST_LINES * len(Condition)
    )
    return {"location": place.code, "booked_lines": booked, "items": [_level(row) for row in rows]}


def _level(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in serializers.LevelDocument().fields}


# --- locations ------------------------------------------------------------------------------------------------------


class LocationsView(ApiView):
    scopes = {"GET": Scope.CATALOG_READ}

    @extend_schema(
        summary="Active locations",
        parameters=[serializers.LocationParameters],
        responses=serializers.LocationsDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List stores, warehouses and partners with what they can do, by code."""
        asked = serializers.LocationParameters.of(request)
        found = [
            place
            for place in locations.active()
            if place.code > asked.get("after", "")
            and asked.get("capability") in (None, *place.capabilities)
            and asked.get("kind") in (None, place.kind)
            and asked.get("country") in (None, place.country)
        ]
        shown = found[: asked["limit"]]
        return self.with_etag(
            request,
            {
                "items": [_location(place) for place in shown],
                "next_after": shown[-1].code if len(found) > asked["limit"] else None,
            },
        )


class LocationView(ApiView):
    scopes = {"GET": Scope.CATALOG_READ}

    @extend_schema(summary="One location", responses=serializers.LocationDocument)
    def get(self, request: ApiRequest, code: str) -> HttpResponse:
        """Read an active location by its code."""
        try:
            place = locations.ref(code)
        except LocationUnknown as unknown:
            raise NotFound(unknown.message) from unknown
        return self.with_etag(request, _location(place))


def _location(place: locations.LocationRef) -> dict[str, Any]:
    document = {name: getattr(place, name) for name in serializers.LocationDocument().fields}
    return document | {"capabilities": sorted(place.capabilities)}
