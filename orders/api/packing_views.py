"""The API of the packing table, for warehouses with their own devices: parcels by scan, weights, labels, and the carrier."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from commerce import clock
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput, NotFound
from commerce.roles import Scope
from orders import errors, printing, shipping, to_store
from orders.api import floor_access
from orders.api.packing_documents import (
    LabelBody,
    OtherBody,
    PackedDocument,
    ShipLabelDocument,
    ShipmentDocument,
    WaitingShipmentsDocument,
    WeightBody,
)
from orders.api.wave_views import PERSON, PlaceParameters, ScanBody
from orders.packing import labels, lists, papers, parcels
from orders.packing.lists import LabelView, ParcelView, Station

PDF_ANSWER = {(200, "application/pdf"): OpenApiTypes.BINARY}


class ShipmentsView(ApiView):
    scopes = {"GET": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="list_shipments_to_pack",
        summary="Shipments of a location that are picked and not gone, those due first in front",
        description=PERSON,
        parameters=[PlaceParameters],
        responses={200: WaitingShipmentsDocument},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        place = floor_access.hand_of(request).at(PlaceParameters.of(request)["location"])
        items = [
            {
                "fulfilment": one.fulfilment_id, "order_number": one.number, "due_at": one.promised_at, "pieces": one.pieces,
                "parcels": one.parcels, "labelled": one.labelled, "company": [_companion(each) for each in one.company],
            }
            for one in lists.waiting(place.id)
        ]  # fmt: skip
        return self.reply({"items": items})


class ShipmentView(ApiView):
    scopes = {"GET": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="read_shipment",
        summary="A shipment at the packing table, with its parcels and labels",
        description=PERSON,
        responses={200: ShipmentDocument},
    )
    def get(self, request: ApiRequest, fulfilment_id: UUID) -> HttpResponse:
        return self.reply(_shipment(fulfilment_id, floor_access.hand_of(request)))


class ShipmentStepView(ApiView):
    """A step with a whole shipment that needs no more than its name; the same verbs as the packing table's."""

    scopes = {"POST": Scope.FULFILMENT_PACK}

    def step(self, request: ApiRequest, fulfilment_id: UUID, verb: Callable[..., Any], **more: Any) -> HttpResponse:
        """Take the step once and answer with how the shipment stands then."""
        hand = floor_access.hand_of(request)
        hand.shipment(fulfilment_id)

        def work() -> tuple[int, Any]:
            verb(fulfilment_id, **more, **hand.who, at=clock.now())
            return 200, _shipment(fulfilment_id, hand)

        return self.once(request, work)


class OpenParcelView(ShipmentStepView):
    @extend_schema(
        operation_id="open_parcel",
        summary="Open a parcel for a shipment",
        description="The one that is open already is the one: sent twice it opens no second.",
        request=None,
        responses={200: ShipmentDocument},
    )
    def post(self, request: ApiRequest, fulfilment_id: UUID) -> HttpResponse:
        return self.step(request, fulfilment_id, parcels.open_parcel)


class PackScansView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="scan_into_parcel",
        summary="Put what was scanned into the open parcel of a shipment",
        description=(
            "The first scan opens a parcel. What is not wanted goes nowhere and says so in `outcome`; the same `scan_id` again "
            "gives the first outcome."
        ),
        request=ScanBody,
        responses={200: PackedDocument},
    )
    def post(self, request: ApiRequest, fulfilment_id: UUID) -> HttpResponse:
        body = ScanBody.read(request.data)
        hand, at = floor_access.hand_of(request), floor_access.scanned_at(body.get("scanned_at"))
        hand.shipment(fulfilment_id)

        def work() -> tuple[int, Any]:
            done = parcels.scan_into(fulfilment_id, body["scan_id"], body["text"], **hand.who, at=at)
            return 200, {
                "outcome": done.outcome.value, "sku": done.sku, "pieces": done.pieces,
                "shipment": _shipment(fulfilment_id, hand),
            }  # fmt: skip

        return self.once(request, work)


class PackRestView(ShipmentStepView):
    @extend_schema(
        operation_id="pack_rest",
        summary="Put all that is left into the open parcel without scanning it again",
        description="It is noted who did so.",
        request=None,
        responses={200: ShipmentDocument},
    )
    def post(self, request: ApiRequest, fulfilment_id: UUID) -> HttpResponse:
        return self.step(request, fulfilment_id, parcels.pack_rest_of)


class TakeOutView(ShipmentStepView):
    @extend_schema(
        operation_id="take_out_of_parcels",
        summary="Take out of a shipment's parcels what does not travel with it any more",
        description="Orders of one parcel part when one is cancelled, held or sent elsewhere; `foreign_orders` names them.",
        request=None,
        responses={200: ShipmentDocument},
    )
    def post(self, request: ApiRequest, fulfilment_id: UUID) -> HttpResponse:
        return self.step(request, fulfilment_id, parcels.take_out)


class SendWithoutView(ShipmentStepView):
    @extend_schema(
        operation_id="send_without",
        summary="Let another order of the same parcels travel alone",
        description="What of it is packed here is taken out.",
        request=OtherBody,
        responses={200: ShipmentDocument},
    )
    def post(self, request: ApiRequest, fulfilment_id: UUID) -> HttpResponse:
        other = OtherBody.read(request.data)["other"]
        return self.step(request, fulfilment_id, parcels.send_without, other_id=other)


class HandToCarrierView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="hand_to_carrier",
        summary="Say that the carrier took a shipment: what was packed leaves, its money is captured",
        description=(
            "Everything has to be in closed parcels, each with its label; one for a store of ours may go without. Goods leave "
            "the books now and the customer is told. Orders in the same parcels leave with it."
        ),
        request=None,
        responses={200: ShipmentDocument},
    )
    def post(self, request: ApiRequest, fulfilment_id: UUID) -> HttpResponse:
        hand = floor_access.hand_of(request)
        place_id = hand.shipment(fulfilment_id)

        def work() -> tuple[int, Any]:
            found = _station(fulfilment_id, place_id)
            if found.may_pack and not found.may_leave:
                raise errors.ParcelsChanged(
                    "Not everything is in closed parcels with a label. Pack, weigh and label what is left first.",
                    pieces=found.left,
                )
            if found.is_to_store:
                to_store.send(fulfilment_id, **hand.who, at=clock.now())
            else:
                numbers = ", ".join(one.label.tracking_number for one in found.parcels if one.label)
                shipping.ship(
                    fulfilment_id, **hand.who, at=clock.now(), tracking_number=numbers[: labels.LONGEST_NUMBER]
                )
            # A parcel for a store is the store's from now on; whoever sent it may not work there.
            return 200, _document(_station(fulfilment_id, lists.place_of(fulfilment_id) or place_id))

        return self.once(request, work)


class CloseParcelView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="close_parcel",
        summary="Weigh and close a parcel",
        description="Closing it again changes nothing but its weight, as long as it has no label.",
        request=WeightBody,
        responses={200: ShipmentDocument},
    )
    def post(self, request: ApiRequest, parcel_id: UUID) -> HttpResponse:
        weight = WeightBody.read(request.data)["weight_grams"]
        hand = floor_access.hand_of(request)
        fulfilment_id = hand.parcel(parcel_id)

        def work() -> tuple[int, Any]:
            parcels.close(parcel_id, weight_grams=weight, **hand.who, at=clock.now())
            return 200, _shipment(fulfilment_id, hand)

        return self.once(request, work)


class EmptyParcelView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="empty_parcel",
        summary="Take everything out of a parcel again",
        description="As long as no label is on it; it is open then.",
        request=None,
        responses={200: ShipmentDocument},
    )
    def post(self, request: ApiRequest, parcel_id: UUID) -> HttpResponse:
        hand = floor_access.hand_of(request)
        fulfilment_id = hand.parcel(parcel_id)

        def work() -> tuple[int, Any]:
            parcels.empty(parcel_id, **hand.who, at=clock.now())
            return 200, _shipment(fulfilment_id, hand)

        return self.once(request, work)


class ParcelLabelView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="make_ship_label",
        summary="Have a carrier make the label of a closed parcel, or note one that was made elsewhere",
        description="A parcel that has a label keeps it, and that is the answer: sent twice it makes no second one.",
        request=LabelBody,
        responses={200: ShipLabelDocument},
    )
    def post(self, request: ApiRequest, parcel_id: UUID) -> HttpResponse:
        body = LabelBody.read(request.data)
        hand = floor_access.hand_of(request)
        fulfilment_id = hand.parcel(parcel_id)
        if "tracking_number" in body:
            made = labels.note(parcel_id, body["carrier"], body["tracking_number"], **hand.who)
        else:
            made = labels.ask(parcel_id, body["carrier"], **hand.who)
        return self.reply(_label_of(made.id, fulfilment_id, hand))


class ShipLabelView(ApiView):
    scopes = {"GET": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="print_ship_label",
        summary="A shipping label as PDF",
        description="404 while there is nothing to print: it is noted by its number only, unclear or cancelled.",
        responses=PDF_ANSWER,
    )
    def get(self, request: ApiRequest, label_id: UUID) -> HttpResponse:
        hand = floor_access.hand_of(request)
        place_id = hand.shipment(hand.label(label_id))
        document = lists.label_document(label_id, place_id)
        if document is None:
            raise NotFound("This label has nothing to print; ask the carrier for one at its parcel.")
        return printing.answer(document, f"{label_id}.pdf")


class CancelShipLabelView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="cancel_ship_label",
        summary="Cancel a label that is not used",
        description="Its parcel may have another one then. Cancelling again changes nothing.",
        request=None,
        responses={200: ShipLabelDocument},
    )
    def post(self, request: ApiRequest, label_id: UUID) -> HttpResponse:
        hand = floor_access.hand_of(request)
        fulfilment_id = hand.label(label_id)
        labels.cancel(label_id, **hand.who)
        return self.reply(_label_of(label_id, fulfilment_id, hand))


class ParcelSlipView(ApiView):
    scopes = {"GET": Scope.FULFILMENT_PACK}

    @extend_schema(
        operation_id="print_packing_slip",
        summary="The packing slip of a parcel as PDF",
        description="In the language of the order, with what of its order is in this parcel.",
        responses=PDF_ANSWER,
    )
    def get(self, request: ApiRequest, parcel_id: UUID) -> HttpResponse:
        hand = floor_access.hand_of(request)
        fulfilment_id = hand.parcel(parcel_id)
        place_id = hand.shipment(fulfilment_id)
        number = next((one.number for one in _station(fulfilment_id, place_id).parcels if one.id == parcel_id), None)
        paper = lists.paper(fulfilment_id, place_id, parcel_number=number) if number else None
        if paper is None:
            raise NotFound("This parcel has no slip any more: its goods travel with another shipment.")
        return printing.answer(papers.packing_slip(paper), f"{paper.number}-{number}.pdf")


def _station(fulfilment_id: UUID, place_id: int) -> Station:
    found = lists.station(fulfilment_id, place_id)
    if found is None:
        raise InvalidInput(
            "Pickups are handed over at the counter, not packed for a carrier.",
            errors=[{"field": "fulfilment_id", "value": str(fulfilment_id), "message": "not a shipment"}],
        )
    return found


def _shipment(fulfilment_id: UUID, hand: floor_access.Hand) -> dict[str, Any]:
    return _document(_station(fulfilment_id, hand.shipment(fulfilment_id)))


def _document(found: Station) -> dict[str, Any]:
    return {
        "fulfilment": found.fulfilment_id, "order_number": found.number, "method": found.method, "state": found.state,
        "due_at": found.promised_at, "address": found.address, "minimum_age": found.minimum_age,
        "lines": [
            {
                "sku": line.sku, "name": line.name, "picked": line.picked, "packed": line.packed,
                "barcodes": [{"gtin": code, "pieces": pieces} for code, pieces in line.codes],
            }
            for line in found.lines
        ],
        "parcels": [_parcel(one) for one in found.parcels], "left": found.left, "may_leave": found.may_leave,
        "company": [_companion(one) for one in found.company],
    }  # fmt: skip


def _companion(one: lists.Companion) -> dict[str, Any]:
    return {"fulfilment": one.fulfilment_id, "order_number": one.number, "is_ready": one.is_ready}


def _parcel(one: ParcelView) -> dict[str, Any]:
    return {
        "id": one.id, "number": one.number, "weight_grams": one.weight_grams, "is_closed": one.is_closed,
        "has_left": one.has_left, "inside": [{"sku": item.sku, "pieces": item.pieces} for item in one.items],
        "label": _label(one.label) if one.label else None, "foreign_orders": one.strange,
    }  # fmt: skip


def _label(one: LabelView) -> dict[str, Any]:
    return {
        "id": one.id, "carrier": one.carrier, "state": one.state, "tracking_number": one.tracking_number, "said": one.said,
        "has_document": one.has_document,
    }  # fmt: skip


def _label_of(label_id: UUID, fulfilment_id: UUID, hand: floor_access.Hand) -> dict[str, Any]:
    found = _station(fulfilment_id, hand.shipment(fulfilment_id))
    return next(_label(one) for parcel in found.parcels for one in parcel.labels if one.id == label_id)
