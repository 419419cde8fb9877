"""Decides from where what was ordered is served, by the live policy, and what the one in the shadow would have done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from commerce import catalog
from commerce.channels.contracts import IncomingOrder, Portion
from commerce.errors import InvalidInput
from inventory import locations
from inventory.errors import HoldNotFound, InsufficientStock
from inventory.kits import Part
from inventory.locations import LocationRef
from orders import errors
from orders.lifecycle import COLLECTED
from orders.routing import problems, recording, surveying
from orders.routing.recording import Verdict
from orders.routing.standing import Node
from orders.routing.surveying import OrderingChannel, Survey
from orders.sourcing import batch, decision
from orders.sourcing.criteria import Reason
from orders.sourcing.decision import Decision
from orders.sourcing.measuring import World
from orders.sourcing.network import Place
from orders.sourcing.problem import Line, Problem
from orders.sourcing.standing import Occasion

MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Route:
    """Where something of an order goes, and the record of why, which routes of one decision share.

    `units` are the pieces of each product as it was ordered, kits whole; `goods` what that is on the shelf, kits exploded.
    """

    location: LocationRef
    method: str
    units: Mapping[int, int]
    goods: Mapping[int, int]
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A portion of an order that needs places: `values` are what its products were sold for, in minor units."""

    order: IncomingOrder
    portion: Portion
    parts: Sequence[Part]
    channel: OrderingChannel
    values: Mapping[int, int] = field(default_factory=dict)

    @property
    def goods(self) -> dict[int, int]:
        """Pieces by product, kits exploded."""
        wanted: dict[int, int] = {}
        for part in self.parts:
            wanted[part.product_id] = wanted.get(part.product_id, 0) + part.quantity
        return wanted


def route(
    order: IncomingOrder,
    portion: Portion,
    parts: Sequence[Part],
    *,
    channel: OrderingChannel,
    known: Survey,
    values: Mapping[int, int] | None = None,
) -> tuple[Route, ...]:
    """Decide from where a portion of a channel's order is served: by one place or several, every unit once.

    `parts` are the goods of the portion, kits exploded; a kit is served by one place as a whole.
    Raises: LocationNotAble for a pickup, NoAbleLocation or InsufficientStock for a shipment, HoldNotFound, InvalidInput.
    """
    ask = Ask(order, portion, parts, channel, values or {})
    if portion.method in COLLECTED:
        found: tuple[Route, ...] = (_to_the_chosen(ask, known),)
    else:
        found = _sent(ask, known)
    if order.reservation_id is None:
        for one in found:
            known.count(one.location.id, one.goods)
    return found


def route_together(asks: Sequence[Ask], known: Survey) -> list[tuple[Route, ...] | None]:
    """Decide on portions that are sent, together, express first: never worse than one by one. Channel by channel.

    None is for those that are better decided alone, which says why: nobody can serve them now, or their goods are held.
    """
    found: list[tuple[Route, ...] | None] = [None] * len(asks)
    groups: dict[int, list[int]] = {}
    for number, ask in enumerate(asks):
        if ask.portion.method not in COLLECTED and ask.order.reservation_id is None:
            groups.setdefault(ask.channel.channel_id, []).append(number)
    for channel_id, numbers in groups.items():
        for start in range(0, len(numbers), batch.MOST_ORDERS):
            chosen = numbers[start : start + batch.MOST_ORDERS]
            asked = [_problem(asks[number], known) for number in chosen]
            world = known.left(channel_id, {product for problem in asked for product in problem.wanted})
            made = batch.plan_batch(asked, world, known.known.policy)
            for number, problem, decided in zip(chosen, asked, made.decisions, strict=True):
                if decided.shares:
                    routes = _routes(asks[number], problem, decided, world, known, occasion=Occasion.BATCHED)
                    for one in routes:
                        known.count(one.location.id, one.goods)
                    found[number] = routes
    return found


# --- pickups ------------------------------------------------------------------------------------------------------------


def _to_the_chosen(ask: Ask, known: Survey) -> Route:
    portion, wanted = ask.portion, ask.goods
    if portion.location_id is None:
        raise InvalidInput(
            "A pickup names its location.",
            errors=[{"field": "location", "value": None, "message": "needed for a pickup"}],
        )
    place = locations.by_id(portion.location_id)
    paused = known.known.nodes.get(place.id, Node()).is_paused
    seen = Place(
        place.id, place.code, place.name, place.country, known.at, capabilities=place.capabilities,
        is_active=place.is_active, is_paused=paused,
    )  # fmt: skip
    decided = decision.of_chosen(
        seen, portion.method, {str(one): {one: count} for one, count in wanted.items()}, known.known.policy
    )
    if not decided.shares:
        reasons = list(decided.excluded)
        why = {
            Reason.INACTIVE: "is not active",
            Reason.PAUSED: "takes no orders for now",
            Reason.METHOD_NOT_OFFERED: f"does not offer '{portion.method}'",
        }[reasons[0]]
        raise errors.LocationNotAble(
            f"{place.name} {why}; GET /api/v1/locations lists what each location offers.",
            errors=[{"field": "location", "value": place.code, "message": why}],
            location=place.code,
            reasons=[reason.value for reason in reasons],
        )
    inputs = {"method": portion.method, "wanted": _named(wanted), "location": place.code}
    verdict = Verdict(decided, known.known.label, inputs)
    return Route(place, portion.method, portion.quantities, wanted, verdict)


# --- what is sent -------------------------------------------------------------------------------------------------------


def _problem(ask: Ask, known: Survey) -> Problem:
    products = catalog.products_by_id({part.product_id for part in ask.parts})
    rules = known.known.rules
    country, code = surveying.destination(ask.order, ask.channel.country)
    only: frozenset[int] | None = None
    judges_stock = True
    if ask.portion.location_id is not None:  # its channel decided, as marketplaces do
        only = frozenset({ask.portion.location_id})
    if ask.order.reservation_id is not None:  # what is held for this order counts as there; the ledger judges it
        only, judges_stock = known.holding.get(ask.order.reservation_id), False
        if not only:
            raise HoldNotFound(
                f"There is no reservation {ask.order.reservation_id} of this channel; POST /api/v1/reservations makes one.",
                reservation=str(ask.order.reservation_id),
            )
    return problems.problem(
        problems.lines(ask.parts, ask.values, products, rules),
        method=ask.portion.method, country=country, point=known.points.get((country, code)),
        countries=known.network.countries, asked_on=today(known), value_minor=sum(ask.values.values()),
        restricted=problems.restrictions(rules, products) if rules else (), only=only, judges_stock=judges_stock,
        name=ask.order.external_reference,
    )  # fmt: skip


def today(known: Survey) -> date:
    """Return the day on which the orders of a survey are asked, where most places are."""
    zone = locations.active()[0].time_zone if locations.active() else "Europe/Berlin"
    return known.at.astimezone(ZoneInfo(zone)).date()


def _sent(ask: Ask, known: Survey) -> tuple[Route, ...]:
    problem, policy, channel_id = _problem(ask, known), known.known.policy, ask.channel.channel_id
    products = problem.wanted
    world = known.left(channel_id, products)
    decided = decision.decide(problem, world, policy)
    if not decided.shares and known.routed:
        # Earlier orders may be refused yet, or be this one: then it goes where the goods are now, and the ledger judges.
        world = known.there(channel_id, products)
        decided = decision.decide(problem, world, policy)
    if not decided.shares and problem.leave_on is not None:  # too late today: the promise says so, of the best place
        problem = replace(problem, leave_on=None)
        decided = decision.decide(problem, world, policy)
    if not decided.shares and channel_id in known.coming:
        world = known.in_time(channel_id, products)  # nobody has it: who may promise it from goods to come?
        decided = decision.decide(problem, world, policy)
    if not decided.shares:
        raise refusal(decided, problem, known)
    return _routes(ask, problem, decided, world, known)


def _routes(
    ask: Ask, problem: Problem, decided: Decision, world: World, known: Survey, *, occasion: Occasion = Occasion.PLACED
) -> tuple[Route, ...]:
    return routes(
        decided, verdict(decided, problem, world, known, inputs=_inputs(ask, problem), occasion=occasion), problem.lines,
        ask.parts, ask.portion.method,
    )  # fmt: skip


def verdict(
    decided: Decision, problem: Problem, world: World, known: Survey, *, inputs: Mapping[str, Any],
    occasion: Occasion = Occasion.PLACED, attempt: int = 1,
) -> Verdict:  # fmt: skip
    """Return a decision as it is kept, with what the policy in the shadow says to the same problem and world."""
    made = Verdict(decided, known.known.label, inputs, occasion, attempt)
    if known.known.shadow is None or occasion is Occasion.BATCHED:  # a batch is decided by what else is in it
        return made
    other = decision.decide(problem, world, known.known.shadow)
    told, differs = recording.compared(decided, other, known.known.shadow_label)
    return replace(made, shadow=told, shadow_differs=differs)


def routes(
    decided: Decision, kept: Verdict, asked: Sequence[Line], parts: Sequence[Part], method: str
) -> tuple[Route, ...]:
    """Return the routes of a decision: for each place the units of each product as ordered, and the goods that they are."""
    per_unit = {(part.line_product_id, part.product_id): part.per_unit for part in parts}
    found = []
    for share in decided.shares:
        units: dict[int, int] = {}
        for line_id, goods in share.lines.items():
            product_id = int(line_id)
            one, pieces = next(iter(goods.items()))
            units[product_id] = pieces // per_unit[product_id, one]
        found.append(Route(locations.by_id(share.place.id), method, units, share.goods, kept))
    return tuple(found)


def refusal(decided: Decision, problem: Problem, known: Survey) -> InsufficientStock | errors.NoAbleLocation:
    """Return why something can't be sent, with what is there at the place that lacks least."""
    nearly = decision.nearly(decided)
    if nearly is None:
        return errors.NoAbleLocation(
            f"No location offers '{problem.method}' for this destination.",
            candidates=[
                {"location": code, "able": False, "reasons": [reason.value]}
                for reason, codes in decided.excluded.items()
                for code in codes
            ][:MOST_TOLD],
        )
    code, short = nearly
    place = next(one for one in known.network.places if one.code == code)
    return InsufficientStock(
        "There is not enough stock at one location for this.",
        reason=decided.refusal.value if decided.refusal else "",
        lines=[
            {"product_id": product, "location_id": place.id, "wanted": problem.wanted[product], "available": available}
            for product, available in short.items()
        ],
    )


def _inputs(ask: Ask, problem: Problem) -> dict[str, Any]:
    return {
        "method": problem.method,
        "wanted": _named(problem.wanted),
        "country": problem.country,
        "has_coordinates": problem.point is not None,
        "value_minor": problem.value_minor,
        "grams": sum(line.grams for line in problem.lines),
        "channel": ask.channel.channel_code,
    }


def _named(wanted: Mapping[int, int]) -> dict[str, int]:
    products = catalog.products_by_id(wanted)
    return {products[product_id].sku: quantity for product_id, quantity in wanted.items()}
