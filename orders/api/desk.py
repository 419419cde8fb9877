"""The exceptions desk for channels: what waits on their orders, so that they can tell their customers (law 17)."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce.api.bodies import Text
from commerce.api.paging import CursorPaging, PageParameters
from commerce.api.schema import page_of
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory.places import locations
from orders.desk import CaseState, Severity
from orders.exceptions import cases
from orders.exceptions.cases import Filters
from orders.exceptions.kinds import LONGEST_CODE

SEVERITIES = [one.value for one in Severity]
STATES = [one.value for one in CaseState]


class ExceptionFilters(PageParameters):
    state = serializers.ChoiceField(STATES, required=False, default=CaseState.OPEN.value)
    severity = serializers.ChoiceField(SEVERITIES, required=False)
    kind = Text(max_length=LONGEST_CODE, required=False, help_text="A kind's code, such as pickup.late.")
    location = Text(max_length=20, required=False, help_text="The code of the location where it waits.")
    order = serializers.UUIDField(required=False, help_text="Only those of one order.")


class ExceptionDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    severity = serializers.ChoiceField(SEVERITIES)
    state = serializers.ChoiceField(STATES)
    order_id = serializers.UUIDField()
    order_number = serializers.CharField()
    location = serializers.CharField(allow_null=True)
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    outcome = serializers.CharField(help_text="Empty until it is settled.")
    settled_at = serializers.DateTimeField(allow_null=True)


class ExceptionsView(ApiView):
    """What waits for a person on the caller's orders."""

    scopes = {"GET": Scope.ORDERS_READ}
    paging = CursorPaging("-opened_at", "-id")

    @extend_schema(
        operation_id="list_exceptions",
        summary="What needs a person on your orders, newest first",
        parameters=[ExceptionFilters],
        responses={200: page_of(ExceptionDocument)},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        wanted = ExceptionFilters.of(request)
        place = locations.ref(wanted["location"]).id if "location" in wanted else None
        rows = cases.select(
            Filters(
                location_ids=None if place is None else [place],
                states=[wanted["state"]],
                kind=wanted.get("kind", ""),
                severity=wanted.get("severity", ""),
                order_id=wanted.get("order"),
            )
        ).filter(order__channel_id=request.auth.channel_id)
        page = self.paging.page(
            request,
            rows.values(*cases.columns()),
            limit=wanted["limit"],
            cursor=wanted.get("cursor"),
            present=_documents,
        )
        return self.reply(page)


def _documents(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": case.id,
            "kind": case.kind,
            "severity": case.severity,
            "state": case.state,
            "order_id": case.order_id,
            "order_number": case.order_number,
            "location": locations.by_id(case.location_id).code if case.location_id else None,
            "opened_at": case.opened_at,
            "due_at": case.due_at,
            "outcome": case.outcome,
            "settled_at": case.settled_at,
        }
        for case in cases.rows_of(list(rows))
    ]
