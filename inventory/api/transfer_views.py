"""The part of the API about goods that move between places: transfers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock, ids
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory.api import moving_serializers as serializers
from inventory.api import reported
from inventory.moving import DifferenceReason, TransferState
from inventory.places import locations
from inventory.stock import Condition
from inventory.transport import records, transfers
from inventory.transport.records import TransferRef


class TransfersView(ApiView):
    scopes = {"GET": Scope.TRANSFERS_WRITE, "POST": Scope.TRANSFERS_WRITE}

    @extend_schema(
        operation_id="list_transfers",
        summary="Transfers between locations, oldest first",
        parameters=[serializers.TransferFilters],
        responses=serializers.TransfersDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List transfers by page; narrow by state, origin and destination."""
        asked = serializers.TransferFilters.of(request)
        found = records.listed(
            states=[TransferState(state) for state in asked["state"]] if asked.get("state") else None,
            origin_id=locations.ref(asked["origin"]).id if asked.get("origin") else None,
            destination_id=locations.ref(asked["destination"]).id if asked.get("destination") else None,
            after=asked.get("after"),
            at_most=asked["limit"] + 1,
        )
        shown = found[: asked["limit"]]
        more = shown[-1].id if len(found) > asked["limit"] else None
        return self.reply({"items": documents(shown), "next_after": more})

    @extend_schema(
        operation_id="draft_transfer",
        summary="Draft a transfer",
        request=serializers.TransferBody,
        responses={201: serializers.TransferDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Write down what is to go from one location to another. Nothing moves yet, and nothing is kept from sale."""
        body = serializers.TransferBody.read(request.data)
        origin, destination = locations.ref(body["origin"]), locations.ref(body["destination"])
        lines = [
            transfers.Wanted(product_id, line["quantity"] * pieces, pieces)
            for line, (product_id, pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]

        def work() -> tuple[int, Any]:
            made = transfers.draft(
                ids.new(), origin_id=origin.id, destination_id=destination.id, lines=lines,
                expected_on=body.get("expected_on"), condition=Condition(body["condition"]), note=body["note"],
                reference=body["reference"], source=request.auth.channel_code, by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, documents([made])[0]

        return self.once(request, work)


class TransferView(ApiView):
    scopes = {"GET": Scope.TRANSFERS_WRITE}

    @extend_schema(operation_id="read_transfer", summary="One transfer", responses=serializers.TransferDocument)
    def get(self, request: ApiRequest, transfer_id: UUID) -> HttpResponse:
        """Read a transfer with its lines and what may be done with it."""
        return self.with_etag(request, documents([records.get(transfer_id)])[0])


class TransferSendView(ApiView):
    scopes = {"POST": Scope.TRANSFERS_WRITE}

    @extend_schema(
        operation_id="send_transfer",
        summary="Send a transfer",
        request=serializers.TransferSendBody,
        responses=serializers.TransferDocument,
    )
    def post(self, request: ApiRequest, transfer_id: UUID) -> HttpResponse:
        """Let all goods of a draft leave; they are in transit at the destination then. Only free goods leave."""
        body = serializers.TransferSendBody.read(request.data)

        def work() -> tuple[int, Any]:
            sent = transfers.send(
                transfer_id, expected_on=body.get("expected_on"), by=request.auth.actor, at=clock.now()
            )
            return 200, documents([sent])[0]

        return self.once(request, work)


class TransferExpectView(ApiView):
    scopes = {"POST": Scope.TRANSFERS_WRITE}

    @extend_schema(
        operation_id="expect_transfer",
        summary="Say on which other day goods come",
        request=serializers.TransferExpectBody,
        responses=serializers.TransferDocument,
    )
    def post(self, request: ApiRequest, transfer_id: UUID) -> HttpResponse:
        """Move the day on which goods on the way are expected."""
        body = serializers.TransferExpectBody.read(request.data)

        def work() -> tuple[int, Any]:
            moved = transfers.expect(
                transfer_id, body["expected_on"], reason=body["reason"], by=request.auth.actor, at=clock.now()
            )
            return 200, documents([moved])[0]

        return self.once(request, work)


class TransferReceiptsView(ApiView):
    scopes = {"POST": Scope.TRANSFERS_WRITE}

    @extend_schema(
        operation_id="receive_transfer",
        summary="Receive goods of a transfer",
        request=serializers.ArrivalBody,
        responses={201: serializers.TransferDocument},
    )
    def post(self, request: ApiRequest, transfer_id: UUID) -> HttpResponse:
        """Book in what came, in as many parts as it takes, never more than was sent. The last piece ends the transfer."""
        body = serializers.ArrivalBody.read(request.data)
        occurred_at = reported.occurred_at(body)
        lines = [
            transfers.Arrival(
                ids.new(), product_id, line["quantity"] * pieces, Condition(line["condition"]) if "condition" in line else None
            )
            for line, (product_id, pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]  # fmt: skip

        def work() -> tuple[int, Any]:
            now = transfers.receive(transfer_id, lines, by=request.auth.actor, at=clock.now(), occurred_at=occurred_at)
            return 201, documents([now])[0]

        return self.once(request, work)


class TransferCloseView(ApiView):
    scopes = {"POST": Scope.TRANSFERS_WRITE}

    @extend_schema(
        operation_id="close_transfer",
        summary="Close a transfer of which not everything came",
        request=serializers.TransferCloseBody,
        responses=serializers.TransferDocument,
    )
    def post(self, request: ApiRequest, transfer_id: UUID) -> HttpResponse:
        """End a transfer with a reason per product that is short: lost goods are written off, what was left behind is back."""
        body = serializers.TransferCloseBody.read(request.data)
        differences = body.get("differences", [])
        products = catalog.known([line["sku"] for line in differences], at="differences[{}].sku")
        reasons = {products[line["sku"]].id: DifferenceReason(line["reason"]) for line in differences}

        def work() -> tuple[int, Any]:
            ended = transfers.close(transfer_id, reasons, note=body["note"], by=request.auth.actor, at=clock.now())
            return 200, documents([ended])[0]

        return self.once(request, work)


class TransferCancelView(ApiView):
    scopes = {"POST": Scope.TRANSFERS_WRITE}

    @extend_schema(
        operation_id="cancel_transfer",
        summary="Cancel a transfer of which nothing has come",
        request=serializers.TransferCancelBody,
        responses=serializers.TransferDocument,
    )
    def post(self, request: ApiRequest, transfer_id: UUID) -> HttpResponse:
        """End a draft, or bring goods on the way back to where they left."""
        body = serializers.TransferCancelBody.read(request.data)

        def work() -> tuple[int, Any]:
            ended = transfers.cancel(transfer_id, reason=body["reason"], by=request.auth.actor, at=clock.now())
            return 200, documents([ended])[0]

        return self.once(request, work)


def documents(found: Sequence[TransferRef]) -> list[dict[str, Any]]:
    """Return transfers as the API shows them."""
    products = catalog.products_by_id({line.product_id for transfer in found for line in transfer.lines})
    return [
        {
            "id": one.id, "number": one.number, "origin": locations.by_id(one.origin_id).code,
            "destination": locations.by_id(one.destination_id).code, "condition": one.condition, "state": one.state,
            "expected_on": one.expected_on, "note": one.note, "reference": one.reference, "created_at": one.created_at,
            "sent_at": one.sent_at, "ended_at": one.ended_at, "allowed_actions": one.allowed_actions,
            "lines": [
                {
                    "sku": products[line.product_id].sku, "quantity": line.quantity, "pack": line.pack,
                    "received": line.received, "lost": line.lost, "returned": line.returned, "open": line.open,
                    "difference_reason": line.difference_reason,
                }
                for line in one.lines
            ],
        }
        for one in found
    ]  # fmt: skip
