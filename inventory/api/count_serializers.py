"""What the part of the API about counts takes and gives. Nothing of it holds a figure of the books."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from inventory.api.serializers import Sku
from inventory.counting import CountAction, CountKind, CountMode, CountState, FindingKind, Missing
from inventory.stock import Condition
from inventory.stocktaking import counts, figures

COUNTABLE = [(one.value, one.value) for one in Condition if one is not Condition.IN_TRANSIT]
KINDS = [(kind.value, kind.value) for kind in CountKind]
STATES = [(state.value, state.value) for state in CountState]
ACTIONS = [(action.value, action.value) for action in CountAction]
MOST_ITEMS = 500


class CountBody(bodies.StrictSerializer):
    location = bodies.Text(max_length=20)
    kind = serializers.ChoiceField(
        KINDS, help_text="`directed` without `skus` takes what the location's rules say is due."
    )
    skus = serializers.ListField(child=Sku(), required=False, min_length=1, max_length=MOST_ITEMS)
    shelf = bodies.Text(required=False, default="", allow_blank=True, max_length=20)
    category = bodies.Text(required=False, default="", allow_blank=True, max_length=120)
    condition = serializers.ChoiceField(COUNTABLE, required=False, default=Condition.SELLABLE.value)
    note = bodies.Text(required=False, default="", allow_blank=True, max_length=counts.LONGEST_NOTE)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        kind = values["kind"]
        if "skus" in values and kind != CountKind.DIRECTED.value:
            raise serializers.ValidationError({"skus": ["Only a directed count names its products."]})
        for field, of in (("shelf", CountKind.SHELF), ("category", CountKind.CATEGORY)):
            if bool(values[field]) != (kind == of.value):
                raise serializers.ValidationError(
                    {field: [f"A count of kind {of.value} has a {field}, no other one has."]}
                )
        return values


class CountFilters(bodies.QueryParameters):
    location = bodies.Text(required=False, max_length=20)
    state = bodies.CommaSeparated(child=serializers.ChoiceField(STATES), required=False)


class CountParameters(bodies.QueryParameters):
    station = bodies.Text(required=False, default="", allow_blank=True, max_length=figures.LONGEST_STATION)


class CountedFigureBody(bodies.StrictSerializer):
    id = serializers.UUIDField(help_text="Minted by the device for this figure; sent again it counts once.")
    code = bodies.Text(max_length=figures.LONGEST_TEXT, help_text="As it was scanned: a barcode or an SKU.")
    quantity = bodies.Whole(
        required=False,
        default=1,
        max_value=figures.MOST_PIECES,
        help_text="Pieces; with a case-pack GTIN: packs.",
    )
    mode = serializers.ChoiceField(
        [(mode.value, mode.value) for mode in CountMode],
        required=False,
        default=CountMode.ADD.value,
        help_text="`replace` ends what this station counted of the product before.",
    )
    counted_at = bodies.Instant(help_text="By the device's clock.")


class CountRecordsBody(bodies.StrictSerializer):
    station = bodies.Text(
        required=False, default="", allow_blank=True, max_length=figures.LONGEST_STATION,
        help_text="Which device or person of this channel; each replaces only its own figures.",
    )  # fmt: skip
    sent_at = bodies.Instant(required=False, help_text="By the device's clock, now: it shows how wrong that clock is.")
    records = CountedFigureBody(many=True, min_length=1, max_length=figures.MOST_AT_ONCE)


class CountHandInBody(bodies.StrictSerializer):
    missing = serializers.ChoiceField(
        [(one.value, one.value) for one in Missing],
        required=False,
        default=Missing.LEAVE.value,
        help_text="What is said of products that nobody counted: `none` says that they were looked for and are not here.",
    )


class CountCancelBody(bodies.StrictSerializer):
    reason = bodies.Text(max_length=200)


class CountProgressDocument(serializers.Serializer):
    wanted = serializers.IntegerField(min_value=0, help_text="Products that were wanted from the start.")
    done = serializers.IntegerField(min_value=0, help_text="Of these, counted by somebody.")
    more = serializers.IntegerField(min_value=0, help_text="Products that came up besides.")
    in_review = serializers.IntegerField(min_value=0)
    findings = serializers.IntegerField(
        min_value=0, help_text="What nobody could take as a count and waits for a person."
    )


class CountDocument(serializers.Serializer):
    id = serializers.UUIDField()
    number = serializers.CharField()
    location = serializers.CharField()
    kind = serializers.ChoiceField(KINDS)
    condition = serializers.ChoiceField(COUNTABLE)
    shelf = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(STATES)
    opened_at = serializers.DateTimeField()
    handed_in_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    progress = CountProgressDocument()
    allowed_actions = serializers.ListField(child=serializers.ChoiceField(ACTIONS))


class CountsDocument(serializers.Serializer):
    items = CountDocument(many=True)


class CountToDoDocument(serializers.Serializer):
    sku = serializers.CharField()
    name = serializers.CharField()
    gtins = serializers.ListField(child=serializers.CharField())
    shelves = serializers.ListField(child=serializers.CharField())
    is_again = serializers.BooleanField(help_text="It is to be counted anew, from nothing.")


class CountOwnDocument(serializers.Serializer):
    sku = serializers.CharField()
    quantity = serializers.IntegerField(min_value=0)


class CountSheetDocument(CountDocument):
    to_count = CountToDoDocument(many=True)
    to_count_total = serializers.IntegerField(min_value=0)
    own = CountOwnDocument(many=True, help_text="What this station counted last, the newest first.")


class CountedFigureDocument(serializers.Serializer):
    id = serializers.UUIDField()
    outcome = serializers.ChoiceField([(one.value, one.value) for one in figures.Outcome])
    sku = serializers.CharField(allow_null=True)
    pieces = serializers.IntegerField(min_value=0)
    finding = serializers.ChoiceField([(one.value, one.value) for one in FindingKind], allow_null=True)
    message = serializers.CharField(allow_blank=True)


class CountRecordsDocument(serializers.Serializer):
    results = CountedFigureDocument(many=True)
    progress = CountProgressDocument()


class CountHandedInDocument(CountDocument):
    posted = serializers.IntegerField(min_value=0, help_text="Products whose difference was booked at once.")
    right = serializers.IntegerField(min_value=0)
    overtaken = serializers.IntegerField(
        min_value=0, help_text="A newer count or correction stands; nothing was booked."
    )
