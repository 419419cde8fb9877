"""What the API takes and gives about goods that move: transfers, returns, write-offs, conditions, corrections."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from inventory import movements, shelves
from inventory.api.serializers import LONGEST_REASON, LYING, MOST_SKUS_IN_ADDRESS, Sku
from inventory.moving import DifferenceReason, TransferAction, TransferState, WriteOffReason
from inventory.stock import Condition
from inventory.transport import transfers

PACKS = "Pieces; with a case-pack GTIN: packs."


class _Goods(bodies.StrictSerializer):
    """A product by its SKU, or by a barcode that may stand for several pieces."""

    sku = Sku(required=False)
    gtin = bodies.Text(required=False, max_length=20)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if ("sku" in values) == ("gtin" in values):
            raise serializers.ValidationError({"sku": ["Send either sku or gtin."]})
        return values


class _Report(bodies.StrictSerializer):
    location = bodies.Text(max_length=20)
    reason = bodies.Text(max_length=LONGEST_REASON)
    occurred_at = bodies.Instant(required=False, help_text="When it happened; default now.")


# --- transfers ------------------------------------------------------------------------------------------------------


class TransferLineBody(_Goods):
    quantity = bodies.Quantity(help_text=PACKS)


class TransferBody(bodies.StrictSerializer):
    origin = bodies.Text(max_length=20, help_text="Where the goods leave: a location's code.")
    destination = bodies.Text(max_length=20)
    lines = TransferLineBody(many=True, min_length=1, max_length=transfers.MOST_LINES)
    condition = serializers.ChoiceField(LYING, required=False, default=Condition.SELLABLE.value)
    expected_on = serializers.DateField(
        required=False, help_text="Else, when it is sent, as many days later as transit times say."
    )
    note = bodies.Text(required=False, default="", allow_blank=True, max_length=200)
    reference = bodies.Text(required=False, default="", allow_blank=True, max_length=64)


class TransferSendBody(bodies.StrictSerializer):
    expected_on = serializers.DateField(required=False)


class TransferExpectBody(bodies.StrictSerializer):
    expected_on = serializers.DateField()
    reason = bodies.Text(max_length=200)


class ArrivalLine(_Goods):
    quantity = bodies.Quantity(help_text=PACKS)
    condition = serializers.ChoiceField(LYING, required=False, help_text="Default: as the goods left.")


class ArrivalBody(bodies.StrictSerializer):
    lines = ArrivalLine(many=True, min_length=1, max_length=transfers.MOST_LINES)
    occurred_at = bodies.Instant(required=False, help_text="When they came; default now.")


class DifferenceBody(bodies.StrictSerializer):
    sku = Sku()
    reason = serializers.ChoiceField([r.value for r in DifferenceReason])


class TransferCloseBody(bodies.StrictSerializer):
    differences = DifferenceBody(many=True, required=False, max_length=transfers.MOST_LINES)
    note = bodies.Text(required=False, default="", allow_blank=True, max_length=200)


class TransferCancelBody(bodies.StrictSerializer):
    reason = bodies.Text(max_length=200)


class TransferFilters(bodies.QueryParameters):
    state = bodies.CommaSeparated(
        child=serializers.ChoiceField([s.value for s in TransferState]), required=False, max_length=len(TransferState)
    )
    origin = bodies.Text(required=False, max_length=20)
    destination = bodies.Text(required=False, max_length=20)
    after = serializers.UUIDField(required=False, help_text="`next_after` of the page before.")
    limit = bodies.Whole(required=False, default=50, min_value=1, max_value=200)


class TransferLineDocument(serializers.Serializer):
    sku = serializers.CharField()
    quantity = serializers.IntegerField(min_value=1)
    pack = serializers.IntegerField(min_value=1, help_text="Pieces in a case pack; 1 when it goes in single pieces.")
    received = serializers.IntegerField(min_value=0)
    lost = serializers.IntegerField(min_value=0)
    returned = serializers.IntegerField(min_value=0, help_text="Brought back, or never left.")
    open = serializers.IntegerField(min_value=0, help_text="Still to be sent or received.")
    difference_reason = serializers.CharField(allow_blank=True)


class TransferDocument(serializers.Serializer):
    id = serializers.UUIDField()
    number = serializers.CharField()
    origin = serializers.CharField()
    destination = serializers.CharField()
    condition = serializers.ChoiceField(LYING)
    state = serializers.ChoiceField([s.value for s in TransferState])
    expected_on = serializers.DateField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    reference = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    allowed_actions = serializers.ListField(child=serializers.ChoiceField([a.value for a in TransferAction]))
    lines = TransferLineDocument(many=True)


class TransfersDocument(serializers.Serializer):
    items = TransferDocument(many=True)
    next_after = serializers.UUIDField(allow_null=True)


# --- movements at one place -----------------------------------------------------------------------------------------


class StockReturnLineBody(_Goods):
    quantity = bodies.Quantity(help_text=PACKS)
    condition = serializers.ChoiceField(LYING)


class ReturnBody(_Report):
    lines = StockReturnLineBody(many=True, min_length=1, max_length=movements.MOST_LINES)


class WriteOffLineBody(_Goods):
    quantity = bodies.Quantity(help_text=PACKS)
    condition = serializers.ChoiceField(LYING, required=False, default=Condition.SELLABLE.value)


class WriteOffBody(bodies.StrictSerializer):
    location = bodies.Text(max_length=20)
    lines = WriteOffLineBody(many=True, min_length=1, max_length=movements.MOST_LINES)
    reason = serializers.ChoiceField([r.value for r in WriteOffReason])
    note = bodies.Text(required=False, default="", allow_blank=True, max_length=200)
    occurred_at = bodies.Instant(required=False, help_text="When it happened; default now.")


class ReclassificationLine(_Goods):
    quantity = bodies.Quantity(help_text=PACKS)
    condition = serializers.ChoiceField(LYING, help_text="As the books have it.")
    to = serializers.ChoiceField(LYING)


class ReclassificationBody(_Report):
    lines = ReclassificationLine(many=True, min_length=1, max_length=movements.MOST_LINES)


class PlacingBody(_Goods):
    shelf = bodies.Text(
        required=False, max_length=20, help_text="Where it lies from now on. Without it: only taken off."
    )
    away_from = bodies.Text(required=False, max_length=20, help_text="The shelf that it leaves; default: none.")
    is_primary = serializers.BooleanField(required=False, default=False, help_text="Pickers look here first.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        values = super().validate(values)
        if "shelf" not in values and "away_from" not in values:
            raise serializers.ValidationError({"shelf": ["Say on which shelf it lies, or which one it leaves."]})
        return values


class ShelvesBody(bodies.StrictSerializer):
    location = bodies.Text(max_length=20)
    reason = bodies.Text(required=False, default="", allow_blank=True, max_length=LONGEST_REASON)
    lines = PlacingBody(many=True, min_length=1, max_length=shelves.MOST_PRODUCTS)


class ShelvesParameters(bodies.QueryParameters):
    location = bodies.Text(max_length=20)
    sku = bodies.CommaSeparated(
        child=Sku(), required=False, max_length=MOST_SKUS_IN_ADDRESS, help_text="These products."
    )
    shelf = bodies.Text(required=False, max_length=20, help_text="What lies on this shelf.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if ("sku" in values) == ("shelf" in values):
            raise serializers.ValidationError({"sku": ["Ask for products or for a shelf."]})
        return values


class ShelvesItem(serializers.Serializer):
    sku = serializers.CharField()
    shelves = serializers.ListField(child=serializers.CharField(), help_text="The one to look at first in front.")


class ShelvesDocument(serializers.Serializer):
    location = serializers.CharField()
    items = ShelvesItem(many=True)


class CorrectionBody(bodies.StrictSerializer):
    entry = serializers.UUIDField(help_text="The wrong entry of the journal.")
    reason = bodies.Text(max_length=LONGEST_REASON)


class CorrectionDocument(serializers.Serializer):
    id = serializers.UUIDField(help_text="The entry that answers the wrong one.")
    corrects = serializers.UUIDField()
