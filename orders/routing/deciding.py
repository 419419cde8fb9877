"""Decides from where what was ordered is served, by the live policy, and what the one in the shadow would have done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from commerce import catalog, ids
from commerce.channels.contracts import IncomingOrder, Portion
from commerce.errors import InvalidInput
from commerce.product_refs import ProductRef
from inventory.errors import HoldNotFound, InsufficientStock
from inventory.kits import Part
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.stock import Capability
from orders import errors
from orders.lifecycle import COLLECTED, SENT, Method
from orders.routing import problems, recording, return_risk, surveying
from orders.routing.recording import Verdict
from orders.routing.standing import Node
from orders.routing.surveying import OrderingChannel, Survey
from orders.sourcing import batch, decision
from orders.sourcing.criteria import Criterion, Reason
from orders.sourcing.decision import Decision
from orders.sourcing.measuring import Way, World
from orders.sourcing.network import Place
from orders.sourcing.policy import Policy
from orders.sourcing.problem import Line, OpenParcel, Problem
from orders.sourcing.standing import Occasion

MOST_TOLD = 20
MOST_NAMED = 3


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
    way: Way | None = None  # by which carrier, where one is known
    store: LocationRef | None = None  # to which it is sent, to be fetched there
    consignment: UUID | None = None  # with whose other orders it travels as one parcel
    joins: UUID | None = None  # the shipment that waits there and into whose parcel it comes


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A portion of an order that needs places: `values` are what its products were sold for, in minor units."""

    order: IncomingOrder
    portion: Portion
    parts: Sequence[Part]
    channel: OrderingChannel
    values: Mapping[int, int] = field(default_factory=dict)
    priority: int = 0  # how much sooner counts for its customer, and why
    priority_why: str = ""
    recipient: str = ""  # whose orders may travel as one parcel, and where to; empty: this one travels alone
    name: str = ""  # what people call the order, where it has a number
    open_parcels: tuple[OpenParcel, ...] = ()  # of the same recipient, into which it may come in a batch

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
    elif portion.method == Method.SHIP_TO_STORE:
        found = _to_a_store(ask, known)
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
        if ask.portion.method in SENT and ask.order.reservation_id is None:
            groups.setdefault(ask.channel.channel_id, []).append(number)
    for channel_id, numbers in groups.items():
        for start in range(0, len(numbers), batch.MOST_ORDERS):
            chosen = numbers[start : start + batch.MOST_ORDERS]
            asked = [_problem(asks[number], known) for number in chosen]
            world = known.left(channel_id, {product for problem in asked for product in problem.wanted})
            made = batch.plan_batch(asked, world, known.known.policy)
            shadow = known.known.shadow
            others: Sequence[Decision | None] = (
                batch.plan_batch(asked, world, shadow).decisions if shadow is not None else [None] * len(asked)
            )
            shared = {(one, place_id): new for place_id, of in made.parcels for new in [ids.new()] for one in of}
            into = {(one, place_id): UUID(parcel) for one, place_id, parcel in made.joined}
            for position, (number, problem, decided, other) in enumerate(
                zip(chosen, asked, made.decisions, others, strict=True)
            ):
                if decided.shares:
                    routes = _routes(
                        asks[number], problem, decided, world, known, occasion=Occasion.BATCHED, other=other
                    )
                    routes = tuple(
                        replace(
                            one,
                            consignment=shared.get((position, one.location.id)),
                            joins=into.get((position, one.location.id)),
                        )
                        for one in routes
                    )
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


def _to_a_store(ask: Ask, known: Survey) -> tuple[Route, ...]:
    """Send it from other places to the store that the customer chose: from one, or in parts as the policy splits shipments."""
    store = locations.by_id(ask.portion.location_id or 0)
    paused = known.known.nodes.get(store.id, Node()).is_paused
    why = (
        "is not active" if not store.is_active
        else "takes no orders for now" if paused
        else "hands nothing out to customers" if Capability.PICKUP not in store.capabilities
        else ""
    )  # fmt: skip
    if why:
        raise errors.LocationNotAble(
            f"{store.name} {why}; GET /api/v1/locations lists what each location offers.",
            errors=[{"field": "location", "value": store.code, "message": why}],
            location=store.code,
        )
    sending = replace(
        ask, order=replace(ask.order, ship_to=_address(store)), portion=replace(ask.portion, location_id=None)
    )
    problem = _problem(sending, known, method=Method.SHIP)
    point = (store.latitude, store.longitude) if store.latitude is not None and store.longitude is not None else None
    problem = replace(problem, point=point, rejected={line.id: frozenset({store.id}) for line in problem.lines})
    routes = _decided(sending, problem, known, known.known.policy)
    return tuple(replace(one, method=ask.portion.method, store=store) for one in routes)


def _address(store: LocationRef) -> dict[str, str]:
    return {"country": store.country, "postal_code": store.postal_code, "city": store.city}


def _problem(ask: Ask, known: Survey, *, method: str = "") -> Problem:
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
        problems.lines(ask.parts, ask.values, products, rules, _risks(ask, products, known)),
        method=method or ask.portion.method, country=country, point=known.points.get((country, code)),
        countries=known.network.countries, asked_on=today(known), value_minor=sum(ask.values.values()),
        restricted=problems.restrictions(rules, products) if rules else (), only=only, judges_stock=judges_stock,
        name=ask.name or ask.order.external_reference, due_on=ask.order.deliver_by, sooner=ask.priority,
        recipient=ask.recipient, open_parcels=_reached(ask.open_parcels, known),
    )  # fmt: skip


def _reached(parcels: Sequence[OpenParcel], known: Survey) -> tuple[OpenParcel, ...]:
    """Return the parcels that wait where goods are ready before they leave."""
    places = known.network.places
    return tuple(
        one
        for one in parcels
        if one.place_id in known.network.index
        and (one.leaves_by is None or places[known.network.index[one.place_id]].ready_at <= one.leaves_by)
    )


def _counts_returns(known: Survey) -> bool:
    asked = (known.known.policy, known.known.shadow)
    return any(term.criterion is Criterion.RETURNS for policy in asked if policy for term in policy.terms)


def _risks(ask: Ask, products: Mapping[int, ProductRef], known: Survey) -> dict[int, int]:
    """Return how many of a thousand pieces come back, by product; asked only where a policy goes by it."""
    if not _counts_returns(known):
        return {}
    at, channel_id = known.at, ask.channel.channel_id
    return {
        one.id: permille
        for one in products.values()
        if (permille := return_risk.of(channel_id, one.category, at=at).permille) is not None
    }


def today(known: Survey) -> date:
    """Return the day on which the orders of a survey are asked, where most places are."""
    zone = locations.active()[0].time_zone if locations.active() else "Europe/Berlin"
    return known.at.astimezone(ZoneInfo(zone)).date()


def _sent(ask: Ask, known: Survey) -> tuple[Route, ...]:
    return _decided(ask, _problem(ask, known), known, known.known.policy)


def _decided(ask: Ask, problem: Problem, known: Survey, policy: Policy) -> tuple[Route, ...]:
    channel_id = ask.channel.channel_id
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
    ask: Ask, problem: Problem, decided: Decision, world: World, known: Survey, *, occasion: Occasion = Occasion.PLACED,
    other: Decision | None = None,
) -> tuple[Route, ...]:  # fmt: skip
    inputs = _inputs(ask, problem, known)
    kept = verdict(decided, problem, world, known, inputs=inputs, occasion=occasion, other=other)
    return routes(decided, kept, problem.lines, ask.parts, ask.portion.method)


def verdict(
    decided: Decision, problem: Problem, world: World, known: Survey, *, inputs: Mapping[str, Any],
    occasion: Occasion = Occasion.PLACED, attempt: int = 1, other: Decision | None = None,
) -> Verdict:  # fmt: skip
    """Return a decision as it is kept, with what the policy in the shadow says to the same problem and world.

    A batch is decided by what else is in it, so there `other` is what the shadow decided on all of it.
    """
    made = Verdict(decided, known.known.label, inputs, occasion, attempt)
    if known.known.shadow is None:
        return made
    if other is None:
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
        found.append(Route(locations.by_id(share.place.id), method, units, share.goods, kept, share.winner.way))
    return tuple(found)


def refusal(decided: Decision, problem: Problem, known: Survey) -> InsufficientStock | errors.NoAbleLocation:
    """Return why something can't be sent, with what is there at the place that lacks least."""
    nearly = decision.nearly(decided)
    if nearly is None:
        others = _alternatives(decided, problem, known)
        full = decided.excluded.get(Reason.OVER_CAPACITY, ())
        return errors.NoAbleLocation(
            f"No location offers '{problem.method}' for this destination"
            + (f": {', '.join(full[:MOST_NAMED])} take no more orders today." if full else "."),
            alternatives=others,
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


def _alternatives(decided: Decision, problem: Problem, known: Survey) -> list[dict[str, str]]:
    """Return where else, or from when on, it could be sent, when places are full: another place today, the same tomorrow."""
    full = decided.excluded.get(Reason.OVER_CAPACITY, ())
    if not full:
        return []
    today_is = today(known)
    found = []
    if problem.only is not None:  # its channel chose the place: others may have it
        world = World(known.network, {one: shelf for there in known.shelves.values() for one, shelf in there.items()})
        free = decision.decide(replace(problem, only=None), world, known.known.policy)
        found = [{"location": share.place.code, "from": today_is.isoformat()} for share in free.shares]
    tomorrow = (today_is + timedelta(days=1)).isoformat()
    return found + [{"location": code, "from": tomorrow} for code in full[:MOST_NAMED]]


def _returns(problem: Problem, ask: Ask, known: Survey) -> dict[str, Any]:
    """Return how many of a thousand come back by SKU, None where too few were delivered to say; nothing if nobody goes by it."""
    if not _counts_returns(known):
        return {}
    products = catalog.products_by_id(problem.wanted)
    there = _risks(ask, products, known)
    return {"return_permille": {one.sku: there.get(one.id) for one in products.values()}}


def _inputs(ask: Ask, problem: Problem, known: Survey) -> dict[str, Any]:
    return {
        "method": problem.method,
        "wanted": _named(problem.wanted),
        "country": problem.country,
        "has_coordinates": problem.point is not None,
        "value_minor": problem.value_minor,
        "grams": sum(line.grams for line in problem.lines),
        "channel": ask.channel.channel_code,
        **({"due_on": problem.due_on.isoformat()} if problem.due_on else {}),
        **({"sooner": {"by": ask.priority, "why": ask.priority_why}} if ask.priority else {}),
        **_returns(problem, ask, known),
    }


def _named(wanted: Mapping[int, int]) -> dict[str, int]:
    products = catalog.products_by_id(wanted)
    return {products[product_id].sku: quantity for product_id, quantity in wanted.items()}
