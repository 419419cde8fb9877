"""What the API of the packing table takes and tells."""

from typing import Any

from rest_framework import serializers

from commerce.api.bodies import StrictSerializer, Text, Whole
from orders.api.return_label_views import LABEL_STATES
from orders.api.serializers import KNOWN_METHODS
from orders.api.wave_views import OUTCOMES, BarcodeDocument
from orders.packing import labels, parcels


class WeightBody(StrictSerializer):
    weight_grams = Whole(min_value=1, help_text=f"At most {parcels.HEAVIEST_GRAMS}.")


class LabelBody(StrictSerializer):
    carrier = Text(max_length=40, help_text="Who makes it, such as dhl; or who made it, with `tracking_number`.")
    tracking_number = Text(
        max_length=labels.LONGEST_NUMBER, required=False, help_text="Of a label that was made elsewhere: it is noted."
    )


class OtherBody(StrictSerializer):
    other = serializers.UUIDField(help_text="The shipment of `company` that is to travel alone.")


class CompanionDocument(serializers.Serializer[Any]):
    fulfilment = serializers.UUIDField()
    order_number = serializers.CharField()
    is_ready = serializers.BooleanField(help_text="Picked; others are waited for or sent without.")


class WaitingShipmentDocument(serializers.Serializer[Any]):
    fulfilment = serializers.UUIDField()
    order_number = serializers.CharField()
    due_at = serializers.DateTimeField()
    pieces = serializers.IntegerField()
    parcels = serializers.IntegerField()
    labelled = serializers.IntegerField()
    company = CompanionDocument(many=True, help_text="Other orders in the same parcels.")


class WaitingShipmentsDocument(serializers.Serializer[Any]):
    items = WaitingShipmentDocument(many=True)


class PackLineDocument(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField()
    barcodes = BarcodeDocument(many=True)
    picked = serializers.IntegerField()
    packed = serializers.IntegerField()


class InsideDocument(serializers.Serializer[Any]):
    sku = serializers.CharField()
    pieces = serializers.IntegerField()


class ShipLabelDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    carrier = serializers.CharField()
    state = serializers.ChoiceField(
        LABEL_STATES,
        help_text="`unclear`: no answer came; ask again, the first is never used.",
    )
    tracking_number = serializers.CharField(allow_blank=True)
    said = serializers.CharField(allow_blank=True, help_text="The carrier's words when it did not work.")
    has_document = serializers.BooleanField(help_text="Whether there is something to print.")


class ParcelDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    weight_grams = serializers.IntegerField(allow_null=True)
    is_closed = serializers.BooleanField()
    has_left = serializers.BooleanField()
    inside = InsideDocument(many=True)
    label = ShipLabelDocument(allow_null=True)
    foreign_orders = serializers.ListField(
        child=serializers.CharField(), help_text="Orders in it that do not travel with it any more: take them out."
    )


class ShipmentDocument(serializers.Serializer[Any]):
    fulfilment = serializers.UUIDField()
    order_number = serializers.CharField()
    method = serializers.ChoiceField(KNOWN_METHODS)
    state = serializers.CharField()
    due_at = serializers.DateTimeField()
    address = serializers.ListField(child=serializers.CharField())
    minimum_age = serializers.IntegerField(allow_null=True)
    lines = PackLineDocument(many=True)
    parcels = ParcelDocument(many=True)
    left = serializers.IntegerField(help_text="Pieces that are in no parcel yet.")
    may_leave = serializers.BooleanField(help_text="All is in closed parcels, each with its label.")
    company = CompanionDocument(many=True)


class PackedDocument(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(OUTCOMES, help_text="Only `picked` put something in.")
    sku = serializers.CharField(allow_blank=True)
    pieces = serializers.IntegerField()
    shipment = ShipmentDocument()
