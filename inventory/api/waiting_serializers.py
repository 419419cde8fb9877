"""The documents of the waiting list."""

from rest_framework import serializers

from commerce.api import bodies
from inventory.api.serializers import Sku
from inventory.promising import waiting_list
from inventory.waiting import WaitingState

STATES = [state.value for state in WaitingState]  # the schema names where someone stands by this list
SUBSCRIBER = "Your own reference for the person, for example an id of your notification. No address: we refuse those."


class JoinBody(bodies.StrictSerializer):
    sku = Sku()
    location = bodies.Text(required=False, max_length=20, help_text="Left out: any place that serves your channel.")
    quantity = bodies.Quantity(required=False, default=1, max_value=waiting_list.MOST_WANTED)
    subscriber = bodies.Text(max_length=120, help_text=SUBSCRIBER)


class EraseBody(bodies.StrictSerializer):
    subscriber = bodies.Text(max_length=120, help_text=SUBSCRIBER)


class WaitingParameters(bodies.QueryParameters):
    subscriber = bodies.Text(max_length=120, help_text=SUBSCRIBER)


class WaitingOfferDocument(serializers.Serializer):
    reservation = serializers.UUIDField(help_text="Order from it before it expires; then the goods go to the next.")
    location = serializers.CharField()
    expires_at = serializers.DateTimeField()


class WaitingDocument(serializers.Serializer):
    id = serializers.UUIDField()
    sku = serializers.CharField()
    location = serializers.CharField(allow_null=True)
    quantity = serializers.IntegerField(min_value=1)
    state = serializers.ChoiceField(STATES)
    joined_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    ahead = serializers.IntegerField(min_value=0, help_text="How many wait for the same goods since longer.")
    offer = WaitingOfferDocument(allow_null=True)
    next_supply_on = serializers.DateField(allow_null=True, help_text="When goods are expected, if that is known.")


class WaitingListDocument(serializers.Serializer):
    items = WaitingDocument(many=True)


class ErasedDocument(serializers.Serializer):
    erased = serializers.IntegerField(min_value=0)
