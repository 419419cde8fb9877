"""The API of return labels: have a carrier make one for a return of one's own channel, and fetch it as PDF."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce.api.bodies import StrictSerializer, Text
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import NotFound
from commerce.roles import Scope
from orders import printing
from orders.carriers.port import Stage
from orders.floor import LabelState
from orders.returns import labels, lists

LABEL_STATES = [state.value for state in LabelState]


class ReturnLabelBody(StrictSerializer):
    carrier = Text(max_length=40, help_text="Who makes it, such as dhl.")


class ReturnLabelDocument(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        LABEL_STATES,
        help_text="`unclear`: no answer came; ask again, the first is never used.",
    )
    carrier = serializers.CharField()
    tracking_number = serializers.CharField(allow_blank=True)
    said = serializers.CharField(allow_blank=True, help_text="The carrier's words when it did not work.")
    stage = serializers.ChoiceField(
        [stage.value for stage in Stage], help_text="Where the parcel is, as its carrier says."
    )


class ReturnLabelView(ApiView):
    """The label of a return."""

    scopes = {"GET": Scope.ORDERS_READ, "POST": Scope.RETURNS_WRITE}

    @extend_schema(
        operation_id="print_return_label",
        summary="The label of a return as PDF",
        description="404 while there is none to print: it was not asked for, is noted by its number only, or is cancelled.",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: ApiRequest, return_id: UUID) -> HttpResponse:
        found = lists.one(return_id, channel_id=request.auth.channel_id)
        document = labels.document(return_id)
        if document is None:
            raise NotFound("This return has no label to print; ask for one by POST to the same address.")
        return printing.answer(document, f"{found.number}.pdf")

    @extend_schema(
        operation_id="make_return_label",
        summary="Ask a carrier for the label of a return",
        description="A return that has a label keeps it, and that is the answer: sent twice it makes no second one.",
        request=ReturnLabelBody,
        responses={200: ReturnLabelDocument},
    )
    def post(self, request: ApiRequest, return_id: UUID) -> HttpResponse:
        carrier = ReturnLabelBody.read(request.data)["carrier"]
        made = labels.ask(return_id, carrier, by=request.auth.actor, channel_id=request.auth.channel_id)
        return self.reply({name: getattr(made, name) for name in ReturnLabelDocument().fields})
