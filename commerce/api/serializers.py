"""Bodies, parameters and documents of the kernel's own addresses: products, webhook endpoints, events."""

from collections.abc import Iterable, Sequence
from typing import Any

from rest_framework import serializers

from commerce import events
from commerce.api.bodies import CommaSeparated, Instant, QueryParameters, StrictSerializer, Text, Whole
from commerce.api.paging import PageParameters
from commerce.channels import addresses
from commerce.channels.endpoints import Endpoint
from commerce.models import Product
from commerce.stream import StreamedEvent

MOST_TYPES = 50
LARGEST_EVENT_PAGE = 500


# --- products -------------------------------------------------------------------------------------------------------


class ProductParameters(PageParameters):
    """Which products: all filters together must hold."""

    sku = CommaSeparated(required=False, max_length=200, help_text="Exact SKUs, separated by commas.")
    gtin = CommaSeparated(
        required=False, max_length=200, help_text="Barcodes of 8, 12, 13 or 14 digits, separated by commas."
    )
    brand = Text(required=False, max_length=120, help_text="The brand, in any case.")
    category = Text(required=False, max_length=120, help_text="The category, in any case.")
    q = Text(required=False, max_length=100, help_text="Part of the name, or the beginning of the SKU.")
    updated_since = Instant(required=False, help_text="Only products changed at or after this instant.")


class GtinDocument(serializers.Serializer):
    gtin = serializers.RegexField(r"^[0-9]{14}$", help_text="14 digits, zeros in front.")
    pieces = serializers.IntegerField(min_value=1, help_text="How many pieces one scan stands for.")


class ComponentDocument(serializers.Serializer):
    sku = serializers.CharField()
    quantity = serializers.IntegerField(min_value=1, help_text="Pieces of it in one kit.")


class ProductDocument(serializers.Serializer):
    sku = serializers.CharField()
    name = serializers.CharField()
    brand = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(["goods", "charge", "kit"])
    tax_class = serializers.CharField()
    weight_grams = serializers.IntegerField(allow_null=True)
    length_mm = serializers.IntegerField(allow_null=True)
    width_mm = serializers.IntegerField(allow_null=True)
    height_mm = serializers.IntegerField(allow_null=True)
    minimum_age = serializers.IntegerField(
        allow_null=True, help_text="In years, where the law says so; whoever collects is asked for it."
    )
    gtins = GtinDocument(many=True)
    components = ComponentDocument(
        many=True, help_text="What is in a kit: these goods are reserved and delivered in its place. Else empty."
    )
    is_active = serializers.BooleanField()
    is_listed = serializers.BooleanField(
        help_text="Whether the caller's channel offers it and is told its availability."
    )
    updated_at = serializers.DateTimeField()


def product_document(product: Product, *, is_listed: bool) -> dict[str, Any]:
    """Return a product as the API shows it; its barcodes and components must have been fetched with it."""
    return {
        "sku": product.sku,
        "name": product.name,
        "brand": product.brand,
        "category": product.category,
        "kind": product.kind,
        "tax_class": product.tax_class,
        "weight_grams": product.weight_grams,
        "length_mm": product.length_mm,
        "width_mm": product.width_mm,
        "height_mm": product.height_mm,
        "minimum_age": product.minimum_age,
        "gtins": [{"gtin": row.gtin, "pieces": row.pieces} for row in product.gtins.all()],
        "components": [{"sku": row.component.sku, "quantity": row.quantity} for row in product.components.all()],
        "is_active": product.is_active,
        "is_listed": is_listed,
        "updated_at": product.updated_at,
    }


# --- webhook endpoints ------------------------------------------------------------------------------------------------


def _reachable(url: str) -> str:
    if fault := addresses.fault_of(url):
        raise serializers.ValidationError(fault)
    return url


class NewEndpoint(StrictSerializer):
    """Where signed events go. `event_types` names the public types; `availability.changed` and so on."""

    url = Text(max_length=500, help_text="An https address; http only where the server allows private addresses.")
    event_types = serializers.ListField(
        child=Text(max_length=80), min_length=1, max_length=MOST_TYPES, help_text="Public event types."
    )

    def validate_url(self, url: str) -> str:
        return _reachable(url)


class EndpointChange(StrictSerializer):
    """What to change; fields left out stay as they are."""

    url = Text(required=False, max_length=500)
    event_types = serializers.ListField(required=False, child=Text(max_length=80), min_length=1, max_length=MOST_TYPES)
    is_active = serializers.BooleanField(required=False)

    def validate_url(self, url: str) -> str:
        return _reachable(url)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Name at least one field to change.")
        return attrs


class EndpointDocument(serializers.Serializer):
    id = serializers.UUIDField()
    url = serializers.URLField()
    event_types = serializers.ListField(child=serializers.CharField())
    is_active = serializers.BooleanField()
    consecutive_failures = serializers.IntegerField(min_value=0)
    paused_until = serializers.DateTimeField(
        allow_null=True, help_text="After repeated failures deliveries rest until then."
    )
    previous_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="After a rotation the secret before signs beside the new one until then."
    )
    created_at = serializers.DateTimeField()


class EndpointWithSecretDocument(EndpointDocument):
    secret = serializers.CharField(help_text="The signing secret (Standard Webhooks, whsec_…). Shown only now.")


class EndpointsDocument(serializers.Serializer):
    items = EndpointDocument(many=True)


def endpoint_document(endpoint: Endpoint, secret: str | None = None) -> dict[str, Any]:
    """Return an endpoint as the API shows it; the secret only when it was just made."""
    document: dict[str, Any] = {
        "id": endpoint.id,
        "url": endpoint.url,
        "event_types": list(endpoint.event_types),
        "is_active": endpoint.is_active,
        "consecutive_failures": endpoint.consecutive_failures,
        "paused_until": endpoint.open_until,
        "previous_secret_until": endpoint.previous_secret_until,
        "created_at": endpoint.created_at,
    }
    return document if secret is None else document | {"secret": secret}


# --- events -----------------------------------------------------------------------------------------------------------


class EventParameters(QueryParameters):
    """From where on, and which."""

    after = Whole(required=False, default=0, help_text="The last position you have seen; 0 from the beginning.")
    types = CommaSeparated(
        required=False, child=Text(max_length=80), max_length=MOST_TYPES, help_text="Event types, separated by commas."
    )
    limit = Whole(required=False, default=100, min_value=1, max_value=LARGEST_EVENT_PAGE)

    def validate_types(self, types: Sequence[str]) -> Sequence[str]:
        known = events.public_types()
        if unknown := sorted(set(types) - set(known)):
            raise serializers.ValidationError(f"There is no event type {unknown[0]}; there are: {', '.join(known)}.")
        return types


class EventDocument(serializers.Serializer):
    id = serializers.UUIDField(help_text="The message id; the same as the webhook-id of its delivery.")
    position = serializers.IntegerField(min_value=1)
    type = serializers.CharField()
    aggregate = serializers.CharField(help_text="What it is about. Order is promised within it.")
    aggregate_sequence = serializers.IntegerField(help_text="Grows within the aggregate.")
    schema_version = serializers.IntegerField(min_value=1)
    occurred_at = serializers.DateTimeField()
    data = serializers.DictField()


class EventsDocument(serializers.Serializer):
    items = EventDocument(many=True)
    next_after = serializers.IntegerField(min_value=0, help_text="Send it as `after` to go on.")


def events_document(found: Iterable[StreamedEvent], *, after: int) -> dict[str, Any]:
    """Return a page of the stream; `next_after` stays where it was when nothing new is there."""
    items = [
        {
            "id": event.id,
            "position": event.position,
            "type": event.type,
            "aggregate": event.aggregate,
            "aggregate_sequence": event.sequence,
            "schema_version": event.schema_version,
            "occurred_at": event.occurred_at,
            "data": event.data,
        }
        for event in found
    ]
    return {"items": items, "next_after": items[-1]["position"] if items else after}
