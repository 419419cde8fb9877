"""Decides on many orders together that compete for the same goods and for the same places' day. [pure]

Every order brings a few ways in which it could be served, and under a weighed policy those, too, that are best for it once it
pays what its goods are worth to the others. A mixed-integer program picks one of each, so that no shelf and no day is used
twice. Express orders come first: as many of them as can be are served before the others are looked at. What comes
out is checked in whole numbers against deciding one by one in the order given, and never worse than that: as many served,
or more, and among equals the better score. All are measured by the stock there was before. Orders of one recipient may
travel as one parcel (`orders.sourcing.consignments`); one by one they never do, for each is gone before the next one comes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orders.sourcing import consignments
from orders.sourcing.consignments import Use, Way
from orders.sourcing.criteria import Refusal
from orders.sourcing.decision import Decision, explain
from orders.sourcing.measuring import Look, World
from orders.sourcing.network import Network, Shelf
from orders.sourcing.policy import Mode, Policy
from orders.sourcing.problem import Problem
from orders.sourcing.search import Found, Part, Plan, search

MOST_ORDERS = 500  # in one batch; the program grows with them
WAYS = 16  # single places that an order brings, besides its splits
ROUNDS = 3  # in which orders that compete look for plans without the shelves that too many want
BIDS = 12  # rounds in which orders look for plans that are worth it to all
SECONDS = 2.0  # that a program may take, each of its stages


@dataclass(frozen=True, slots=True)
class Total:
    """What a set of plans comes to: express orders and orders left unserved, and the score of the rest. Less is better."""

    express_unserved: int
    unserved: int
    score: int
    cost_minor: int

    @property
    def rank(self) -> tuple[int, int, int]:
        return self.express_unserved, self.unserved, self.score


@dataclass(frozen=True, slots=True)
class Batch:
    """The decisions in the order of the problems; what they come to, beside what one by one would have."""

    decisions: tuple[Decision, ...]
    total: Total
    one_by_one: Total
    is_optimal: bool  # no better choice exists among the ways that were looked at
    parcels: tuple[tuple[int, tuple[int, ...]], ...] = ()  # that orders share: the place's id, and the orders
    least_score: int | None = None  # that no choice of any ways falls below, where that is known and all are served
    joined: tuple[tuple[int, int, str], ...] = ()  # an order, from a place's id, and the open parcel it comes into

    @property
    def saved_minor(self) -> int:
        """What shipping and handling cost less than one by one, for as many orders."""
        return self.one_by_one.cost_minor - self.total.cost_minor


def plan_batch(problems: Sequence[Problem], world: World, policy: Policy, *, seconds: float = SECONDS) -> Batch:
    """Decide on orders together, express first. Raises: ValueError for more than MOST_ORDERS of them."""
    if len(problems) > MOST_ORDERS:
        raise ValueError(f"a batch has at most {MOST_ORDERS} orders")
    looks = [Look(problem, world, policy) for problem in problems]
    alone = [search(look) for look in looks]
    greedy = _one_by_one(problems, alone, world, policy)
    reference = _total(problems, greedy)
    chosen, is_optimal = greedy, False
    ways = [way for number, found in enumerate(alone) for way in _ways(number, found, greedy[number])]
    ways += _elsewhere(problems, alone, world, policy)
    for group in consignments.groups(problems, alone):
        ways += consignments.joint_ways(group, problems, alone, world, policy)
    least = None
    if ways and policy.mode is Mode.WEIGHED:
        least = _worthwhile(problems, alone, ways, world, policy)
    if ways:
        from orders.sourcing import programs  # here, so that web workers stay light

        answer, is_optimal = programs.choice(problems, ways, world, policy, seconds)
        if answer is not None and _fits(answer, world) and _total(problems, answer).rank < reference.rank:
            chosen = answer
    joined = {
        number: decided
        for way in _different(chosen)
        if len(way.orders) > 1 or way.joined
        for number, decided in consignments.decisions(way, problems, alone, world, policy).items()
    }
    decisions = []
    for number, (look, found, way) in enumerate(zip(looks, alone, chosen, strict=True)):
        if way is None:
            decisions.append(explain(look, found if found.chosen is None else _without(found)))
        elif number in joined:
            decisions.append(joined[number])
        else:
            decisions.append(explain(look, replace(way.found, chosen=way.plan, refusal=None)))
    shared = tuple(
        (world.network.places[place].id, orders)
        for way in _different(chosen)
        if len(way.orders) > 1
        for place, orders in consignments.parcels(way)
    )
    into = tuple(
        (number, world.network.places[place].id, parcel)
        for way in _different(chosen)
        for number, place, parcel in consignments.joined(way)
    )
    return Batch(tuple(decisions), _total(problems, chosen), reference, is_optimal, shared, least, into)


def _without(found: Found) -> Found:
    return replace(found, chosen=None, refusal=Refusal.NOT_ENOUGH_STOCK)


# --- one by one ---------------------------------------------------------------------------------------------------------


def _one_by_one(problems: Sequence[Problem], alone: Sequence[Found], world: World, policy: Policy) -> list[Way | None]:
    """Return what deciding in the order given comes to, express first, each with what the earlier ones left."""
    taken: Use = {}
    days: dict[int, int] = {}
    chosen: list[Way | None] = [None] * len(problems)
    for number in sorted(range(len(problems)), key=lambda one: (not problems[one].is_express, one)):
        found = alone[number]
        if found.chosen is None:
            continue
        way = consignments.way(number, found, found.chosen)
        if not _is_free(way, taken, days, world):
            left = _left(world, taken, days, problems[number])
            again = search(Look(problems[number], left, policy))
            if again.chosen is None:
                continue
            way = consignments.way(number, again, _measured(again, again.chosen, world))
        for key, pieces in way.use.items():
            taken[key] = taken.get(key, 0) + pieces
        for place in way.places:
            days[place] = days.get(place, 0) + 1
        chosen[number] = way
    return chosen


def _is_free(way: Way, taken: Use, days: dict[int, int], world: World) -> bool:
    for (product, place), pieces in way.use.items():
        if way.found.look.problem.judges_stock and (
            int(world.shelves[product].available[place]) - taken.get((product, place), 0) < pieces
        ):
            return False
    limits = [(place, orders, world.network.places[place].capacity_left) for place, orders in way.days.items()]
    return all(limit is None or days.get(place, 0) + orders <= limit for place, orders, limit in limits)


def _left(world: World, taken: Use, days: dict[int, int], problem: Problem) -> World:
    """Return what earlier orders leave of the world, as far as an order cares."""
    shelves = dict(world.shelves)
    for product in problem.wanted:
        shelf = shelves.get(product)
        if shelf is None:
            continue
        available = shelf.available.copy()
        for (one, place), pieces in taken.items():
            if one == product:
                available[place] -= pieces
        shelves[product] = Shelf(available, shelf.guaranteed, shelf.ahead, shelf.enough)
    full = {
        place for place, count in days.items()
        if (limit := world.network.places[place].capacity_left) is not None and count >= limit
    }  # fmt: skip
    network = world.network
    if full:
        places = [replace(one, capacity_left=0) if number in full else one for number, one in enumerate(network.places)]
        network = Network(places, network.tariffs)
    return World(network, shelves)


def _measured(found: Found, plan: Plan, world: World) -> Plan:
    """Return a plan as it measures by the stock there was before any order was served."""
    return consignments.measured(Look(found.look.problem, world, found.look.policy, found.look.lines), plan)


# --- together -----------------------------------------------------------------------------------------------------------


def _ways(number: int, found: Found, greedy: Way | None) -> list[Way]:
    """Return the ways that an order brings: its best places, the splits that the policy allows, and what one by one gave it."""
    ways: list[Way] = []
    if found.chosen is not None:
        single = found.best.get(1)
        if single is not None:
            part = single.parts[0]
            ways += [
                consignments.way(number, found, Plan((Part(part.units, part.block, place),), score))
                for score, place in part.block.ranked(WAYS)
            ]
        if len(found.chosen.parts) > 1 or single is None:
            ways.append(consignments.way(number, found, found.chosen))
    if greedy is not None and all((one.use, one.places) != (greedy.use, greedy.places) for one in ways):
        ways.append(greedy)
    return ways


def _elsewhere(problems: Sequence[Problem], alone: Sequence[Found], world: World, policy: Policy) -> list[Way]:
    """Return for orders that compete their best plans without the shelves that too many want, and again without the next ones."""
    plans = list(alone)
    banned: list[dict[str, frozenset[int]]] = [dict(problem.rejected) for problem in problems]
    ways: list[Way] = []
    for _ in range(ROUNDS):
        wanted: Use = {}
        uses = [consignments.use(found, found.chosen) if found.chosen else {} for found in plans]
        for use in uses:
            for key, pieces in use.items():
                wanted[key] = wanted.get(key, 0) + pieces
        full = {key for key, pieces in wanted.items() if pieces > int(world.shelves[key[0]].available[key[1]])}
        for number, (problem, plan) in enumerate(zip(problems, plans, strict=True)):
            if plan.chosen is None or not problem.judges_stock or not full & uses[number].keys():
                continue
            for line in problem.lines:
                shut = {place for product, place in full & uses[number].keys() if product in dict(line.goods)}
                if shut:
                    ids = {world.network.places[place].id for place in shut}
                    banned[number][line.id] = banned[number].get(line.id, frozenset()) | ids
            again = search(Look(replace(problem, rejected=banned[number]), world, policy))
            plans[number] = again
            if again.chosen is not None:  # perhaps with lines divided that are whole elsewhere
                lines = again.look.lines
                look = alone[number].look
                look = look if lines == look.lines else Look(problem, world, policy, lines)
                ways.append(
                    consignments.way(number, replace(again, look=look), consignments.measured(look, again.chosen))
                )
    return ways


def _worthwhile(
    problems: Sequence[Problem], alone: Sequence[Found], ways: list[Way], world: World, policy: Policy
) -> int | None:
    """Add the ways that are worth it once each order pays what its goods and days are worth to the others, until there are none.

    Return the score below which no choice falls, if that is known: when no way is left that was worth it.
    """
    from orders.sourcing import programs  # here, so that web workers stay light

    known = {_likeness(one) for one in ways}
    groups = consignments.groups(problems, alone)
    is_exact = all(found.is_exact for found in alone)
    for _ in range(BIDS):
        told = programs.worth(problems, ways, world)
        if told is None:
            return None
        new: list[Way] = []
        for number, (problem, found) in enumerate(zip(problems, alone, strict=True)):
            if not problem.judges_stock or not (
                problem.wanted.keys() & told.tolls.goods.keys() or told.tolls.day.any()
            ):
                continue
            again = search(Look(problem, world, policy, None, told.tolls))
            if again.chosen is not None and again.chosen.score < told.orders[number] - 1:
                again = consignments.untolled(again)
                if again.look.lines == found.look.lines:
                    again = replace(again, look=found.look)
                new += [consignments.way(number, again, again.chosen)] if again.chosen else []
        new += [
            one
            for group in groups
            for one in consignments.joint_ways(group, problems, alone, world, policy, told.tolls)
        ]
        fresh = {_likeness(one): one for one in new if _likeness(one) not in known}
        if not fresh:
            near = sum(1 + sum(problem.wanted.values()) for problem in problems)  # tolls are rounded to whole numbers
            return math.floor(told.least) - near if told.least is not None and is_exact else None
        known |= fresh.keys()
        ways += fresh.values()
    return None


def _likeness(one: Way) -> tuple[object, ...]:
    taken, days, joined = (tuple(sorted(facts.items())) for facts in (one.use, one.days, one.joined))
    return one.orders, taken, days, joined


def _fits(chosen: Sequence[Way | None], world: World) -> bool:
    """Whether what was picked can be done, in whole numbers."""
    taken: Use = {}
    days: dict[int, int] = {}
    entered: list[str] = []
    for way in _different(chosen):
        if not _is_free(way, taken, days, world):
            return False
        entered += way.joined.values()
        for key, pieces in way.use.items():
            taken[key] = taken.get(key, 0) + pieces
        for place, orders in way.days.items():
            days[place] = days.get(place, 0) + orders
    return len(entered) == len(set(entered))


def _different(chosen: Sequence[Way | None]) -> list[Way]:
    """Return the ways that were chosen, each once."""
    return list({id(way): way for way in chosen if way is not None}.values())


def _total(problems: Sequence[Problem], chosen: Sequence[Way | None]) -> Total:
    served = _different(chosen)
    return Total(
        sum(problem.is_express and way is None for problem, way in zip(problems, chosen, strict=True)),
        sum(way is None for way in chosen),
        sum(way.plan.score for way in served),
        sum(way.plan.cost_minor for way in served),
    )
