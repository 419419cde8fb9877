"""Looks for another place for goods that one could not serve, by the live policy, and keeps why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from commerce import catalog
from commerce.transactions import transaction_required
from inventory.kits import Part
from inventory.places import locations
from inventory.places.locations import LocationRef
from orders.routing import problems, recording, standing, surveying, worlds
from orders.routing.recording import Verdict
from orders.sourcing import decision
from orders.sourcing.criteria import UNKNOWN_KM, Criterion
from orders.sourcing.decision import Decision
from orders.sourcing.measuring import World
from orders.sourcing.policy import MOST_ATTEMPTS
from orders.sourcing.standing import Occasion


@dataclass(frozen=True, slots=True)
class Again:
    """Where goods could come from instead: the places by rank, each with its distance in km, and the decision."""

    places: tuple[tuple[LocationRef, int | None], ...]
    decision: Decision
    label: str
    inputs: Mapping[str, Any]


def look(
    parts: Sequence[Part],
    *,
    method: str,
    channel_id: int,
    country: str,
    point: tuple[float, float] | None,
    beside: Iterable[int] = (),
    value_minor: int = 0,
    due_on: date | None = None,
    at: datetime,
) -> Again:
    """Return the places that have all of some goods, the best by the live policy first; `beside` are not asked again (law 13)."""
    known = standing.now()
    net = worlds.network(at=at, known=known)
    products = catalog.products_by_id({part.product_id for part in parts})
    shelves, _coming = surveying.look(net, known, products, {channel_id}, at=at)
    shut = frozenset(beside)
    lines = problems.lines(parts, {}, products, known.rules)
    problem = problems.problem(
        lines, method=method, country=country, point=point, countries=net.countries, asked_on=at.date(),
        value_minor=value_minor, restricted=problems.restrictions(known.rules, products) if known.rules else (),
        rejected={line.id: shut for line in lines}, due_on=due_on,
    )  # fmt: skip
    whole = replace(known.policy, most_parts=1, may_divide_lines=False)
    made = decision.decide(problem, World(net, shelves.get(channel_id, {})), whole)
    ranked = [] if not made.shares else [made.shares[0].winner, *made.shares[0].losers]
    skus = {product.id: product.sku for product in products.values()}
    inputs = {
        "method": method,
        "country": country,
        "has_coordinates": point is not None,
        "wanted": {skus[product]: pieces for product, pieces in problem.wanted.items()},
        "beside": sorted(place.code for place in net.places if place.id in shut),
    }
    return Again(tuple((locations.by_id(one.place.id), _km(one.values)) for one in ranked), made, known.label, inputs)


@transaction_required
def keep(order_id: UUID, found: Again, chosen: LocationRef, *, attempt: int, at: datetime) -> None:
    """Keep why goods of an order come from another place now."""
    bounded = max(1, min(attempt, MOST_ATTEMPTS))
    verdict = Verdict(found.decision, found.label, found.inputs, Occasion.REROUTED, bounded, chosen_id=chosen.id)
    recording.keep([(order_id, verdict)], at=at)


def _km(values: Mapping[Criterion, int]) -> int | None:
    km = values.get(Criterion.DISTANCE, UNKNOWN_KM)
    return None if km == UNKNOWN_KM else km
