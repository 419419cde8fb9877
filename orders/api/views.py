"""The orders API: pickup windows; place, read, list and cancel orders of one's own channel (law 17)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema

from commerce import clock, idempotency
from commerce.api.paging import CursorPaging
from commerce.api.schema import page_of
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory.places import locations
from orders import cancellation, placement, promises, queries
from orders.api import documents, placing
from orders.api.serializers import (
    CancelBody,
    OrderBody,
    OrderDocument,
    OrderFilters,
    WindowParameters,
    WindowsDocument,
)
from orders.lifecycle import Method, OrderStatus


class PickupWindowsView(ApiView):
    """Windows that can be promised now."""

    scopes = {"GET": Scope.PICKUP_WINDOWS_READ}

    @extend_schema(
        operation_id="list_pickup_windows",
        summary="Pickup windows of a store",
        description="Only windows that can be promised: within opening hours, far enough away to prepare the goods.",
        parameters=[WindowParameters],
        responses={200: WindowsDocument},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        wanted = WindowParameters.of(request)
        location, at = locations.ref(wanted["location"]), clock.now()
        found = promises.windows(location, Method.PICKUP, at=at, days=wanted["days"])
        return self.reply(documents.windows(location, found, as_of=at))


class OrdersView(ApiView):
    """The orders of the caller's channel."""

    scopes = {"GET": Scope.ORDERS_READ, "POST": Scope.ORDERS_WRITE}
    paging = CursorPaging("-placed_at", "-id")

    @extend_schema(
        operation_id="list_orders",
        summary="Orders of your channel, newest first",
        parameters=[OrderFilters],
        responses={200: page_of(OrderDocument)},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        wanted = OrderFilters.of(request)
        rows = queries.select(
            channel_id=request.auth.channel_id,
            location_ids=[locations.ref(wanted["location"]).id] if "location" in wanted else None,
            status=OrderStatus(wanted["status"]) if "status" in wanted else None,
            placed_after=wanted.get("placed_after"),
            external_reference=wanted.get("external_reference", ""),
        )
        page = self.paging.page(request, rows, limit=wanted["limit"], cursor=wanted.get("cursor"), present=_documents)
        return self.reply(page)

    @extend_schema(
        operation_id="place_order",
        summary="Place an order",
        description=(
            "Price, goods, windows and order are settled together or not at all. Lines of one product are summed. "
            "Lines may go different ways: some shipped, some fetched, at several places and times; each way becomes a "
            "fulfilment of its own. Method, location and window of the order hold for lines that say nothing else. "
            "The same `external_reference` again returns the order that stands (200), if it is the same order."
        ),
        request=OrderBody,
        responses={200: OrderDocument, 201: OrderDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        wish = placement.Wish(
            OrderBody.order(request.data, channel_id=request.auth.channel_id), request.auth, request.auth.actor
        )
        key = idempotency.key_of(request.META)
        return placing.submit(wish, self.attempt(request, key) if key is not None else None)


class OrderDetailView(ApiView):
    """One order of the caller's channel."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(
        operation_id="read_order",
        summary="Read an order",
        description="Send the ETag of the last answer as `If-None-Match` to be told (304) that nothing changed.",
        responses={200: OrderDocument, 304: OpenApiResponse(description="Nothing changed.")},
    )
    def get(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        view = queries.order(order_id, channel_id=request.auth.channel_id)
        return self.with_etag(request, documents.orders([view])[0], version=view.version)


class CancelOrderView(ApiView):
    """Cancelling, as long as the goods have not left."""

    scopes = {"POST": Scope.ORDERS_WRITE}

    @extend_schema(
        operation_id="cancel_order",
        summary="Cancel an order",
        description="Frees its goods and its window. Cancelling a cancelled order changes nothing.",
        request=CancelBody,
        responses={200: OrderDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        body = CancelBody.read(request.data)
        channel_id = request.auth.channel_id

        def work() -> tuple[int, Any]:
            cancellation.cancel_order(
                order_id, by=request.auth.actor, at=clock.now(), reason=body["reason"], channel_id=channel_id
            )
            return 200, documents.orders([queries.order(order_id, channel_id=channel_id)])[0]

        return self.once(request, work)


def _documents(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return documents.orders(queries.views(rows))
