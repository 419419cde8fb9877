"""The waiting list through the API: channels put their subscribers in line and hear of offers by webhook."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory.api import waiting_serializers as serializers
from inventory.places import locations
from inventory.promising import waiting_list


class WaitingListView(ApiView):
    scopes = {"GET": Scope.WAITING_LIST_WRITE, "POST": Scope.WAITING_LIST_WRITE}

    @extend_schema(
        summary="Everything that is known of a subscriber",
        parameters=[serializers.WaitingParameters],
        responses=serializers.WaitingListDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the entries of one of your subscribers, newest first."""
        asked = serializers.WaitingParameters.of(request)
        found = waiting_list.of_subscriber(asked["subscriber"], channel_id=request.auth.channel_id, at=clock.now())
        return self.reply({"items": [_document(one) for one in found]})

    @extend_schema(summary="Wait for goods", request=serializers.JoinBody, responses={201: serializers.WaitingDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Get in line. Goods are offered first come, first served: `waiting_list.offered` names the reservation."""
        body = serializers.JoinBody.read(request.data)
        product = catalog.known([body["sku"]], at="sku")[body["sku"]]
        place = locations.ref(body["location"]) if "location" in body else None

        def work() -> tuple[int, Any]:
            now, channel_id = clock.now(), request.auth.channel_id
            entry_id = waiting_list.join(
                channel_id=channel_id, product_id=product.id, location_id=place.id if place else None,
                quantity=body["quantity"], subscriber=body["subscriber"], by=request.auth.actor, at=now,
            )  # fmt: skip
            return 201, _document(waiting_list.read(entry_id, channel_id=channel_id, at=now))

        return self.once(request, work)


class WaitingEntryView(ApiView):
    scopes = {"GET": Scope.WAITING_LIST_WRITE, "DELETE": Scope.WAITING_LIST_WRITE}

    @extend_schema(summary="One who waits", responses=serializers.WaitingDocument)
    def get(self, request: ApiRequest, entry_id: UUID) -> HttpResponse:
        """Read where an entry of your channel stands now."""
        return self.reply(_document(waiting_list.read(entry_id, channel_id=request.auth.channel_id, at=clock.now())))

    @extend_schema(summary="Leave the waiting list", request=None, responses={204: None})
    def delete(self, request: ApiRequest, entry_id: UUID) -> HttpResponse:
        """Leave the line. Goods that were offered go to the next; leaving again changes nothing."""

        def work() -> tuple[int, Any]:
            waiting_list.leave(entry_id, channel_id=request.auth.channel_id, by=request.auth.actor, at=clock.now())
            return 204, None

        return self.once(request, work)


class WaitingEraseView(ApiView):
    scopes = {"POST": Scope.WAITING_LIST_WRITE}

    @extend_schema(
        summary="Forget a subscriber", request=serializers.EraseBody, responses={200: serializers.ErasedDocument}
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """End all waits of a subscriber and erase the reference everywhere."""
        body = serializers.EraseBody.read(request.data)

        def work() -> tuple[int, Any]:
            erased = waiting_list.erase(
                body["subscriber"], channel_id=request.auth.channel_id, by=request.auth.actor, at=clock.now()
            )
            return 200, {"erased": erased}

        return self.once(request, work)


def _document(entry: waiting_list.Entry) -> dict[str, Any]:
    offer = entry.offer
    return {
        "id": entry.id,
        "sku": catalog.products_by_id([entry.product_id])[entry.product_id].sku,
        "location": locations.by_id(entry.location_id).code if entry.location_id else None,
        "quantity": entry.quantity,
        "state": entry.state,
        "joined_at": entry.joined_at,
        "ended_at": entry.ended_at,
        "ahead": entry.ahead,
        "offer": offer
        and {
            "reservation": offer.reservation_id,
            "location": locations.by_id(offer.location_id).code,
            "expires_at": offer.expires_at,
        },
        "next_supply_on": entry.supply_on,
    }
