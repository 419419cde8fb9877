"""The API of picking, for warehouses with their own devices: waves, what to pick next, scans, and what could not be found."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import catalog, clock
from commerce.api.bodies import Instant, Quantity, QueryParameters, StrictSerializer, Text
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory.places import locations
from orders import errors, picking, printing
from orders.api import floor_access
from orders.floor import RejectReason
from orders.picking import Outcome, PutBack
from orders.waves import composing, lists, papers, rounds, totes
from orders.waves.lists import Sheet, Stop, WaveView

SHORT_REASONS = [reason.value for reason in RejectReason if reason is not RejectReason.LOST]
OUTCOMES = [outcome.value for outcome in Outcome]
WAYS_OUT = ["counter", "carrier", "store", "mixed"]
PERSON = "The key acts for a person; what they may do where is what it may."


class PlaceParameters(QueryParameters):
    location = Text(max_length=20, help_text="The code of the location.")


class BeginBody(StrictSerializer):
    id = serializers.UUIDField(help_text="Yours; the same again returns the wave that it began.")
    location = Text(max_length=20, help_text="The code of the location.")
    fulfilments = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=composing.MOST_ORDERS,
        help_text="Those of `next` in the list of waves, or others that wait there.",
    )  # fmt: skip


class ScanBody(StrictSerializer):
    scan_id = serializers.UUIDField(help_text="One for each scan, made by the scanner; the same again counts once.")
    text = Text(max_length=picking.LONGEST_SCAN, help_text="What was scanned: a GTIN.")
    scanned_at = Instant(required=False, help_text="By the scanner's clock; now when left out.")


class ShortBody(StrictSerializer):
    sku = Text(max_length=64)
    quantity = Quantity(help_text="Pieces that can't be picked.")
    reason = serializers.ChoiceField(SHORT_REASONS)
    is_shelf_empty = serializers.BooleanField(
        required=False, default=False, help_text="With `not_found`: other orders of the place are not sent there again."
    )


class TakeOverBody(StrictSerializer):
    reason = Text(max_length=rounds.LONGEST_REASON, help_text="Why it is taken from whoever holds it.")


class SuggestionDocument(serializers.Serializer[Any]):
    fulfilments = serializers.ListField(child=serializers.UUIDField())
    way_out = serializers.ChoiceField(WAYS_OUT)
    due_at = serializers.DateTimeField(help_text="When the first of them is due.")
    pieces = serializers.IntegerField()
    shelves = serializers.IntegerField()


class WaveDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField()
    location = serializers.CharField()
    way_out = serializers.ChoiceField(WAYS_OUT)
    holder = serializers.CharField(help_text="Who picks it.")
    is_own = serializers.BooleanField(help_text="Whether that is the person of this key.")
    begun_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    orders = serializers.IntegerField()
    pieces = serializers.IntegerField()
    picked = serializers.IntegerField()


class WavesDocument(serializers.Serializer[Any]):
    next = SuggestionDocument(allow_null=True, help_text="What to begin next; null when nothing waits.")
    items = WaveDocument(many=True, help_text="Waves that go on, the oldest first.")


class BarcodeDocument(serializers.Serializer[Any]):
    gtin = serializers.CharField()
    pieces = serializers.IntegerField(help_text="How many pieces it stands for.")


class ShareDocument(serializers.Serializer[Any]):
    tote = serializers.IntegerField()
    order_number = serializers.CharField()
    wanted = serializers.IntegerField()
    picked = serializers.IntegerField()


class StopDocument(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField()
    shelves = serializers.ListField(child=serializers.CharField(), help_text="Where it lies, the first place first.")
    barcodes = BarcodeDocument(many=True)
    wanted = serializers.IntegerField()
    picked = serializers.IntegerField()
    totes = ShareDocument(many=True, help_text="How many pieces go into which tote.")


class ToteDocument(serializers.Serializer[Any]):
    tote = serializers.IntegerField()
    fulfilment = serializers.UUIDField()
    order_number = serializers.CharField()
    state = serializers.CharField()
    due_at = serializers.DateTimeField()
    wanted = serializers.IntegerField()
    picked = serializers.IntegerField()


class WaveSheetDocument(WaveDocument):
    next = StopDocument(allow_null=True, help_text="The next thing to pick; null when all is picked or given up.")
    stops = StopDocument(many=True, help_text="All of the walk, in its order.")
    totes = ToteDocument(many=True)


class BegunDocument(WaveSheetDocument):
    left_out = serializers.IntegerField(help_text="Orders that somebody else took meanwhile.")


class NextTaskDocument(serializers.Serializer[Any]):
    next = StopDocument(allow_null=True)


class PlacedDocument(serializers.Serializer[Any]):
    tote = serializers.IntegerField()
    pieces = serializers.IntegerField()
    missing = serializers.IntegerField(help_text="What this tote still wants of it.")


class ScannedDocument(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(OUTCOMES, help_text="Only `picked` counted something.")
    sku = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    placed = PlacedDocument(many=True)
    next = StopDocument(allow_null=True)


class KitPutBackDocument(serializers.Serializer[Any]):
    sku = serializers.CharField()
    pieces = serializers.IntegerField()


class ShortDocument(serializers.Serializer[Any]):
    put_back = KitPutBackDocument(many=True, help_text="Picked pieces of kits that are not delivered now.")
    next = StopDocument(allow_null=True)


class FinishedDocument(serializers.Serializer[Any]):
    ready = serializers.IntegerField(help_text="Orders that are picked.")
    back = serializers.IntegerField(help_text="Orders that go back to the queue with what was picked of them.")


class WavesView(ApiView):
    scopes = {"GET": Scope.FULFILMENT_PICK, "POST": Scope.FULFILMENT_PICK}

    @extend_schema(
        operation_id="list_waves",
        summary="Waves of a location that go on, and what to pick next",
        description=PERSON,
        parameters=[PlaceParameters],
        responses={200: WavesDocument},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        hand = floor_access.hand_of(request)
        place = hand.at(PlaceParameters.of(request)["location"])
        found = lists.suggest(place.id)
        suggestion = found and {
            "fulfilments": found.fulfilment_ids, "way_out": found.way_out, "due_at": found.due_at, "pieces": found.pieces,
            "shelves": found.shelves,
        }  # fmt: skip
        return self.reply({"next": suggestion, "items": [_wave(one, hand) for one in lists.going_on(place.id)]})

    @extend_schema(
        operation_id="begin_wave",
        summary="Take orders into a wave",
        description=(
            "They are leased together to the person of the key, so that nobody else picks them: as many as can still be had, "
            f"`left_out` says how many could not. {PERSON}"
        ),
        request=BeginBody,
        responses={201: BegunDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        body = BeginBody.read(request.data)
        hand = floor_access.hand_of(request)
        place = hand.at(body["location"])

        def work() -> tuple[int, Any]:
            begun = rounds.begin(body["id"], place.id, body["fulfilments"], **hand.who, at=clock.now())
            hand.wave(begun.wave.pk)  # an id that somebody elsewhere used tells nothing of theirs
            return 201, {**_sheet(begun.wave.pk, hand), "left_out": begun.left_out}

        return self.once(request, work)


class WaveApiView(ApiView):
    scopes = {"GET": Scope.FULFILMENT_PICK}

    @extend_schema(
        operation_id="read_wave",
        summary="A wave with its walk and its totes",
        description=PERSON,
        responses={200: WaveSheetDocument},
    )
    def get(self, request: ApiRequest, wave_id: UUID) -> HttpResponse:
        return self.reply(_sheet(wave_id, floor_access.hand_of(request)))


class WaveNextView(ApiView):
    scopes = {"GET": Scope.FULFILMENT_PICK}

    @extend_schema(
        operation_id="read_next_pick",
        summary="The next thing to pick in a wave",
        description="The first stop of the walk of which something is still to pick; null when the wave may be finished.",
        responses={200: NextTaskDocument},
    )
    def get(self, request: ApiRequest, wave_id: UUID) -> HttpResponse:
        return self.reply({"next": _next(_read(wave_id, floor_access.hand_of(request)))})


class WaveListView(ApiView):
    scopes = {"GET": Scope.FULFILMENT_PICK}

    @extend_schema(
        operation_id="print_pick_list",
        summary="What is still to pick in a wave, as PDF",
        description=PERSON,
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: ApiRequest, wave_id: UUID) -> HttpResponse:
        sheet = _read(wave_id, floor_access.hand_of(request))
        place = locations.by_id(sheet.wave.location_id)
        return printing.answer(papers.pick_list(sheet, place), f"{sheet.wave.number}.pdf")


class WaveScansView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PICK}

    @extend_schema(
        operation_id="scan_in_wave",
        summary="Count a scan, and say into which totes the pieces go",
        description=(
            "A case pack is dealt out over several totes, never more than each wants. What is not wanted changes nothing and "
            "says so in `outcome`. The same `scan_id` again gives the first answer."
        ),
        request=ScanBody,
        responses={200: ScannedDocument},
    )
    def post(self, request: ApiRequest, wave_id: UUID) -> HttpResponse:
        body = ScanBody.read(request.data)
        hand, at = floor_access.hand_of(request), floor_access.scanned_at(body.get("scanned_at"))
        hand.wave(wave_id)

        def work() -> tuple[int, Any]:
            done = totes.scan(wave_id, body["scan_id"], body["text"], **hand.who, at=at)
            placed = [{"tote": one.tote, "pieces": one.pieces, "missing": one.missing} for one in done.placed]
            return 200, {
                "outcome": done.outcome.value, "sku": done.sku, "name": done.name, "placed": placed,
                "next": _next(_read(wave_id, hand)),
            }  # fmt: skip

        return self.once(request, work)


class WaveShortsView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PICK}

    @extend_schema(
        operation_id="report_short_pick",
        summary="Give up on pieces of a product in a wave, with the reason",
        description=(
            "The books follow the reason: `not_found` zeroes the shelf and opens a count, `damaged` moves the pieces to the "
            "damaged ones, `other` frees them. The orders that are due last go without; another place takes over, or the "
            "customer is asked."
        ),
        request=ShortBody,
        responses={200: ShortDocument},
    )
    def post(self, request: ApiRequest, wave_id: UUID) -> HttpResponse:
        body = ShortBody.read(request.data)
        hand = floor_access.hand_of(request)
        hand.wave(wave_id)
        product = catalog.known([body["sku"]], at="sku")[body["sku"]]

        def work() -> tuple[int, Any]:
            back = totes.reject(
                wave_id, product.id, body["quantity"], body["reason"], **hand.who, at=clock.now(),
                is_shelf_empty=body["is_shelf_empty"],
            )  # fmt: skip
            return 200, {"put_back": [_put_back(one) for one in back], "next": _next(_read(wave_id, hand))}

        return self.once(request, work)


class FinishWaveView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PICK}

    @extend_schema(
        operation_id="finish_wave",
        summary="End a wave",
        description="What is complete is ready, what is not goes back to the queue with what was picked. Again changes nothing.",
        request=None,
        responses={200: FinishedDocument},
    )
    def post(self, request: ApiRequest, wave_id: UUID) -> HttpResponse:
        hand = floor_access.hand_of(request)
        hand.wave(wave_id)
        return self.once(request, lambda: (200, rounds.finish(wave_id, **hand.who, at=clock.now())))


class TakeOverWaveView(ApiView):
    scopes = {"POST": Scope.FULFILMENT_PICK}

    @extend_schema(
        operation_id="take_over_wave",
        summary="Take a wave from whoever holds it",
        description="Needs the right to, unless its leases ran out; and a reason.",
        request=TakeOverBody,
        responses={200: WaveSheetDocument},
    )
    def post(self, request: ApiRequest, wave_id: UUID) -> HttpResponse:
        reason = TakeOverBody.read(request.data)["reason"]
        hand = floor_access.hand_of(request)
        hand.wave(wave_id)

        def work() -> tuple[int, Any]:
            rounds.take_over(wave_id, reason=reason, **hand.who, at=clock.now())
            return 200, _sheet(wave_id, hand)

        return self.once(request, work)


def _read(wave_id: UUID, hand: floor_access.Hand) -> Sheet:
    sheet = lists.sheet(wave_id, hand.wave(wave_id))
    if sheet is None:
        raise errors.FulfilmentNotFound("There is no such wave.", wave=str(wave_id))
    return sheet


def _wave(one: WaveView, hand: floor_access.Hand) -> dict[str, Any]:
    return {
        "id": one.id, "number": one.number, "location": locations.by_id(one.location_id).code, "way_out": one.way_out,
        "holder": one.holder, "is_own": one.holder_id == hand.user.pk, "begun_at": one.begun_at, "ended_at": one.ended_at,
        "due_at": one.due_at, "orders": one.orders, "pieces": one.pieces, "picked": one.picked,
    }  # fmt: skip


def _sheet(wave_id: UUID, hand: floor_access.Hand) -> dict[str, Any]:
    sheet = _read(wave_id, hand)
    totes_of_it = [
        {
            "tote": one.tote, "fulfilment": one.fulfilment_id, "order_number": one.number, "state": one.state,
            "due_at": one.due_at, "wanted": one.wanted, "picked": one.picked,
        }
        for one in sheet.totes
    ]  # fmt: skip
    return {
        **_wave(sheet.wave, hand),
        "next": _next(sheet),
        "stops": [_stop(stop) for stop in sheet.stops],
        "totes": totes_of_it,
    }


def _next(sheet: Sheet) -> dict[str, Any] | None:
    return _stop(sheet.current) if sheet.current is not None else None


def _stop(stop: Stop) -> dict[str, Any]:
    return {
        "sku": stop.sku, "name": stop.name, "shelves": stop.shelves,
        "barcodes": [{"gtin": code, "pieces": pieces} for code, pieces in stop.codes],
        "wanted": stop.wanted, "picked": stop.picked,
        "totes": [
            {"tote": one.tote, "order_number": one.number, "wanted": one.wanted, "picked": one.picked}
            for one in stop.shares
        ],
    }  # fmt: skip


def _put_back(one: PutBack) -> dict[str, Any]:
    return {"sku": one.sku, "pieces": one.pieces}
