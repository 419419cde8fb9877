"""The documents of reconciling: what a source says, what came of it, and what differs."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from inventory.api.serializers import Sku
from inventory.reconciliation import discrepancy_lists, statements
from inventory.reconciling import Cause, Decision, DiscrepancyKind, DiscrepancyState, Meaning
from inventory.stock import Condition

LARGEST_PAGE = discrepancy_lists.MOST_LISTED


class StatementLine(bodies.StrictSerializer):
    """A product by its SKU, or by a barcode that may stand for several pieces."""

    sku = Sku(required=False)
    gtin = bodies.Text(required=False, max_length=20)
    quantity = bodies.Whole(
        min_value=-1_000_000,
        max_value=1_000_000,
        help_text="What the source has, as it has it, also below zero; with a case-pack GTIN: packs.",
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if ("sku" in values) == ("gtin" in values):
            raise serializers.ValidationError({"sku": ["Send either sku or gtin."]})
        return values


class StatementBody(bodies.StrictSerializer):
    source = bodies.Text(max_length=40, help_text="The code under which your figures were agreed on.")
    id = bodies.Text(max_length=64, help_text="Your own id of this statement: the same again gets the same answer.")
    location = bodies.Text(
        required=False, max_length=20, help_text="Left out: what your channel shows for all places together."
    )
    meaning = serializers.ChoiceField([m.value for m in Meaning], help_text="What the figures count.")
    condition = serializers.ChoiceField(
        [c.value for c in Condition if c is not Condition.IN_TRANSIT],
        required=False,
        default=Condition.SELLABLE.value,
    )
    as_of = bodies.Instant(help_text="When the figures were true. Never older than your last statement of this place.")
    sequence = bodies.Whole(required=False, help_text="A number that only grows, if you have one.")
    is_last = serializers.BooleanField(
        required=False,
        default=False,
        help_text="All parts as of this instant are sent: what none of them named is not there.",
    )
    lines = StatementLine(many=True, min_length=1, max_length=statements.MOST_LINES)


class StatedDifference(serializers.Serializer):
    discrepancy = serializers.UUIDField()
    sku = serializers.CharField()
    ours = serializers.IntegerField()
    theirs = serializers.IntegerField()
    difference = serializers.IntegerField(help_text="Theirs − ours.")
    suggested_cause = serializers.ChoiceField([c.value for c in Cause if c.value], allow_null=True)
    decision = serializers.ChoiceField([d.value for d in Decision], help_text="Who is right, as agreed.")


class RejectedLine(serializers.Serializer):
    field = serializers.CharField()
    value = serializers.CharField()
    message = serializers.CharField()


class StatementDocument(serializers.Serializer):
    compared = serializers.IntegerField(min_value=0)
    agreeing = serializers.IntegerField(min_value=0)
    settled = serializers.IntegerField(min_value=0, help_text="Earlier differences that are gone.")
    too_early = serializers.IntegerField(
        min_value=0, help_text="Not compared: we told you a newer figure after yours was read."
    )
    not_named = serializers.IntegerField(min_value=0, help_text="Products of ours that a complete statement left out.")
    differences = StatedDifference(many=True)
    rejected = RejectedLine(many=True, help_text="Lines that name no product; the others were read.")


class DiscrepancyParameters(bodies.QueryParameters):
    location = bodies.Text(required=False, max_length=20)
    source = bodies.Text(required=False, max_length=40)
    sku = Sku(required=False)
    kind = serializers.ChoiceField([k.value for k in DiscrepancyKind], required=False)
    state = serializers.ChoiceField(
        [s.value for s in DiscrepancyState], required=False, default=DiscrepancyState.OPEN.value
    )
    after = serializers.UUIDField(required=False, help_text="`next_after` of the page before.")
    limit = bodies.Whole(required=False, default=100, min_value=1, max_value=LARGEST_PAGE)


class DiscrepancyDocument(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField([k.value for k in DiscrepancyKind])
    state = serializers.ChoiceField([s.value for s in DiscrepancyState])
    sku = serializers.CharField()
    location = serializers.CharField(allow_null=True)
    condition = serializers.ChoiceField([c.value for c in Condition])
    meaning = serializers.ChoiceField([m.value for m in Meaning])
    expected = serializers.IntegerField(help_text="By our books, as of the moment of the figure.")
    found = serializers.IntegerField(help_text="By the source.")
    repaired = serializers.IntegerField(help_text="Booked since to bring the two together.")
    left = serializers.IntegerField(help_text="found − expected − repaired")
    value_minor = serializers.IntegerField(allow_null=True, help_text="Worth of what is left, where it is known.")
    currency = serializers.CharField(allow_blank=True)
    source = serializers.CharField()
    as_of = serializers.DateTimeField()
    since = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    suggested_cause = serializers.ChoiceField([c.value for c in Cause if c.value], allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)


class DiscrepanciesDocument(serializers.Serializer):
    items = DiscrepancyDocument(many=True)
    next_after = serializers.UUIDField(allow_null=True)
