"""The documents of sharing: what is withheld from channels, by rule, by measured need, and by guarantee."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from inventory.api.serializers import Sku
from inventory.cascade import MOST_PIECES, Purpose, RuleKind, RuleState

STATES = [state.value for state in RuleState]
KINDS = [kind.value for kind in RuleKind]
PURPOSES = [Purpose.BUFFER.value, Purpose.HOLDBACK.value]


class _ScopeFields(bodies.StrictSerializer):
    channel = bodies.Text(required=False, max_length=40, help_text="A channel's code; left out: all.")
    location = bodies.Text(required=False, max_length=20, help_text="A location's code.")
    group = bodies.Text(
        required=False, max_length=40, help_text="The code of a group of places, instead of a location."
    )
    sku = Sku(required=False)
    category = bodies.Text(required=False, max_length=120, help_text="Instead of a product.")


class SharingFilters(bodies.QueryParameters):
    state = serializers.ChoiceField(STATES, required=False, default=RuleState.ACTIVE.value)


class SharingRuleBody(_ScopeFields):
    name = bodies.Text(max_length=80)
    purpose = serializers.ChoiceField(PURPOSES, required=False, default=Purpose.BUFFER.value)
    kind = serializers.ChoiceField(KINDS)
    amount = bodies.Whole(max_value=MOST_PIECES, help_text="Pieces; of a percentage 1 to 100.")
    priority = serializers.IntegerField(required=False, default=0, min_value=-100, max_value=100)
    starts_at = bodies.Instant(required=False)
    ends_at = bodies.Instant(required=False)
    daily_from = serializers.TimeField(required=False, help_text="By the clock on the wall of the place.")
    daily_until = serializers.TimeField(required=False)


class SharingReasonBody(bodies.StrictSerializer):
    reason = bodies.Text(required=False, default="", allow_blank=True, max_length=200)


class SharingActivateBody(bodies.StrictSerializer):
    words = bodies.Text(
        required=False, default="", allow_blank=True, max_length=80,
        help_text="The rule's name, where the preview says that it withholds everything.",
    )  # fmt: skip


class SharingPolicyBody(_ScopeFields):
    name = bodies.Text(max_length=80)
    minimum = bodies.Whole(max_value=MOST_PIECES)
    maximum = bodies.Whole(max_value=MOST_PIECES)
    factor_percent = bodies.Whole(required=False, default=100, max_value=10_000)
    step_limit = bodies.Whole(required=False, default=1, max_value=MOST_PIECES)
    cool_down_seconds = bodies.Whole(required=False, default=300, max_value=86_400)


class ObligationBody(_ScopeFields):
    name = bodies.Text(max_length=80)
    quantity = bodies.Quantity(max_value=MOST_PIECES)
    starts_at = bodies.Instant()
    ends_at = bodies.Instant()

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if "channel" not in values:
            raise serializers.ValidationError({"channel": ["Name the channel that the pieces are guaranteed to."]})
        return values


class _Scoped(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    channel = serializers.CharField(allow_null=True)
    location = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)
    sku = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_blank=True)


class SharingContradictionDocument(serializers.Serializer):
    how = serializers.CharField(help_text="equal_rank, loosens, or cap_below_cut_off.")
    rule = serializers.IntegerField()
    name = serializers.CharField()
    text = serializers.CharField(
        help_text="What doesn't fit together, and what happens. Retire or change one of the two."
    )


class SharingRuleDocument(_Scoped):
    purpose = serializers.ChoiceField(PURPOSES)
    kind = serializers.ChoiceField(KINDS)
    amount = serializers.IntegerField()
    priority = serializers.IntegerField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    daily_from = serializers.TimeField(allow_null=True)
    daily_until = serializers.TimeField(allow_null=True)
    state = serializers.ChoiceField(STATES)
    preview = serializers.DictField(allow_null=True, help_text="What it would change, as measured at `previewed_at`.")
    previewed_at = serializers.DateTimeField(allow_null=True)
    needs_words = serializers.BooleanField(help_text="It withholds everything: activating needs its name as `words`.")
    contradictions = SharingContradictionDocument(many=True)


class SharingRulesDocument(serializers.Serializer):
    items = SharingRuleDocument(many=True)


class SharingStepDocument(serializers.Serializer):
    id = serializers.UUIDField()
    sku = serializers.CharField()
    location = serializers.CharField()
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    cause = serializers.CharField()
    inputs = serializers.DictField(help_text="The measurements that caused it.")
    stepped_at = serializers.DateTimeField()


class SharingPolicyDocument(_Scoped):
    minimum = serializers.IntegerField()
    maximum = serializers.IntegerField()
    factor_percent = serializers.IntegerField()
    step_limit = serializers.IntegerField()
    cool_down_seconds = serializers.IntegerField()
    state = serializers.ChoiceField(STATES)
    steps = SharingStepDocument(many=True, help_text="The latest, newest first.")


class SharingPoliciesDocument(serializers.Serializer):
    items = SharingPolicyDocument(many=True)


class ObligationDocument(_Scoped):
    quantity = serializers.IntegerField(min_value=1)
    taken = serializers.IntegerField(min_value=0)
    owed = serializers.IntegerField(min_value=0, help_text="What the other channels don't see because of it.")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class ObligationsDocument(serializers.Serializer):
    items = ObligationDocument(many=True)
