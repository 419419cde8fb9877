"""The kernel's own addresses: products, webhook endpoints and the stream of events."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from commerce import gtin, stream
from commerce.api import serializers
from commerce.api.paging import CursorPaging
from commerce.api.schema import page_of
from commerce.api.views import ApiRequest, ApiView
from commerce.channels import endpoints
from commerce.errors import InvalidInput, NotFound
from commerce.models import KitComponent, Listing, Product
from commerce.roles import Scope

_PRODUCT = OpenApiExample(
    "A product",
    {
        "sku": "MUG-BLUE-350",
        "name": "Mug, blue, 350 ml",
        "brand": "Halden",
        "category": "Kitchen",
        "kind": "goods",
        "tax_class": "standard",
        "weight_grams": 340,
        "length_mm": 90,
        "width_mm": 120,
        "height_mm": 95,
        "minimum_age": None,
        "gtins": [{"gtin": "04006381333931", "pieces": 1}],
        "components": [],
        "is_active": True,
        "is_listed": True,
        "updated_at": "2026-11-21T09:30:00Z",
    },
    response_only=True,
    status_codes=["200"],
)
_ENDPOINT = OpenApiExample(
    "Orders and availability",
    {"url": "https://shop.example.com/kontor", "event_types": ["availability.changed", "order.placed"]},
    request_only=True,
)


class ProductList(ApiView):
    scopes = {"GET": Scope.CATALOG_READ}

    @extend_schema(
        operation_id="products_list",
        summary="List products",
        parameters=[serializers.ProductParameters],
        responses={200: page_of(serializers.ProductDocument)},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """Products in the order of their SKUs, also inactive ones; four queries, whatever the size of the page."""
        wanted = serializers.ProductParameters.of(request)
        channel_id = request.auth.channel_id
        page = CursorPaging("sku").page(
            request,
            _filtered(wanted),
            limit=wanted["limit"],
            cursor=wanted.get("cursor"),
            present=lambda rows: _product_documents(rows, channel_id),
        )
        return self.reply(page)


class ProductDetail(ApiView):
    scopes = {"GET": Scope.CATALOG_READ}

    @extend_schema(
        operation_id="products_retrieve",
        summary="Read a product",
        responses={
            200: serializers.ProductDocument,
            304: OpenApiResponse(description="Unchanged since the ETag sent."),
        },
        examples=[_PRODUCT],
    )
    def get(self, request: ApiRequest, sku: str) -> HttpResponse:
        """One product by its SKU, with an ETag for `If-None-Match`."""
        # PostgreSQL can't even look for a NUL character.
        product = None if "\x00" in sku else _products().filter(sku=sku).first()
        if product is None:
            raise NotFound(f"There is no product {sku}.", sku=sku)
        return self.with_etag(request, _product_documents([product], request.auth.channel_id)[0])


class EndpointList(ApiView):
    scopes = {"GET": Scope.WEBHOOKS_MANAGE, "POST": Scope.WEBHOOKS_MANAGE}

    @extend_schema(
        operation_id="webhook_endpoints_list",
        summary="List webhook endpoints",
        responses={200: serializers.EndpointsDocument},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """All endpoints of the caller's channel, oldest first; there are never more than ten."""
        found = endpoints.of_channel(request.auth.channel_id)
        return self.reply({"items": [serializers.endpoint_document(endpoint) for endpoint in found]})

    @extend_schema(
        operation_id="webhook_endpoints_create",
        summary="Add a webhook endpoint",
        request=serializers.NewEndpoint,
        responses={201: serializers.EndpointWithSecretDocument},
        examples=[_ENDPOINT],
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """From now on events of these types go there, signed after Standard Webhooks. The secret is shown only now."""
        wanted = serializers.NewEndpoint.read(request.data)

        def work() -> tuple[int, dict[str, Any]]:
            endpoint, secret = endpoints.add(
                request.auth.channel_id, wanted["url"], wanted["event_types"], by=request.auth.actor
            )
            return 201, serializers.endpoint_document(endpoint, secret)

        return self.once(request, work, is_secret=True)


class EndpointDetail(ApiView):
    scopes = dict.fromkeys(("GET", "PATCH", "DELETE"), Scope.WEBHOOKS_MANAGE)

    @extend_schema(
        operation_id="webhook_endpoints_retrieve",
        summary="Read a webhook endpoint",
        responses={200: serializers.EndpointDocument},
    )
    def get(self, request: ApiRequest, endpoint_id: UUID) -> HttpResponse:
        """One endpoint, without its secret."""
        endpoint = endpoints.one(endpoint_id, channel_id=request.auth.channel_id)
        return self.reply(serializers.endpoint_document(endpoint))

    @extend_schema(
        operation_id="webhook_endpoints_update",
        summary="Change a webhook endpoint",
        request=serializers.EndpointChange,
        responses={200: serializers.EndpointDocument},
    )
    def patch(self, request: ApiRequest, endpoint_id: UUID) -> HttpResponse:
        """Change what is sent and leave the rest. Switched on again, it gets at once what was open for it; what happened
        while it was off can be read from `/events`."""
        wanted = serializers.EndpointChange.read(request.data)

        def work() -> tuple[int, dict[str, Any]]:
            endpoint = endpoints.change(
                endpoint_id, channel_id=request.auth.channel_id, by=request.auth.actor, **wanted
            )
            return 200, serializers.endpoint_document(endpoint)

        return self.once(request, work)

    @extend_schema(
        operation_id="webhook_endpoints_delete",
        summary="Remove a webhook endpoint",
        request=None,
        responses={204: OpenApiResponse(description="Removed.")},
    )
    def delete(self, request: ApiRequest, endpoint_id: UUID) -> HttpResponse:
        """Nothing is sent there any more; what it missed can be read from `/events`."""

        def work() -> tuple[int, None]:
            endpoints.remove(endpoint_id, channel_id=request.auth.channel_id, by=request.auth.actor)
            return 204, None

        return self.once(request, work)


class EndpointSecret(ApiView):
    scopes = {"POST": Scope.WEBHOOKS_MANAGE}

    @extend_schema(
        operation_id="webhook_endpoints_rotate_secret",
        summary="Rotate the secret of a webhook endpoint",
        request=None,
        responses={200: serializers.EndpointWithSecretDocument},
    )
    def post(self, request: ApiRequest, endpoint_id: UUID) -> HttpResponse:
        """A new secret, shown only now; for a day deliveries carry signatures of both."""

        def work() -> tuple[int, dict[str, Any]]:
            endpoint, secret = endpoints.rotate_secret(
                endpoint_id, channel_id=request.auth.channel_id, by=request.auth.actor
            )
            return 200, serializers.endpoint_document(endpoint, secret)

        return self.once(request, work, is_secret=True)


class EventStream(ApiView):
    scopes = {"GET": Scope.EVENTS_READ}

    @extend_schema(
        operation_id="events_list",
        summary="Replay events",
        parameters=[serializers.EventParameters],
        responses={200: serializers.EventsDocument},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """The channel's own public events, oldest first. Going on from `next_after` misses none and repeats none."""
        wanted = serializers.EventParameters.of(request)
        found = stream.read(
            request.auth.channel_id, after=wanted["after"], types=wanted.get("types", ()), limit=wanted["limit"]
        )
        return self.reply(serializers.events_document(found, after=wanted["after"]))


def _products() -> QuerySet[Product]:
    parts = KitComponent.objects.select_related("component").order_by("component_id")
    return Product.objects.prefetch_related("gtins", Prefetch("components", queryset=parts))


def _filtered(wanted: dict[str, Any]) -> QuerySet[Product]:
    rows = _products()
    if wanted.get("sku"):
        rows = rows.filter(sku__in=wanted["sku"])
    if wanted.get("gtin"):
        rows = rows.filter(gtins__gtin__in=_barcodes(wanted["gtin"])).distinct()
    if wanted.get("brand"):
        rows = rows.filter(brand__iexact=wanted["brand"])
    if wanted.get("category"):
        rows = rows.filter(category__iexact=wanted["category"])
    if wanted.get("q"):
        rows = rows.filter(Q(name__icontains=wanted["q"]) | Q(sku__istartswith=wanted["q"]))
    if wanted.get("updated_since"):
        rows = rows.filter(updated_at__gte=wanted["updated_since"])
    return rows


def _barcodes(texts: Sequence[str]) -> list[str]:
    """Normalise barcodes. Raises: InvalidInput naming each that is none."""
    codes, errors = [], []
    for text in texts:
        try:
            codes.append(gtin.normalise(text))
        except ValueError as fault:
            errors.append({"field": "gtin", "value": text, "message": f"Not a barcode: {fault}."})
    if errors:
        raise InvalidInput(errors[0]["message"], errors=errors)
    return codes


def _product_documents(rows: Sequence[Product], channel_id: int) -> list[dict[str, Any]]:
    listed = set(
        Listing.objects.filter(channel_id=channel_id, product_id__in=[row.pk for row in rows]).values_list(
            "product_id", flat=True
        )
    )
    return [serializers.product_document(row, is_listed=row.pk in listed) for row in rows]
