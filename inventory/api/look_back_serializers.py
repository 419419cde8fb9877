"""The documents of looking back: levels at a moment of the past, and the journal of a product at a place."""

from rest_framework import serializers

from commerce.api import bodies
from inventory import timeline
from inventory.api.serializers import MOST_LOCATIONS, MOST_SKUS_IN_ADDRESS, Sku
from inventory.stock import Condition, Counterparty, EntryKind


class HistoryParameters(bodies.QueryParameters):
    sku = bodies.CommaSeparated(
        child=Sku(), max_length=MOST_SKUS_IN_ADDRESS, min_length=1, help_text="One SKU or several, separated by commas."
    )
    location = bodies.CommaSeparated(
        max_length=MOST_LOCATIONS, min_length=1, help_text="One location code or several, separated by commas."
    )
    at = bodies.Instant(help_text="The moment of the past, with its offset.")
    condition = serializers.ChoiceField([c.value for c in Condition], required=False, default=Condition.SELLABLE.value)


class SnapshotDocument(serializers.Serializer):
    sku = serializers.CharField()
    location = serializers.CharField()
    condition = serializers.ChoiceField([c.value for c in Condition])
    on_hand = serializers.IntegerField(
        help_text="What was there in the world: late reports count from when it happened."
    )
    allocated = serializers.IntegerField()
    held = serializers.IntegerField(help_text="In baskets, expired ones included until they were swept.")
    version = serializers.IntegerField(min_value=0, help_text="The last journal entry recorded by then; 0 for none.")


class HistoryDocument(serializers.Serializer):
    at = serializers.DateTimeField()
    items = SnapshotDocument(many=True)


class TimelineParameters(bodies.QueryParameters):
    location = bodies.Text(max_length=20, help_text="A location's code.")
    sku = Sku(required=False, help_text="Only this product; without it the whole location.")
    kind = bodies.CommaSeparated(
        child=serializers.ChoiceField([k.value for k in EntryKind]), required=False, max_length=16
    )
    condition = serializers.ChoiceField([c.value for c in Condition], required=False)
    since = bodies.Instant(required=False, help_text="Recorded at or after this moment.")
    until = bodies.Instant(required=False, help_text="Recorded before this moment.")
    limit = bodies.Whole(required=False, default=timeline.PAGE, min_value=1, max_value=timeline.LARGEST_PAGE)
    cursor = bodies.Text(required=False, max_length=100, help_text="`next_cursor` of the page before; opaque.")


class EntryDocument(serializers.Serializer):
    id = serializers.UUIDField()
    sku = serializers.CharField()
    condition = serializers.ChoiceField([c.value for c in Condition])
    version = serializers.IntegerField(min_value=1)
    kind = serializers.ChoiceField([k.value for k in EntryKind])
    on_hand_delta = serializers.IntegerField()
    allocated_delta = serializers.IntegerField()
    held_delta = serializers.IntegerField()
    on_hand_after = serializers.IntegerField()
    allocated_after = serializers.IntegerField()
    held_after = serializers.IntegerField()
    counterparty = serializers.ChoiceField(["", *(c.value for c in Counterparty)])
    transfer_id = serializers.UUIDField(allow_null=True)
    corrects = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    cause_type = serializers.CharField(allow_blank=True)
    cause_id = serializers.CharField(allow_blank=True)
    source = serializers.CharField(allow_blank=True)
    occurred_at = serializers.DateTimeField(help_text="When it happened in the world.")
    recorded_at = serializers.DateTimeField(help_text="When the ledger heard of it.")


class TimelineDocument(serializers.Serializer):
    location = serializers.CharField()
    items = EntryDocument(many=True)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Where older entries go on; a page may be empty and still have one."
    )
