"""What the replenishment part of the API takes and gives."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from commerce.api.paging import PageParameters
from inventory.api.serializers import Sku
from inventory.replenishing import ProposalKind, ProposalState
from inventory.replenishment import proposals, rules

KINDS = [kind.value for kind in ProposalKind]
STATES = [state.value for state in ProposalState]


class Number(serializers.FloatField):
    """A JSON number, whole or not."""

    def to_internal_value(self, data: Any) -> float:
        if type(data) not in (int, float):
            raise serializers.ValidationError("A number is expected.")
        return float(super().to_internal_value(data))


class ProposalParameters(PageParameters):
    state = serializers.ChoiceField(STATES, required=False, default=ProposalState.PROPOSED.value)
    kind = serializers.ChoiceField(KINDS, required=False)
    location = bodies.Text(required=False, max_length=20, help_text="Only proposals for this location.")


class ApprovedItem(bodies.StrictSerializer):
    id = serializers.UUIDField()
    quantity = bodies.Quantity(required=False, help_text="Instead of what was proposed.")


class ApproveBody(bodies.StrictSerializer):
    items = ApprovedItem(many=True, min_length=1, max_length=proposals.MOST_AT_ONCE)


class DismissBody(bodies.StrictSerializer):
    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=proposals.MOST_AT_ONCE)
    reason = bodies.Text(max_length=200)


class OrderedItem(bodies.StrictSerializer):
    id = serializers.UUIDField()
    reference = bodies.Text(max_length=64, help_text="What was ordered elsewhere: its number there.")


class OrderedBody(bodies.StrictSerializer):
    items = OrderedItem(many=True, min_length=1, max_length=proposals.MOST_AT_ONCE)


class ProposalDocument(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(KINDS)
    state = serializers.ChoiceField(STATES)
    sku = serializers.CharField()
    location = serializers.CharField()
    from_location = serializers.CharField(allow_null=True)
    supplier = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField(min_value=1)
    order_on = serializers.DateField()
    expected_on = serializers.DateField()
    rule = serializers.IntegerField()
    inputs = serializers.DictField(help_text="Every number that it was worked out from, as of `made_at`.")
    made_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    order_reference = serializers.CharField(
        allow_blank=True, help_text="The id of the purchase order or transfer that it became."
    )


class ProposalsDocument(serializers.Serializer):
    items = ProposalDocument(many=True)


class _RuleFields(bodies.StrictSerializer):
    sku = Sku(required=False, allow_null=True)
    category = bodies.Text(required=False, allow_blank=True, max_length=120)
    location = bodies.Text(required=False, allow_null=True, max_length=20)
    is_active = serializers.BooleanField(required=False)
    reorder_point = bodies.Whole(required=False, allow_null=True, max_value=rules.MOST_PIECES)
    target_level = bodies.Whole(required=False, allow_null=True, max_value=rules.MOST_PIECES)
    safety_stock = bodies.Whole(required=False, max_value=rules.MOST_PIECES)
    service_level_percent = Number(required=False, help_text="50 to 99.9.")
    review_days = bodies.Whole(required=False, max_value=rules.MOST_DAYS)
    lead_time_days = Number(
        required=False,
        help_text="Counts until enough deliveries are known. The calendar of a supplier that we know replaces it.",
    )
    lead_time_deviation_days = Number(required=False)
    lot_size = bodies.Quantity(required=False)
    case_pack = bodies.Quantity(required=False)
    minimum_order = bodies.Quantity(required=False)
    supplier = bodies.Text(required=False, allow_blank=True, max_length=40, help_text="Its code.")
    order_weekdays = serializers.ListField(
        child=bodies.Whole(min_value=1, max_value=7), required=False, max_length=7, help_text="ISO: 1 is Monday."
    )
    closed_from = serializers.DateField(required=False, allow_null=True)
    closed_until = serializers.DateField(required=False, allow_null=True)
    channel_priorities = serializers.DictField(
        child=bodies.Whole(min_value=1, max_value=rules.LOWEST_PRIORITY), required=False,
        help_text="Channel code → 1 (served first when goods are scarce) to 9.",
    )  # fmt: skip
    transfer_radius_km = bodies.Whole(required=False, max_value=rules.MOST_KM)


class RuleBody(_RuleFields):
    name = bodies.Text(max_length=120)


class RuleChangeBody(_RuleFields):
    name = bodies.Text(required=False, max_length=120)


class RuleDocument(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    sku = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_blank=True)
    location = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)
    is_active = serializers.BooleanField()
    reorder_point = serializers.IntegerField(allow_null=True)
    target_level = serializers.IntegerField(allow_null=True)
    safety_stock = serializers.IntegerField()
    service_level_percent = serializers.FloatField()
    review_days = serializers.IntegerField()
    lead_time_days = serializers.FloatField()
    lead_time_deviation_days = serializers.FloatField()
    lot_size = serializers.IntegerField()
    case_pack = serializers.IntegerField()
    minimum_order = serializers.IntegerField()
    supplier = serializers.CharField(allow_blank=True)
    order_weekdays = serializers.ListField(child=serializers.IntegerField())
    closed_from = serializers.DateField(allow_null=True)
    closed_until = serializers.DateField(allow_null=True)
    channel_priorities = serializers.DictField(child=serializers.IntegerField())
    transfer_radius_km = serializers.IntegerField()


class RulesDocument(serializers.Serializer):
    items = RuleDocument(many=True)


class PromotionBody(bodies.StrictSerializer):
    name = bodies.Text(max_length=120)
    sku = Sku(required=False)
    category = bodies.Text(required=False, default="", allow_blank=True, max_length=120)
    factor = Number(help_text="How many times as much is sold: above 0, at most 50.")
    first_day = serializers.DateField()
    last_day = serializers.DateField()


class PromotionDocument(serializers.Serializer):
    id = serializers.IntegerField()


class NotedPromotion(PromotionDocument):
    name = serializers.CharField()
    sku = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_blank=True)
    factor = serializers.FloatField()
    first_day = serializers.DateField()
    last_day = serializers.DateField()


class PromotionsDocument(serializers.Serializer):
    items = NotedPromotion(many=True)
