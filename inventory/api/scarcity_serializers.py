"""The documents of scarcity: what may be shown, and its proof."""

from typing import Any

from rest_framework import serializers

from commerce.api import bodies
from inventory.api.serializers import Sku
from inventory.scarcity import messages, words
from inventory.scarcity_facts import Kind, Tone

KINDS = [kind.value for kind in Kind]
UNIT = "Your reference of who reads it, for experiments: no address. It is hashed and kept nowhere."


class MessagesBody(bodies.StrictSerializer):
    skus = serializers.ListField(child=Sku(), min_length=1, max_length=messages.MOST_PRODUCTS)
    locale = serializers.ChoiceField(words.LOCALES)
    location = bodies.Text(required=False, max_length=20, help_text="A location's code.")
    group = bodies.Text(required=False, max_length=40, help_text="The code of a group of places, such as a region.")
    country = bodies.Text(required=False, max_length=2, min_length=2)
    postal_code = bodies.Text(required=False, max_length=12, help_text="With country: the location next to it.")
    unit = bodies.Text(required=False, default="", allow_blank=True, max_length=120, help_text=UNIT)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if sum(name in values for name in ("location", "group", "postal_code")) > 1:
            raise serializers.ValidationError({"location": ["Send one of location, group and postal_code, or none."]})
        if ("country" in values) != ("postal_code" in values):
            raise serializers.ValidationError({"postal_code": ["Send country and postal_code together."]})
        return values


class ScarcityMessage(serializers.Serializer):
    claim = serializers.UUIDField(help_text="Under this id it can be proven later.")
    sku = serializers.CharField()
    kind = serializers.ChoiceField(KINDS)
    tone = serializers.ChoiceField([tone.value for tone in Tone])
    text = serializers.CharField()
    count = serializers.IntegerField(allow_null=True, help_text="The number in the text, if there is one.")
    as_of = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(help_text="Show it no longer than that.")
    variant = serializers.CharField(help_text="Of an experiment; empty without one.")


class MessagesDocument(serializers.Serializer):
    place = serializers.CharField(help_text="location:CODE, group:CODE or all.")
    as_of = serializers.DateTimeField()
    items = ScarcityMessage(many=True, help_text="Products of which nothing can be said honestly are missing.")


class ProvenLevel(serializers.Serializer):
    level = serializers.IntegerField()
    sku = serializers.CharField(help_text="Of a kit: what is in it.")
    location = serializers.CharField()
    pieces = serializers.IntegerField(help_text="Of these goods, in one of what the message is about.")
    version = serializers.IntegerField()
    is_here = serializers.BooleanField()
    on_hand = serializers.IntegerField()
    allocated = serializers.IntegerField()
    held = serializers.IntegerField()
    withheld = serializers.IntegerField(help_text="As the claim recorded it.")
    waiting = serializers.IntegerField(help_text="As the claim recorded it.")
    available = serializers.IntegerField()
    said = serializers.IntegerField()
    recorded_at = serializers.DateTimeField()
    was_newest = serializers.BooleanField()


class ClaimDocument(serializers.Serializer):
    claim = serializers.UUIDField()
    sku = serializers.CharField()
    place = serializers.CharField()
    kind = serializers.ChoiceField(KINDS)
    tone = serializers.ChoiceField([tone.value for tone in Tone])
    locale = serializers.CharField()
    text = serializers.CharField()
    as_of = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()
    age_seconds = serializers.IntegerField()
    is_true = serializers.BooleanField(help_text="By what could be known when it was said.")
    is_true_in_hindsight = serializers.BooleanField(help_text="With everything that was reported late.")
    faults = serializers.ListField(child=serializers.CharField())
    levels = ProvenLevel(many=True)
