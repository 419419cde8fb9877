"""What the availability part of the API takes and gives."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from inventory.api.serializers import (
    COMING_FROM,
    FARTHEST_KM,
    MOST_LOCATIONS,
    MOST_SKUS_IN_ADDRESS,
    MOST_SKUS_IN_BODY,
    Sku,
)
from inventory.promising.promises import What

MOST_EXPLAINED = 20  # products in one answer; each figure is told part by part


class Skus(serializers.ListField):
    child = Sku()


class Locations(serializers.ListField):
    child = bodies.Text(max_length=20)


class _Near(bodies.StrictSerializer):
    """Where the asker is: a postal code, and how far they would go."""

    country = serializers.RegexField(r"^[A-Z]{2}$", required=False, help_text="ISO 3166-1 code of the postal code: DE.")
    postal_code = bodies.Text(required=False, max_length=12)
    radius_km = bodies.Whole(required=False, min_value=1, max_value=FARTHEST_KM)
    limit = bodies.Whole(
        required=False, min_value=1, max_value=MOST_LOCATIONS, help_text="At most so many locations per product."
    )
    explain = bodies.Whole(
        required=False, default=0, min_value=0, max_value=1,
        help_text=f"1: with a breakdown of every figure and the earliest promises, for up to {MOST_EXPLAINED} products.",
    )  # fmt: skip

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if ("postal_code" in values) != ("country" in values):
            missing = "country" if "postal_code" in values else "postal_code"
            raise serializers.ValidationError({missing: ["Send country and postal_code together."]})
        if "radius_km" in values and "postal_code" not in values:
            raise serializers.ValidationError({"radius_km": ["A radius needs country and postal_code."]})
        if values.get("explain") and len(values.get("sku") or values.get("skus") or ()) > MOST_EXPLAINED:
            raise serializers.ValidationError(
                {"explain": [f"Ask for at most {MOST_EXPLAINED} products to be explained."]}
            )
        return values


class AvailabilityParameters(bodies.QueryParameters, _Near):
    sku = bodies.CommaSeparated(
        child=Sku(), max_length=MOST_SKUS_IN_ADDRESS, min_length=1, help_text="One SKU or several, separated by commas."
    )
    location = bodies.CommaSeparated(required=False, max_length=MOST_LOCATIONS, help_text="Only these location codes.")


class AvailabilityQuery(_Near):
    skus = Skus(min_length=1, max_length=MOST_SKUS_IN_BODY)
    locations = Locations(required=False, min_length=1, max_length=MOST_LOCATIONS)


class ComingDocument(serializers.Serializer):
    expected_on = serializers.DateField()
    quantity = serializers.IntegerField(min_value=1)
    source = serializers.ChoiceField(COMING_FROM)
    is_late = serializers.BooleanField(help_text="It should have come before today; nothing is promised from it.")


class AtDateDocument(serializers.Serializer):
    on = serializers.DateField()
    available = serializers.IntegerField(min_value=0)


class PartDocument(serializers.Serializer):
    what = serializers.ChoiceField([what.value for what in What])
    pieces = serializers.IntegerField(help_text="Gained (+) or lost (−); the parts sum to `available`.")
    text = serializers.CharField()
    rule = serializers.CharField(allow_null=True, help_text="The name of the rule that withholds.")


class EarliestDeliveryDocument(serializers.Serializer):
    ships_by = serializers.DateTimeField()
    arrives_on = serializers.DateField()


class ExplanationDocument(serializers.Serializer):
    parts = PartDocument(many=True)
    earliest_pickup = serializers.DateTimeField(allow_null=True)
    earliest_delivery = EarliestDeliveryDocument(allow_null=True)


class FigureDocument(serializers.Serializer):
    location = serializers.CharField()
    name = serializers.CharField()
    distance_km = serializers.FloatField(allow_null=True)
    available = serializers.IntegerField(
        min_value=0, help_text="On hand − promised to orders − held by baskets − withheld from this channel."
    )
    on_hand = serializers.IntegerField(min_value=0)
    held = serializers.IntegerField(min_value=0, help_text="In other baskets; may come back.")
    withheld = serializers.IntegerField(min_value=0, help_text="Free, but kept back from this channel.")
    backorderable = serializers.IntegerField(
        min_value=0, help_text="Besides, so many may be ordered from goods to come; the order says by when."
    )
    incoming = ComingDocument(many=True, help_text="On its way within ninety days; known within five seconds.")
    available_to_promise_at = AtDateDocument(
        many=True, help_text="What may be had from each day on which something comes, behind those who wait already."
    )
    changed_at = serializers.DateTimeField(help_text="When a movement last changed the figure.")
    version = serializers.IntegerField(min_value=0, help_text="Of the stock level: grows with every journal entry.")
    age_seconds = serializers.FloatField(
        min_value=0, help_text="How old the reading of the ledger was when the answer was written."
    )
    explanation = ExplanationDocument(required=False, help_text="With explain=1.")


class AvailabilityItem(serializers.Serializer):
    sku = serializers.CharField()
    total_available = serializers.IntegerField(
        min_value=0,
        help_text="At all these locations together; less than their sum where orders still wait for a place.",
    )
    total_backorderable = serializers.IntegerField(min_value=0)
    locations = FigureDocument(many=True)


class AvailabilityDocument(serializers.Serializer):
    as_of = serializers.DateTimeField()
    items = AvailabilityItem(many=True)
