"""What the supply part of the API takes and gives."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from commerce.api.paging import PageParameters
from inventory.api.serializers import COMING_FROM, MOST_LOCATIONS, MOST_SKUS_IN_ADDRESS, Sku
from inventory.procurement import checks, goods_in, purchase_orders
from inventory.purchasing import PurchaseOrderSource, PurchaseOrderState
from inventory.stock import Condition

ARRIVING = [c.value for c in Condition if c is not Condition.IN_TRANSIT]
ACTIONS = ["change", "approve", "order", "receive", "close", "cancel"]


class _Goods(bodies.StrictSerializer):
    """A product by its SKU, or by a barcode that may stand for several pieces."""

    sku = Sku(required=False)
    gtin = bodies.Text(required=False, max_length=20)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if ("sku" in values) == ("gtin" in values):
            raise serializers.ValidationError({"sku": ["Send either sku or gtin."]})
        return values


class OrderLineBody(_Goods):
    quantity = bodies.Quantity(help_text="Pieces; with a case-pack GTIN: packs.")
    expected_on = serializers.DateField(
        required=False, help_text="Default: when the supplier's calendar delivers next."
    )
    unit_cost_minor = bodies.Whole(
        required=False,
        max_value=checks.LARGEST_AMOUNT,
        help_text="Of one piece; default: the supplier's terms.",
    )


class PurchaseOrderBody(bodies.StrictSerializer):
    supplier = bodies.Text(max_length=40, help_text="Its code.")
    location = bodies.Text(max_length=20)
    lines = OrderLineBody(many=True, min_length=1, max_length=checks.MOST_LINES)
    reference = bodies.Text(required=False, default="", allow_blank=True, max_length=purchase_orders.LONGEST_REFERENCE)
    note = bodies.Text(required=False, default="", allow_blank=True, max_length=purchase_orders.LONGEST_NOTE)


class LinesBody(bodies.StrictSerializer):
    lines = OrderLineBody(many=True, min_length=1, max_length=checks.MOST_LINES)


class ReasonBody(bodies.StrictSerializer):
    reason = bodies.Text(max_length=purchase_orders.LONGEST_NOTE)


class DeliveredLine(_Goods):
    quantity = bodies.Quantity(help_text="Pieces; with a case-pack GTIN: packs.")
    condition = serializers.ChoiceField(ARRIVING, required=False, default=Condition.SELLABLE.value)


class DeliveryBody(bodies.StrictSerializer):
    lines = DeliveredLine(many=True, min_length=1, max_length=goods_in.MOST_LINES)
    occurred_at = bodies.Instant(required=False, help_text="When they came; default now.")


class AnnouncementBody(bodies.StrictSerializer):
    location = bodies.Text(max_length=20)
    lines = OrderLineBody(many=True, min_length=1, max_length=checks.MOST_LINES)
    as_of = bodies.Instant(required=False, help_text="How new this word is: an older one than the last is refused.")
    ordered_at = bodies.Instant(required=False, help_text="When it was ordered; lead times are learned from it.")
    note = bodies.Text(required=False, default="", allow_blank=True, max_length=purchase_orders.LONGEST_NOTE)


class CallOffBody(ReasonBody):
    as_of = bodies.Instant(required=False)


class PurchaseOrderFilters(PageParameters):
    state = bodies.CommaSeparated(
        child=serializers.ChoiceField([s.value for s in PurchaseOrderState]), required=False, max_length=7
    )
    location = bodies.CommaSeparated(required=False, max_length=MOST_LOCATIONS)
    supplier = bodies.Text(required=False, max_length=40)
    reference = bodies.Text(required=False, max_length=purchase_orders.LONGEST_REFERENCE)


class SupplierParameters(bodies.QueryParameters):
    after = bodies.Text(required=False, max_length=40, help_text="`next_after` of the page before: a supplier's code.")
    limit = bodies.Whole(required=False, default=100, min_value=1, max_value=500)


class IncomingParameters(bodies.QueryParameters):
    sku = bodies.CommaSeparated(child=Sku(), min_length=1, max_length=MOST_SKUS_IN_ADDRESS)
    location = bodies.CommaSeparated(required=False, max_length=MOST_LOCATIONS)
    until = serializers.DateField(required=False, help_text="Expected up to and with this day.")


# --- documents ------------------------------------------------------------------------------------------------------


class PurchaseOrderLineDocument(serializers.Serializer):
    number = serializers.IntegerField(min_value=1)
    sku = serializers.CharField()
    quantity = serializers.IntegerField(min_value=0, help_text="Ordered; 0 came without having been.")
    received = serializers.IntegerField(min_value=0, help_text="In any condition.")
    expected_on = serializers.DateField()
    unit_cost_minor = serializers.IntegerField(min_value=0, allow_null=True)


class PurchaseOrderDocument(serializers.Serializer):
    id = serializers.UUIDField()
    number = serializers.CharField()
    supplier = serializers.CharField()
    location = serializers.CharField()
    state = serializers.ChoiceField([s.value for s in PurchaseOrderState])
    source = serializers.ChoiceField([s.value for s in PurchaseOrderSource])
    reference = serializers.CharField(allow_blank=True)
    currency = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True, help_text="Why it was closed short or cancelled.")
    version = serializers.IntegerField(min_value=1, help_text="Grows with every change.")
    created_at = serializers.DateTimeField()
    approved_at = serializers.DateTimeField(allow_null=True)
    ordered_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    allowed_actions = serializers.ListField(child=serializers.ChoiceField(ACTIONS))
    lines = PurchaseOrderLineDocument(many=True)


class OverDocument(serializers.Serializer):
    sku = serializers.CharField()
    over = serializers.IntegerField(min_value=1, help_text="Pieces beyond what was ordered; a discrepancy now.")


class DeliveryDocument(serializers.Serializer):
    booked_lines = serializers.IntegerField(min_value=0)
    over = OverDocument(many=True)
    order = PurchaseOrderDocument()


class ClosureDocument(serializers.Serializer):
    first_day = serializers.DateField()
    last_day = serializers.DateField()


class LeadTimeDocument(serializers.Serializer):
    mean_days = serializers.FloatField()
    deviation_days = serializers.FloatField(min_value=0)
    deliveries = serializers.IntegerField(min_value=1, help_text="Lines that this was learned from.")


class NextDeliveryDocument(serializers.Serializer):
    order_on = serializers.DateField()
    order_by = serializers.DateTimeField()
    delivered_on = serializers.DateField()


class SupplierDocument(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    country = serializers.CharField()
    minimum_order_minor = serializers.IntegerField(min_value=0)
    lead_time_days = serializers.IntegerField(min_value=0, help_text="As agreed.")
    order_weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7), help_text="None: any."
    )
    delivery_weekdays = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=7))
    closures = ClosureDocument(many=True)
    learned_lead_time = LeadTimeDocument(allow_null=True, help_text="From the deliveries of the last year.")
    next_delivery = NextDeliveryDocument(allow_null=True, help_text="Of an order given now.")


class SuppliersDocument(serializers.Serializer):
    items = SupplierDocument(many=True)
    next_after = serializers.CharField(allow_null=True)


class IncomingItem(serializers.Serializer):
    sku = serializers.CharField()
    location = serializers.CharField()
    expected_on = serializers.DateField(help_text="In the past: late.")
    quantity = serializers.IntegerField(min_value=1, help_text="Pieces still to come.")
    source = serializers.ChoiceField(COMING_FROM)
    reference = serializers.CharField(help_text="The order's or transfer's id.")


class IncomingDocument(serializers.Serializer):
    as_of = serializers.DateTimeField()
    items = IncomingItem(many=True)
