"""Availability over the API: what the asking channel may sell where, now and from goods to come, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.authentication import Credential
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from inventory import availability
from inventory.api import availability_serializers as serializers
from inventory.api.serializers import FARTHEST_KM
from inventory.availability import Figure
from inventory.places import locations
from inventory.promising import goods_to_come, promises
from inventory.promising.goods_to_come import AtDate, Coming
from inventory.promising.promises import Part, What

NEAR_BY_DEFAULT = 10

_TEXTS = {
    What.ON_HAND: "on hand",
    What.ALLOCATED: "promised to orders",
    What.WAITING: "promised to orders from goods to come",
    What.HELD: "in other baskets, may come back",
    What.UNROUTED: "promised to orders that have no place yet",
}


class AvailabilityView(ApiView):
    scopes = {"GET": Scope.AVAILABILITY_READ}

    @extend_schema(
        summary="What may be sold where, now",
        parameters=[serializers.AvailabilityParameters],
        responses=serializers.AvailabilityDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """Read the figures of up to 100 products from the ledger, at named locations, or near a postal code."""
        asked = serializers.AvailabilityParameters.of(request)
        return self.reply(_availability(asked["sku"], asked.get("location"), asked, request.auth, at="sku"))


class AvailabilityQueryView(ApiView):
    scopes = {"POST": Scope.AVAILABILITY_READ}
    reading = frozenset({"POST"})

    @extend_schema(
        summary="What may be sold where, for up to 500 products",
        request=serializers.AvailabilityQuery,
        responses=serializers.AvailabilityDocument,
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Do as GET, with the products in the body. Changes nothing."""
        asked = serializers.AvailabilityQuery.read(request.data)
        return self.reply(_availability(asked["skus"], asked.get("locations"), asked, request.auth, at="skus[{}]"))


def _availability(
    skus: Sequence[str], codes: Sequence[str] | None, asked: Mapping[str, Any], channel: Credential, *, at: str
) -> dict[str, Any]:
    products = catalog.known(list(skus), at=at)
    serving = [locations.ref(code) for code in codes] if codes else locations.serving(channel.country)
    places = {place.id: place for place in serving}
    distances: dict[int, float] = {}
    limit = asked.get("limit")
    if "postal_code" in asked:
        distances = _distances(list(places.values()), asked)
        places = {place_id: places[place_id] for place_id in distances}
        limit = limit or NEAR_BY_DEFAULT
    now = clock.now()
    figures: dict[int, list[Figure]] = {product.id: [] for product in products.values()}
    wanted = places if codes or distances else None
    for figure in availability.figures(figures, channel_id=channel.channel_id, location_ids=wanted, at=now):
        if figure.location_id in places:
            figures[figure.product_id].append(figure)
    coming = promises.coming(figures, channel_id=channel.channel_id, at=now)
    facts = {place.id: (place.code, place.name, distances.get(place.id)) for place in places.values()}
    items, documents = [], []
    for sku in dict.fromkeys(skus):
        found = figures[products[sku].id]
        found.sort(key=lambda figure: (distances.get(figure.location_id, 0.0), facts[figure.location_id][0]))
        shown = found[:limit] if limit else found
        explained = _explained(shown, channel, at=now) if asked["explain"] else None
        of_sku = [_figure(figure, facts[figure.location_id], coming) for figure in shown]
        for number, explanation in enumerate(explained or ()):
            of_sku[number]["explanation"] = explanation
        documents += of_sku
        items.append(
            {
                "sku": sku,
                "total_available": availability.total(found),
                "total_backorderable": sum([figure.backorderable for figure in found]),
                "locations": of_sku,
            }
        )
    age = round(max((clock.now() - now).total_seconds(), 0.0), 3)
    for document in documents:
        document["age_seconds"] = age
    return {"as_of": now, "items": items}


def _distances(places: list[locations.LocationRef], asked: Mapping[str, Any]) -> dict[int, float]:
    """Return how far the places near a postal code are. Raises: InvalidInput when nobody knows where that is."""
    origin = locations.place(asked["country"], asked["postal_code"])
    if origin is None:
        message = (
            f"{asked['country']} {asked['postal_code']} is no postal code we know; leave it out or name locations."
        )
        raise InvalidInput(
            message, errors=[{"field": "postal_code", "value": asked["postal_code"], "message": "unknown postal code"}]
        )
    radius = asked.get("radius_km", FARTHEST_KM)
    return {place.id: km for place, km in locations.nearest(places, *origin) if km <= radius}


def _figure(
    figure: Figure, place: tuple[str, str, float | None], coming: Mapping[tuple[int, int], tuple[Coming, ...]]
) -> dict[str, Any]:
    on_the_way = coming.get((figure.product_id, figure.location_id)) if coming else None
    code, name, distance = place
    return {
        "location": code,
        "name": name,
        "distance_km": None if distance is None else round(distance, 1),
        "available": figure.available,
        "on_hand": figure.on_hand,
        "held": figure.held,
        "withheld": figure.withheld,
        "backorderable": figure.backorderable,
        "incoming": on_the_way or (),
        "available_to_promise_at": _by_date(figure, on_the_way) if on_the_way else (),
        "changed_at": figure.changed_at,
        "version": figure.version,
        "age_seconds": 0.0,
    }


def _by_date(figure: Figure, on_the_way: Sequence[Coming]) -> tuple[AtDate, ...]:
    return goods_to_come.by_date(figure.available, on_the_way, behind=figure.waiting)


def _explained(figures: Sequence[Figure], channel: Credential, *, at: Any) -> list[dict[str, Any]]:
    return [
        {
            "parts": [
                {"what": part.what.value, "pieces": part.pieces, "text": text_of(part), "rule": part.name or None}
                for part in promise.parts
            ],
            "earliest_pickup": promise.earliest_pickup,
            "earliest_delivery": promise.earliest_delivery,
        }
        for promise in promises.promises(figures, channel_id=channel.channel_id, country=channel.country, at=at)
    ]


def text_of(part: Part) -> str:
    """Say a part in English, as all texts of the API."""
    pieces = abs(part.pieces)
    if part.what is What.WITHHELD:
        who = f"“{part.name}” {part.reason}" if part.name else part.reason
        return f"{pieces} withheld: {who}"
    return f"{pieces} {_TEXTS[part.what]}"
