"""What goes in and out of the doors to drafts and versions of the rules."""

from typing import Any

from rest_framework import serializers

from commerce.api.bodies import Instant, QueryParameters, StrictSerializer, Text, Whole
from commerce.api.paging import LONGEST_CURSOR
from pricing import drafts
from pricing.approving import Action, Standing, State
from pricing.conflicts import Code, Severity
from pricing.differences import Kind
from pricing.simulation_states import SimulationState

STATES = [one.value for one in State]
ACTIONS = [one.value for one in Action]
STANDINGS = [one.value for one in Standing]
CODES = [one.value for one in Code]
SEVERITIES = [one.value for one in Severity]
KINDS = [one.value for one in Kind]
SIMULATION_STATES = [one.value for one in SimulationState]
MOST_LISTED = 100
CONTENT = (
    "promotions [{id, name, benefit {kind, …}, goods, conditions, limits, group, priority, phase, …}], stacking {groups, caps, "
    "margin floor}, policy, tax_rounding; what is as usual is left out."
)


class PromotionDraftBody(StrictSerializer):
    title = Text(max_length=drafts.LONGEST_TITLE)
    of_number = Whole(required=False, min_value=1, help_text="Begin with what this version says: a way back to it.")


class DraftChanges(StrictSerializer):
    title = Text(max_length=drafts.LONGEST_TITLE, required=False)
    content = serializers.JSONField(required=False, help_text=CONTENT)
    effective_from = Instant(required=False, allow_null=True, help_text="Null: as soon as it is published.")
    effective_to = Instant(required=False, allow_null=True, help_text="Null: until the next version.")
    note = Text(max_length=drafts.LONGEST_NOTE, required=False, allow_blank=True)
    answers = serializers.JSONField(required=False, help_text="Reasons for warnings, by the `key` of the finding.")


class DraftStepBody(StrictSerializer):
    reason = Text(max_length=drafts.LONGEST_ANSWER, required=False, default="", allow_blank=True)


class DraftDecisionBody(StrictSerializer):
    submission = Whole(min_value=1, help_text="The submission that was looked at.")
    reason = Text(max_length=drafts.LONGEST_ANSWER, required=False, default="", allow_blank=True)


class SpanOfBaskets(StrictSerializer):
    since = Instant(required=False, help_text="Baskets bought from then on; default 28 days before `until`.")
    until = Instant(required=False, help_text="Baskets bought before then; default now.")


class DraftParameters(QueryParameters):
    state = serializers.ChoiceField(STATES, required=False)
    limit = Whole(required=False, default=50, min_value=1, max_value=MOST_LISTED)
    cursor = serializers.CharField(
        required=False, max_length=LONGEST_CURSOR, help_text="`next_cursor` of the page before; opaque."
    )


class VersionParameters(QueryParameters):
    before = Whole(required=False, min_value=1, help_text="Only versions before this one.")
    limit = Whole(required=False, default=50, min_value=1, max_value=MOST_LISTED)


class DraftRow(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    state = serializers.ChoiceField(STATES)
    revision = serializers.IntegerField()
    submission = serializers.IntegerField()
    effective_from = serializers.DateTimeField(allow_null=True)
    effective_to = serializers.DateTimeField(allow_null=True)
    author = serializers.CharField()
    changed_at = serializers.DateTimeField()


class DraftDocument(DraftRow):
    content = serializers.DictField(help_text=CONTENT)
    note = serializers.CharField()
    answers = serializers.DictField()
    base_number = serializers.IntegerField(allow_null=True)
    of_number = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField(allow_null=True, help_text="What it became.")
    emergency_number = serializers.IntegerField(allow_null=True, help_text="The version that holds meanwhile.")
    missing = serializers.DictField(help_text="Approvals that are still needed, by rank.")
    allowed_actions = serializers.ListField(child=serializers.ChoiceField(ACTIONS))


class DraftsDocument(serializers.Serializer[Any]):
    items = DraftRow(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    next = serializers.CharField(allow_null=True)


class PromotionFindingDocument(serializers.Serializer[Any]):
    key = serializers.CharField()
    code = serializers.ChoiceField(CODES)
    severity = serializers.ChoiceField(SEVERITIES)
    promotions = serializers.ListField(child=serializers.CharField())
    facts = serializers.DictField()
    answer = serializers.CharField()


class LookedAtDocument(serializers.Serializer[Any]):
    """Which announced percentages were held against prices of the past: on what channels, of how many products."""

    channels = serializers.ListField(child=serializers.CharField(), help_text="That the percentages reach.")
    products = serializers.IntegerField()
    pasts = serializers.IntegerField(help_text="Of a product on a channel.")
    left_out = serializers.IntegerField(help_text="Pasts that were not looked at yet; submitting looks at all of them.")


class PromotionFindingsDocument(serializers.Serializer[Any]):
    findings = PromotionFindingDocument(many=True)
    is_submittable = serializers.BooleanField()
    claims = LookedAtDocument()


class ChangedFieldDocument(serializers.Serializer[Any]):
    path = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class PromotionChangeDocument(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(KINDS)
    promotion = serializers.CharField()
    name = serializers.CharField()
    fields = ChangedFieldDocument(many=True)


class DifferencesDocument(serializers.Serializer[Any]):
    beside = serializers.IntegerField(allow_null=True, help_text="The version in force.")
    changes = PromotionChangeDocument(many=True)
    settings = ChangedFieldDocument(many=True)


class PromotionSimulationDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    draft = serializers.UUIDField()
    revision = serializers.IntegerField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    state = serializers.ChoiceField(SIMULATION_STATES)
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    result = serializers.DictField(allow_null=True)
    problem = serializers.CharField()
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class PromotionSimulationsDocument(serializers.Serializer[Any]):
    items = PromotionSimulationDocument(many=True)


class VersionRow(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    note = serializers.CharField()
    of_number = serializers.IntegerField(allow_null=True)
    standing = serializers.ChoiceField(STANDINGS)
    effective_from = serializers.DateTimeField()
    effective_to = serializers.DateTimeField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    published_by = serializers.CharField()
    published_at = serializers.DateTimeField()


class RulesetVersionDocument(VersionRow):
    content = serializers.DictField(help_text=CONTENT)


class RulesetVersionsDocument(serializers.Serializer[Any]):
    items = VersionRow(many=True)
    next_before = serializers.IntegerField(allow_null=True)
