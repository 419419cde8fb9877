"""What the goods part of the API takes and gives."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from inventory import incoming, movements, reservations
from inventory.stock import Capability, Condition, LocationKind

MOST_SKUS_IN_ADDRESS = 100
MOST_SKUS_IN_BODY = 500
MOST_LOCATIONS = 100
FARTHEST_KM = 2_000
LONGEST_REASON = 80
CAPABILITIES = [c.value for c in Capability]
CONDITIONS = [c.value for c in Condition]
LYING = [c.value for c in Condition if c is not Condition.IN_TRANSIT]  # transfers alone move what is in transit
COMING_FROM = [incoming.PURCHASE_ORDER, incoming.TRANSFER]


class Sku(bodies.Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, **options)


class ReservationLine(bodies.StrictSerializer):
    sku = Sku()
    quantity = bodies.Quantity()


class BuyerBody(bodies.StrictSerializer):
    """Who buys, as far as limits per customer have to know: one of the two, or both."""

    email = bodies.Text(required=False, default="", allow_blank=True, max_length=254)
    channel_customer_id = bodies.Text(required=False, default="", allow_blank=True, max_length=120)


class ReservationBody(bodies.StrictSerializer):
    location = bodies.Text(max_length=20)
    lines = ReservationLine(many=True, min_length=1, max_length=reservations.MOST_LINES)
    ttl_seconds = bodies.Whole(
        required=False,
        default=reservations.DEFAULT_SECONDS,
        min_value=reservations.SHORTEST_SECONDS,
        max_value=reservations.LONGEST_SECONDS,
    )
    reference = bodies.Text(required=False, default="", allow_blank=True, max_length=120)
    customer = BuyerBody(
        required=False, help_text="Products that are limited per customer are counted for them from now on."
    )


class ReservationBatchBody(bodies.StrictSerializer):
    items = ReservationBody(many=True, min_length=1, max_length=reservations.MOST_REQUESTS)


class ExtendBody(bodies.StrictSerializer):
    ttl_seconds = bodies.Whole(
        min_value=reservations.SHORTEST_SECONDS,
        max_value=reservations.LONGEST_SECONDS,
        help_text="From now on; a reservation is never shortened.",
    )


class LineDocument(serializers.Serializer):
    sku = serializers.CharField()
    quantity = serializers.IntegerField(min_value=1)


class ReservationDocument(serializers.Serializer):
    id = serializers.UUIDField()
    location = serializers.CharField()
    lines = LineDocument(many=True)
    state = serializers.ChoiceField(["active", "consumed", "released", "expired"])
    expires_at = serializers.DateTimeField()
    reference = serializers.CharField(allow_blank=True)


class BatchVerdict(serializers.Serializer):
    index = serializers.IntegerField(min_value=0)
    status = serializers.ChoiceField(["reserved", "refused"])
    reservation = ReservationDocument(required=False)
    problem = serializers.DictField(required=False, help_text="A problem document, as a single request would get it.")


class BatchDocument(serializers.Serializer):
    reserved = serializers.IntegerField(min_value=0)
    refused = serializers.IntegerField(min_value=0)
    items = BatchVerdict(many=True)


class _MovementLine(bodies.StrictSerializer):
    """A product by its SKU, or by a barcode that may stand for several pieces."""

    sku = Sku(required=False)
    gtin = bodies.Text(required=False, max_length=20)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if ("sku" in values) == ("gtin" in values):
            raise serializers.ValidationError({"sku": ["Send either sku or gtin."]})
        return values


class ReceiptLine(_MovementLine):
    quantity = bodies.Quantity(help_text="Pieces; with a case-pack GTIN: packs.")
    condition = serializers.ChoiceField(LYING, required=False, default=Condition.SELLABLE.value)


class AdjustmentLine(_MovementLine):
    delta = bodies.Whole(min_value=-movements.MOST_PIECES, max_value=movements.MOST_PIECES)
    condition = serializers.ChoiceField(LYING, required=False, default=Condition.SELLABLE.value)

    def validate_delta(self, value: int) -> int:
        if value == 0:
            raise serializers.ValidationError("An adjustment changes something: at least one piece up or down.")
        return value


class ReceiptBody(bodies.StrictSerializer):
    location = bodies.Text(max_length=20)
    lines = ReceiptLine(many=True, min_length=1, max_length=movements.MOST_LINES)
    reason = bodies.Text(max_length=LONGEST_REASON, help_text="Such as the delivery note's number.")
    occurred_at = bodies.Instant(required=False, help_text="When it happened; default now.")


class AdjustmentBody(bodies.StrictSerializer):
    location = bodies.Text(max_length=20)
    lines = AdjustmentLine(many=True, min_length=1, max_length=movements.MOST_LINES)
    reason = bodies.Text(max_length=LONGEST_REASON)
    occurred_at = bodies.Instant(required=False)


class StockParameters(bodies.QueryParameters):
    sku = bodies.CommaSeparated(child=Sku(), required=False, max_length=MOST_SKUS_IN_ADDRESS)
    location = bodies.CommaSeparated(required=False, max_length=MOST_LOCATIONS)
    after = bodies.Whole(required=False, default=0, help_text="`next_after` of the page before.")
    limit = bodies.Whole(required=False, default=100, min_value=1, max_value=500)


class LevelDocument(serializers.Serializer):
    sku = serializers.CharField()
    location = serializers.CharField()
    condition = serializers.ChoiceField(CONDITIONS)
    on_hand = serializers.IntegerField(min_value=0)
    allocated = serializers.IntegerField(min_value=0)
    held = serializers.IntegerField(min_value=0)
    version = serializers.IntegerField(min_value=0, help_text="Grows by one with every journal entry.")
    changed_at = serializers.DateTimeField()


class LevelsDocument(serializers.Serializer):
    items = LevelDocument(many=True)
    next_after = serializers.IntegerField(allow_null=True)


class MovementDocument(serializers.Serializer):
    location = serializers.CharField()
    booked_lines = serializers.IntegerField(min_value=0)
    items = LevelDocument(many=True, help_text="The levels after the movement.")


class LocationParameters(bodies.QueryParameters):
    capability = serializers.ChoiceField(CAPABILITIES, required=False)
    kind = serializers.ChoiceField([k.value for k in LocationKind], required=False)
    country = serializers.RegexField(r"^[A-Z]{2}$", required=False)
    after = bodies.Text(required=False, max_length=20, help_text="`next_after` of the page before: a location's code.")
    limit = bodies.Whole(required=False, default=100, min_value=1, max_value=500)


class LocationDocument(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField([k.value for k in LocationKind])
    capabilities = serializers.ListField(child=serializers.ChoiceField(CAPABILITIES))
    street = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    city = serializers.CharField(allow_blank=True)
    country = serializers.CharField()
    latitude = serializers.FloatField(allow_null=True)
    longitude = serializers.FloatField(allow_null=True)
    time_zone = serializers.CharField()
    opening_hours = serializers.CharField(allow_blank=True, help_text="In OpenStreetMap's opening_hours syntax.")


class LocationsDocument(serializers.Serializer):
    items = LocationDocument(many=True)
    next_after = serializers.CharField(allow_null=True)
