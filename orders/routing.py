"""Routing: loads the candidates, lets `orders.sourcing` decide, and keeps the decision with its losers for ever."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from commerce import catalog, ids
from commerce.channels.contracts import IncomingOrder
from commerce.errors import InvalidInput
from inventory import availability, geography, locations, reservations
from inventory.errors import HoldNotFound, InsufficientStock
from inventory.locations import LocationRef
from orders import errors, sourcing
from orders.lifecycle import Method
from orders.sourcing import Candidate, Decision, Reason

# The part of the placement's one statement that this module owns.
RECORDING_SQL = """
recorded AS (
    INSERT INTO orders_routingdecision (id, order_id, policy_version, chosen_id, inputs, candidates, decided_at)
    SELECT id, order_id, %(policy_version)s, chosen_id, inputs::jsonb, candidates::jsonb, %(at)s
    FROM unnest(%(decision_ids)s::uuid[], %(decision_order_ids)s::uuid[], %(decision_chosen_ids)s::bigint[],
        %(decision_inputs)s::text[], %(decision_candidates)s::text[]) AS decision (id, order_id, chosen_id, inputs, candidates)
)
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Where an order goes, and the record of why."""

    location: LocationRef
    decision: Decision
    inputs: Mapping[str, Any]


def recording_parameters(routes: Mapping[UUID, Route]) -> dict[str, Any]:
    """Return the parameters of RECORDING_SQL that are this module's, for the routes of orders."""
    return {
        "policy_version": sourcing.POLICY_VERSION,
        "decision_ids": [ids.new() for _ in routes],
        "decision_order_ids": list(routes),
        "decision_chosen_ids": [route.location.id for route in routes.values()],
        "decision_inputs": [orjson.dumps(route.inputs).decode() for route in routes.values()],
        "decision_candidates": [
            orjson.dumps([verdict.document() for verdict in route.decision.verdicts]).decode()
            for route in routes.values()
        ],
    }


def route(order: IncomingOrder, wanted: Mapping[int, int], *, country: str, at: datetime) -> Route:
    """Decide from where an order is served. `wanted` are the pieces of goods by product, `country` that of the channel.

    Raises: LocationNotAble for a pickup, NoAbleLocation or InsufficientStock for a shipment, HoldNotFound, InvalidInput.
    """
    if order.method in (Method.PICKUP, Method.CURBSIDE):
        return _to_the_chosen(order, wanted)
    return _to_the_nearest(order, wanted, country=country, at=at)


def _to_the_chosen(order: IncomingOrder, wanted: Mapping[int, int]) -> Route:
    if order.location_id is None:
        raise InvalidInput(
            "A pickup names its location.",
            errors=[{"field": "location", "value": None, "message": "needed for a pickup"}],
        )
    place = locations.by_id(order.location_id)
    decision = sourcing.decide([_candidate(place)], method=order.method)
    if decision.chosen is None:
        reasons = decision.verdicts[0].reasons
        why = "is not active" if Reason.INACTIVE in reasons else f"does not offer '{order.method}'"
        raise errors.LocationNotAble(
            f"{place.name} {why}; GET /api/v1/locations lists what each location offers.",
            errors=[{"field": "location", "value": place.code, "message": why}],
            location=place.code,
            reasons=[reason.value for reason in reasons],
        )
    return Route(place, decision, {"method": order.method, "wanted": _named(wanted), "location": place.code})


def _to_the_nearest(order: IncomingOrder, wanted: Mapping[int, int], *, country: str, at: datetime) -> Route:
    ship_to = order.ship_to or {}
    target = ship_to.get("country") or country
    places = locations.active()
    if order.reservation_id is not None:
        holding = {key.location_id for key in reservations.keys_of(order.reservation_id)}
        if not holding:
            raise HoldNotFound(
                f"There is no reservation {order.reservation_id}.", reservation=str(order.reservation_id)
            )
        places = [place for place in places if place.id in holding]
    point = locations.place(target, ship_to.get("postal_code", ""))
    available: dict[int, dict[int, int]] = {}
    if order.reservation_id is None:  # what is held for this order counts as there; the ledger judges it
        for figure in availability.figures(wanted, location_ids=[place.id for place in places], at=at):
            available.setdefault(figure.location_id, {})[figure.product_id] = figure.available
    candidates = [
        _candidate(place, available=available.get(place.id, {}), point=point, target=target) for place in places
    ]
    decision = sourcing.decide(candidates, method=order.method, wanted=wanted if order.reservation_id is None else None)
    chosen = decision.chosen
    if chosen is None:
        raise _refusal(order, decision, wanted)
    inputs = {"method": order.method, "wanted": _named(wanted), "country": target, "has_coordinates": point is not None}
    return Route(locations.by_id(chosen.location_id), decision, inputs)


def _refusal(
    order: IncomingOrder, decision: Decision, wanted: Mapping[int, int]
) -> InsufficientStock | errors.NoAbleLocation:
    nearly = decision.nearly
    if nearly is None:
        return errors.NoAbleLocation(
            f"No location offers '{order.method}' for this destination.",
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
