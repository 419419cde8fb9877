"""Routing: loads the candidates, lets `orders.sourcing` decide, and keeps the decision with its losers for ever."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import orjson

from commerce import catalog, ids
from commerce.channels.contracts import IncomingOrder, Portion
from commerce.errors import InvalidInput
from inventory import availability, geography, kits, locations, reservations
from inventory.errors import HoldNotFound, InsufficientStock
from inventory.kits import Part
from inventory.locations import LocationRef
from orders import errors, sourcing
from orders.lifecycle import COLLECTED, SENT
from orders.sourcing import Candidate, Decision, Reason

# The part of the placement's one statement that this module owns. Rows travel as JSON.
RECORDING_SQL = """
recorded AS (
    INSERT INTO orders_routingdecision (id, order_id, policy_version, chosen_id, inputs, candidates, decided_at)
    SELECT id, order_id, policy_version, chosen_id, inputs, candidates, %(at)s
    FROM json_to_recordset(%(decisions)s::json) AS decision (id uuid, order_id uuid, policy_version text, chosen_id bigint,
        inputs jsonb, candidates jsonb)
)
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Where something of an order goes, and the record of why.

    `units` are the pieces of each product as it was ordered, kits whole; `goods` what that is on the shelf, kits exploded.
    """

    location: LocationRef
    method: str
    units: Mapping[int, int]
    goods: Mapping[int, int]
    decision: Decision
    inputs: Mapping[str, Any]


def recording_rows(routes: Sequence[tuple[UUID, Route]]) -> str:
    """Return the parameter of RECORDING_SQL that is this module's, for routes, each with its order."""
    rows = [
        {
            "id": ids.new(),
            "order_id": order_id,
            "policy_version": sourcing.POLICY_VERSION,
            "chosen_id": route.location.id,
            "inputs": route.inputs,
            "candidates": [verdict.document() for verdict in route.decision.verdicts],
        }
        for order_id, route in routes
    ]
    return orjson.dumps(rows).decode()


Pieces = Mapping[int, Mapping[int, int]]  # by location and product


class OrderingChannel(Protocol):
    """What of a channel decides an order; a `commerce.api.authentication.Credential` is one."""

    @property
    def channel_id(self) -> int: ...
    @property
    def channel_code(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def language(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Survey:
    """What routing has to know of the world for some orders, read at once.

    `points` are the coordinates of postal codes, `holding` the locations of reservations, `available` pieces by channel,
    location and product, `later` those that may be promised from goods to come besides, and `routed` those that earlier
    orders of the group will take at a location if they come to stand.
    """

    points: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    holding: Mapping[UUID, frozenset[int]] = field(default_factory=dict)
    available: Mapping[int, Pieces] = field(default_factory=dict)
    later: Mapping[int, Pieces] = field(default_factory=dict)
    routed: dict[int, dict[int, int]] = field(default_factory=dict)

    def count(self, location_id: int, wanted: Mapping[int, int]) -> None:
        """Have the next orders look elsewhere for what this one takes."""
        there = self.routed.setdefault(location_id, {})
        for product_id, quantity in wanted.items():
            there[product_id] = there.get(product_id, 0) + quantity

    def there(self, channel_id: int, location_id: int) -> Mapping[int, int]:
        """Return the pieces that a channel may have at a location."""
        return self.available.get(channel_id, {}).get(location_id, {})

    def left(self, channel_id: int, location_id: int) -> dict[int, int]:
        """Return the pieces that a channel may have at a location once the earlier orders are served."""
        taken = self.routed.get(location_id, {})
        return {
            product_id: max(pieces - taken.get(product_id, 0), 0)
            for product_id, pieces in self.there(channel_id, location_id).items()
        }

    def in_time(self, channel_id: int, location_id: int) -> dict[int, int]:
        """Return the pieces that a channel may have at a location, now and from goods to come."""
        later = self.later.get(channel_id, {}).get(location_id, {})
        left = self.left(channel_id, location_id)
        return {product_id: left.get(product_id, 0) + later.get(product_id, 0) for product_id in {*left, *later}}


def survey(orders: Sequence[tuple[IncomingOrder, OrderingChannel]], *, at: datetime) -> Survey:
    """Read what routing needs for orders, each with its channel: nothing for pickups, else two queries or three."""
    sent = [[portion for portion in order.portions() if portion.method in SENT] for order, _ in orders]
    shipments = [asked for asked, portions in zip(orders, sent, strict=True) if portions]
    if not shipments:
        return Survey()
    reserved = [order.reservation_id for order, _ in shipments if order.reservation_id]
    asked = [
        line
        for (order, _), portions in zip(orders, sent, strict=True)
        if not order.reservation_id
        for portion in portions
        for line in portion.quantities.items()
    ]
    free = {product_id for product_id, _ in kits.explode(asked)}
    holds = reservations.holds_of(reserved) if reserved else {}
    available: dict[int, dict[int, dict[int, int]]] = {}
    later: dict[int, dict[int, dict[int, int]]] = {}
    if free:
        places = [place.id for place in locations.active()]
        channels = {channel.channel_id for _, channel in shipments}
        seen = availability.figures_of_channels(free, channels, location_ids=places, at=at)
        for channel_id, figures in seen.items():
            for figure in figures:
                there = available.setdefault(channel_id, {}).setdefault(figure.location_id, {})
                there[figure.product_id] = figure.available
                if figure.backorderable:
                    coming = later.setdefault(channel_id, {}).setdefault(figure.location_id, {})
                    coming[figure.product_id] = figure.backorderable
    return Survey(
        locations.places([_destination(order, channel.country) for order, channel in shipments]),
        {reservation_id: frozenset(hold.key.location_id for hold in found) for reservation_id, found in holds.items()},
        available,
        later,
    )


def route(
    order: IncomingOrder, portion: Portion, parts: Sequence[Part], *, channel: OrderingChannel, known: Survey
) -> tuple[Route, ...]:
    """Decide from where a portion of a channel's order is served: by one place or several, every unit once.

    `parts` are the goods of the portion, kits exploded; a kit is served by one place as a whole.
    Raises: LocationNotAble for a pickup, NoAbleLocation or InsufficientStock for a shipment, HoldNotFound, InvalidInput.
    """
    wanted: dict[int, int] = {}
    for part in parts:
        wanted[part.product_id] = wanted.get(part.product_id, 0) + part.quantity
    if portion.method in COLLECTED:
        found = _to_the_chosen(portion, wanted)
    else:
        found = _to_the_nearest(order, portion, wanted, channel=channel, known=known)
    if order.reservation_id is None:
        known.count(found.location.id, wanted)
    return (found,)


def _destination(order: IncomingOrder, country: str) -> tuple[str, str]:
    ship_to = order.ship_to or {}
    return ship_to.get("country") or country, ship_to.get("postal_code", "")


def _to_the_chosen(portion: Portion, wanted: Mapping[int, int]) -> Route:
    if portion.location_id is None:
        raise InvalidInput(
            "A pickup names its location.",
            errors=[{"field": "location", "value": None, "message": "needed for a pickup"}],
        )
    place = locations.by_id(portion.location_id)
    decision = sourcing.decide([_candidate(place)], method=portion.method)
    if decision.chosen is None:
        reasons = decision.verdicts[0].reasons
        why = "is not active" if Reason.INACTIVE in reasons else f"does not offer '{portion.method}'"
        raise errors.LocationNotAble(
            f"{place.name} {why}; GET /api/v1/locations lists what each location offers.",
            errors=[{"field": "location", "value": place.code, "message": why}],
            location=place.code,
            reasons=[reason.value for reason in reasons],
        )
    inputs = {"method": portion.method, "wanted": _named(wanted), "location": place.code}
    return Route(place, portion.method, portion.quantities, wanted, decision, inputs)


def _to_the_nearest(
    order: IncomingOrder, portion: Portion, wanted: Mapping[int, int], *, channel: OrderingChannel, known: Survey
) -> Route:
    target, postal_code = _destination(order, channel.country)
    places = locations.active()
    is_reserved = order.reservation_id is not None  # what is held for this order counts as there; the ledger judges it
    if order.reservation_id is not None:
        holding = known.holding.get(order.reservation_id)
        if not holding:
            raise HoldNotFound(
                f"There is no reservation {order.reservation_id}.", reservation=str(order.reservation_id)
            )
        places = [place for place in places if place.id in holding]
    point = known.points.get((target, postal_code))

    def decide(available: Callable[[int], Mapping[int, int]]) -> Decision:
        candidates = [
            _candidate(place, available={} if is_reserved else available(place.id), point=point, target=target)
            for place in places
        ]
        return sourcing.decide(candidates, method=portion.method, wanted=None if is_reserved else wanted)

    decision = decide(partial(known.left, channel.channel_id))
    if decision.chosen is None and known.routed:
        # Earlier orders may be refused yet, or be this one: then it goes where the goods are now, and the ledger judges.
        decision = decide(partial(known.there, channel.channel_id))
    if decision.chosen is None and channel.channel_id in known.later:
        decision = decide(
            partial(known.in_time, channel.channel_id)
        )  # nobody has it: who may promise it from goods to come?
    chosen = decision.chosen
    if chosen is None:
        raise _refusal(portion, decision, wanted)
    inputs = {
        "method": portion.method, "wanted": _named(wanted), "country": target, "has_coordinates": point is not None,
    }  # fmt: skip
    return Route(locations.by_id(chosen.location_id), portion.method, portion.quantities, wanted, decision, inputs)


def _refusal(
    portion: Portion, decision: Decision, wanted: Mapping[int, int]
) -> InsufficientStock | errors.NoAbleLocation:
    nearly = decision.nearly
    if nearly is None:
        return errors.NoAbleLocation(
            f"No location offers '{portion.method}' for this destination.",
            candidates=[verdict.document() for verdict in decision.verdicts[:20]],
        )
    return InsufficientStock(
        "There is not enough stock at one location for this.",
        lines=[
            {
                "product_id": product_id,
                "location_id": nearly.candidate.location_id,
                "wanted": wanted[product_id],
                "available": available,
            }
            for product_id, available in nearly.short.items()
        ],
    )


def _candidate(
    place: LocationRef,
    *,
    available: Mapping[int, int] | None = None,
    point: tuple[float, float] | None = None,
    target: str | None = None,
) -> Candidate:
    return Candidate(
        place.id,
        place.code,
        place.name,
        place.is_active,
        place.capabilities,
        available or {},
        place.distance_to(*point) if point else None,
        target is None or geography.same_customs_area(place.country, target),
    )


def _named(wanted: Mapping[int, int]) -> dict[str, int]:
    products = catalog.products_by_id(wanted)
    return {products[product_id].sku: quantity for product_id, quantity in wanted.items()}
