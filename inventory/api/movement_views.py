"""The part of the API about goods that move at one place: returns, write-offs, conditions, corrections."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import clock, ids
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory import conditions, corrections, returns, write_offs
from inventory.api import moving_serializers as serializers
from inventory.api import reported
from inventory.api.serializers import MovementDocument
from inventory.api.views import moved
from inventory.conditions import Reclassification
from inventory.moving import WriteOffReason
from inventory.places import locations
from inventory.returns import ReturnLine
from inventory.stock import Condition
from inventory.write_offs import WriteOff


class ReturnsView(ApiView):
    scopes = {"POST": Scope.STOCK_WRITE}

    @extend_schema(summary="Return goods to stock", request=serializers.ReturnBody, responses={201: MovementDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Book goods back that customers brought, in the condition they are in. Only sellable ones are offered again."""
        body = serializers.ReturnBody.read(request.data)
        place, occurred_at = locations.ref(body["location"]), reported.occurred_at(body)
        lines = [
            ReturnLine(ids.new(), product_id, place.id, line["quantity"] * pieces, Condition(line["condition"]))
            for line, (product_id, pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]

        def work() -> tuple[int, Any]:
            booked = returns.return_to_stock(
                lines, reason=body["reason"], source=request.auth.channel_code, occurred_at=occurred_at,
                by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, moved(place, booked, [line.product_id for line in lines])

        return self.once(request, work)


class WriteOffsView(ApiView):
    scopes = {"POST": Scope.STOCK_WRITE}

    @extend_schema(summary="Write goods off", request=serializers.WriteOffBody, responses={201: MovementDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Take goods off the books that are gone or of no use. Never what is promised to orders or held by baskets."""
        body = serializers.WriteOffBody.read(request.data)
        place, occurred_at = locations.ref(body["location"]), reported.occurred_at(body)
        reason = WriteOffReason(body["reason"])
        lines = [
            WriteOff(ids.new(), product_id, place.id, line["quantity"] * pieces, reason, Condition(line["condition"]))
            for line, (product_id, pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]

        def work() -> tuple[int, Any]:
            booked = write_offs.write_off(
                lines, note=body["note"], source=request.auth.channel_code, occurred_at=occurred_at,
                by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, moved(place, booked, [line.product_id for line in lines])

        return self.once(request, work)


class ReclassificationsView(ApiView):
    scopes = {"POST": Scope.STOCK_WRITE}

    @extend_schema(
        summary="Book goods to another condition",
        request=serializers.ReclassificationBody,
        responses={201: MovementDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Move goods between sellable, quality control and damaged at one location. Never what is promised."""
        body = serializers.ReclassificationBody.read(request.data)
        place, occurred_at = locations.ref(body["location"]), reported.occurred_at(body)
        lines = [
            Reclassification(
                ids.new(), product_id, place.id, line["quantity"] * pieces, Condition(line["condition"]), Condition(line["to"])
            )
            for line, (product_id, pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]  # fmt: skip

        def work() -> tuple[int, Any]:
            booked = conditions.reclassify(
                lines, reason=body["reason"], source=request.auth.channel_code, occurred_at=occurred_at,
                by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, moved(place, booked, [line.product_id for line in lines])

        return self.once(request, work)


class CorrectionsView(ApiView):
    scopes = {"POST": Scope.STOCK_WRITE}

    @extend_schema(
        summary="Correct a wrong entry of the journal",
        request=serializers.CorrectionBody,
        responses={201: serializers.CorrectionDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Book the opposite of an entry, once. What belongs to a document is corrected there; what is promised stays."""
        body = serializers.CorrectionBody.read(request.data)
        answer = ids.new()

        def work() -> tuple[int, Any]:
            corrections.correct(
                body["entry"], id=answer, reason=body["reason"], source=request.auth.channel_code,
                by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, {"id": answer, "corrects": body["entry"]}

        return self.once(request, work)
