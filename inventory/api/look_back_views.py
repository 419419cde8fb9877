"""Looking back through the API: what was there at a moment, and what happened since."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from inventory import timeline
from inventory.api import look_back_serializers as serializers
from inventory.ledger import LevelKey
from inventory.places import locations


class HistoryView(ApiView):
    scopes = {"GET": Scope.AVAILABILITY_READ}

    @extend_schema(
        summary="Stock at a past moment",
        parameters=[serializers.HistoryParameters],
        responses=serializers.HistoryDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """Read what was on hand, promised and held of products at locations, at one moment in the world's time."""
        asked = serializers.HistoryParameters.of(request)
        if asked["at"] > clock.now():
            message = "at lies in the future; ask for a moment that has passed."
            raise InvalidInput(
                message, errors=[{"field": "at", "value": clock.utc_text(asked["at"]), "message": message}]
            )
        products = catalog.known(asked["sku"], at="sku")
        places = {code: locations.ref(code) for code in asked["location"]}
        names = [(sku, code) for sku in dict.fromkeys(asked["sku"]) for code in places]
        if len(names) > timeline.MOST_MOMENTS:
            message = f"At most {timeline.MOST_MOMENTS} figures at once; ask for fewer products or fewer locations."
            raise InvalidInput(message, errors=[{"field": "sku", "value": len(names), "message": message}])
        keys = [LevelKey(products[sku].id, places[code].id, asked["condition"]) for sku, code in names]
        levels = timeline.levels_at(keys, at=asked["at"])
        items = [
            {"sku": sku, "location": code, "condition": asked["condition"]} | levels[key]._asdict()
            for (sku, code), key in zip(names, keys, strict=True)
        ]
        return self.reply({"at": asked["at"], "items": items})


class TimelineView(ApiView):
    # The journal tells what all channels sold: for who books stock, not for every shop that asks what is available.
    scopes = {"GET": Scope.STOCK_WRITE}

    @extend_schema(
        summary="The journal of a location",
        parameters=[serializers.TimelineParameters],
        responses=serializers.TimelineDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List what happened to one product, or to all, at a location: newest first, with the values after each entry."""
        asked = serializers.TimelineParameters.of(request)
        place = locations.ref(asked["location"])
        filters = timeline.Filters(
            kinds=asked.get("kind", ()), condition=asked.get("condition", ""), since=asked.get("since"), until=asked.get("until")
        )  # fmt: skip
        before = _position(asked["cursor"]) if asked.get("cursor") else None
        if asked.get("sku"):
            product = catalog.known([asked["sku"]], at="sku")[asked["sku"]]
            page = timeline.of_product(product.id, place.id, filters=filters, before=before, at_most=asked["limit"])
        else:
            page = timeline.of_location(place.id, filters=filters, before=before, at_most=asked["limit"])
        fields = serializers.EntryDocument().fields
        items = [{name: getattr(entry, name) for name in fields} for entry in page.entries]
        return self.reply(
            {"location": place.code, "items": items, "next_cursor": str(page.older) if page.older else None}
        )


def _position(cursor: str) -> timeline.Position:
    try:
        return timeline.Position.parse(cursor)
    except (ValueError, OverflowError) as error:
        message = "This cursor is not one of ours; start again without it."
        raise InvalidInput(message, errors=[{"field": "cursor", "value": cursor, "message": message}]) from error
