"""The part of the API about counts: a handheld's own app begins them, reports what it counted, and hands them in.

Large differences are decided about by people, on their screens.
"""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock, ids
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory.api import count_serializers as serializers
from inventory.counting import CountKind, CountMode, CountState, FindingKind, Missing
from inventory.places import locations
from inventory.stock import Condition
from inventory.stocktaking import counts, lists
from inventory.stocktaking import figures as count_figures
from inventory.stocktaking.figures import Figure, Outcome, Taken
from inventory.stocktaking.lists import CountRef, Progress

_MESSAGES = {
    FindingKind.UNKNOWN: "No product has this code; it is kept, and somebody will say what it is.",
    FindingKind.CHARGE: "This has no stock of its own, as a charge or a kit has none; it is kept for somebody to look at.",
    FindingKind.LATE: "The product was settled in this count before; the figure is kept for somebody to look at.",
}


class CountsView(ApiView):
    scopes = {"GET": Scope.COUNTS_WRITE, "POST": Scope.COUNTS_WRITE}

    @extend_schema(
        operation_id="list_counts",
        summary="The last counts",
        parameters=[serializers.CountFilters],
        responses=serializers.CountsDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the counts that were opened last, at most 50; narrow by location and state."""
        asked = serializers.CountFilters.of(request)
        found = lists.listed(
            location_id=locations.ref(asked["location"]).id if asked.get("location") else None,
            states=[CountState(state) for state in asked.get("state") or CountState],
        )
        progress = lists.progress(one.id for one in found)
        return self.reply({"items": [_document(one, progress[one.id]) for one in found]})

    @extend_schema(
        operation_id="begin_count",
        summary="Begin a count",
        request=serializers.CountBody,
        responses={201: serializers.CountDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Open a count of what is due, of named products, a shelf, a category, a whole location, or of whatever is scanned."""
        body = serializers.CountBody.read(request.data)
        place = locations.ref(body["location"])
        wanted = catalog.known(body["skus"], at="skus[{}]") if body.get("skus") else {}

        def work() -> tuple[int, Any]:
            made = counts.begin(
                ids.new(), location_id=place.id, kind=CountKind(body["kind"]), condition=Condition(body["condition"]),
                shelf=body["shelf"], category=body["category"], product_ids=[one.id for one in wanted.values()],
                note=body["note"], source=request.auth.channel_code, by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, _document(made)

        return self.once(request, work)


class CountView(ApiView):
    scopes = {"GET": Scope.COUNTS_WRITE}

    @extend_schema(
        operation_id="read_count",
        summary="One count, with what is still to be counted",
        parameters=[serializers.CountParameters],
        responses=serializers.CountSheetDocument,
    )
    def get(self, request: ApiRequest, count_id: UUID) -> HttpResponse:
        """Read a count blindly: the next products to count, by shelf, and what this station counted last."""
        asked = serializers.CountParameters.of(request)
        count = lists.get(count_id)
        sheet = lists.sheet(count, by=request.auth.actor, station=asked["station"], at_most=serializers.MOST_ITEMS)
        fields = serializers.CountToDoDocument().fields
        return self.reply(
            _document(count)
            | {
                "to_count": [{name: getattr(item, name) for name in fields} for item in sheet.left],
                "to_count_total": sheet.left_total,
                "own": [{"sku": item.sku, "quantity": item.own} for item in sheet.own],
            }
        )


class CountRecordsView(ApiView):
    scopes = {"POST": Scope.COUNTS_WRITE}

    @extend_schema(
        operation_id="record_count",
        summary="Report what was counted",
        request=serializers.CountRecordsBody,
        responses=serializers.CountRecordsDocument,
    )
    def post(self, request: ApiRequest, count_id: UUID) -> HttpResponse:
        """Keep up to 500 figures of a device, in their order. Each counts once by its id, however often it is sent.

        What can't be taken (an unknown code, a charge, what came in too late) is kept for a person and says so; nothing is lost.
        """
        body = serializers.CountRecordsBody.read(request.data)
        figures = [
            Figure(
                id=one["id"], text=one["code"], quantity=one["quantity"], mode=CountMode(one["mode"]),
                counted_at=one["counted_at"], sent_at=body.get("sent_at"),
            )
            for one in body["records"]
        ]  # fmt: skip

        def work() -> tuple[int, Any]:
            taken = count_figures.record(
                count_id, figures, station=body["station"], by=request.auth.actor, at=clock.now()
            )
            progress = lists.progress([count_id])[count_id]
            return 200, {"results": [_result(one) for one in taken], "progress": asdict(progress)}

        return self.once(request, work)


class CountHandInView(ApiView):
    scopes = {"POST": Scope.COUNTS_WRITE}

    @extend_schema(
        operation_id="hand_in_count",
        summary="Hand a count in",
        request=serializers.CountHandInBody,
        responses=serializers.CountHandedInDocument,
    )
    def post(self, request: ApiRequest, count_id: UUID) -> HttpResponse:
        """Compare all figures with the books as of their moments; small differences are booked, a person decides the rest."""
        body = serializers.CountHandInBody.read(request.data)

        def work() -> tuple[int, Any]:
            count, settled = counts.hand_in(
                count_id, missing=Missing(body["missing"]), by=request.auth.actor, at=clock.now()
            )
            numbers = {"posted": settled.posted, "right": settled.right, "overtaken": settled.overtaken}
            return 200, _document(count) | numbers

        return self.once(request, work)


class CountCancelView(ApiView):
    scopes = {"POST": Scope.COUNTS_WRITE}

    @extend_schema(
        operation_id="cancel_count",
        summary="Cancel a count",
        request=serializers.CountCancelBody,
        responses=serializers.CountDocument,
    )
    def post(self, request: ApiRequest, count_id: UUID) -> HttpResponse:
        """End a count without booking what was not booked yet. What was counted stays readable."""
        body = serializers.CountCancelBody.read(request.data)

        def work() -> tuple[int, Any]:
            count = counts.cancel(count_id, reason=body["reason"], by=request.auth.actor, at=clock.now())
            return 200, _document(count)

        return self.once(request, work)


def _document(count: CountRef, progress: Progress | None = None) -> dict[str, Any]:
    return {
        "id": count.id, "number": count.number, "location": locations.by_id(count.location_id).code, "kind": count.kind,
        "condition": count.condition, "shelf": count.shelf, "category": count.category, "note": count.note,
        "state": count.state, "opened_at": count.opened_at, "handed_in_at": count.handed_in_at, "ended_at": count.ended_at,
        "progress": asdict(progress or lists.progress([count.id])[count.id]),
        "allowed_actions": sorted(count.actions),
    }  # fmt: skip


def _result(one: Taken) -> dict[str, Any]:
    message = _MESSAGES[one.finding] if one.finding else ""
    if one.outcome is Outcome.DIFFERS:
        message = "This id was used for something else, so nothing was kept; send the figure under a new id."
    return {
        "id": one.id, "outcome": one.outcome, "sku": one.product.sku if one.product else None, "pieces": one.pieces,
        "finding": one.finding, "message": message,
    }  # fmt: skip
