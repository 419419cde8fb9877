"""Ways in which orders may be served, and orders of one recipient that travel as one parcel. [pure]

Orders with the same `recipient` (one customer, one address, one channel) may share a parcel from a place that may serve each of
them: one carriage and one handling instead of two. They may come into one that waits there since earlier, too; then they cost
what it costs more. None of them arrives later for it than it was promised, or than it would
alone; none is split that would not be split alone; every rule about each of them holds for the parcel. What it costs is shared
by weight.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from orders.sourcing.criteria import Criterion
from orders.sourcing.decision import Decision, Together, explain
from orders.sourcing.measuring import Block, Look, Tolls, World
from orders.sourcing.policy import Policy
from orders.sourcing.problem import Line, OpenParcel, Problem
from orders.sourcing.search import Found, Part, Plan, search

MOST_JOINED = 6  # orders in one parcel
MOST_IN_ALL_WAYS = 4  # up to which every choice among them is tried; more travel all together or two by two
PLACES = 8  # from which orders may travel together

Use = dict[tuple[int, int], int]  # pieces by product and number of the place


@dataclass(frozen=True, slots=True)
class Way:
    """One way to serve one order, or several as one, and what it takes: pieces, and of each place's day so many orders."""

    orders: tuple[int, ...]
    found: Found
    plan: Plan
    use: Use
    days: dict[int, int]
    joined: dict[int, str] = field(default_factory=dict)  # by place, the open parcel that its part comes into

    @property
    def places(self) -> frozenset[int]:
        return frozenset(self.days)


def way(order: int, found: Found, plan: Plan) -> Way:
    """Return a way to serve one order."""
    return Way((order,), found, plan, use(found, plan), {part.place: 1 for part in plan.parts})


def untolled(found: Found) -> Found:
    """Return what a search with tolls came to, measured without them."""
    look = Look(found.look.problem, found.look.world, found.look.policy, found.look.lines, joins=found.look.joins)
    return replace(found, look=look, best={}, chosen=measured(look, found.chosen) if found.chosen else None)


def measured(look: Look, plan: Plan) -> Plan:
    """Return a plan as it measures by another look at the same lines."""
    parts = tuple(Part(part.units, look.block(part.units), part.place) for part in plan.parts)
    return Plan(parts, sum(part.score for part in parts), plan.is_exact)


def use(found: Found, plan: Plan) -> Use:
    """Return what a plan takes."""
    taken: Use = {}
    for part in plan.parts:
        for unit in part.units:
            for product, pieces in found.look.lines[unit].goods:
                taken[product, part.place] = taken.get((product, part.place), 0) + pieces
    return taken


def joint_ways(
    group: tuple[int, ...],
    problems: Sequence[Problem],
    alone: Sequence[Found],
    world: World,
    policy: Policy,
    tolls: Tolls | None = None,
) -> list[Way]:
    """Return the ways in which orders of a group may travel as one; with tolls those that are best when these are paid."""
    numbers = world.network.index
    waiting = {
        numbers[one.place_id]: one for one in reversed(problems[group[0]].open_parcels) if one.place_id in numbers
    }
    found = []
    for orders in _choices(group):
        if len(orders) > 1:
            found += _as_one(orders, problems, alone, world, policy, tolls, {})
        room = {place: one for place, one in waiting.items() if len(one.orders) + len(orders) <= MOST_JOINED}
        if room:
            found += _as_one(orders, problems, alone, world, policy, tolls, room)
    return found


def groups(problems: Sequence[Problem], alone: Sequence[Found]) -> list[tuple[int, ...]]:
    """Return the orders that might travel together, or come into an open parcel: the same recipient, method, urgency and day;
    first come, first together."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for number, problem in enumerate(problems):
        if problem.recipient and problem.only is None and alone[number].chosen is not None:
            key = (
                problem.recipient, problem.country, problem.method, problem.is_express, problem.asked_on,
                problem.leave_on, problem.judges_stock, problem.point, problem.area, problem.open_parcels,
            )  # fmt: skip
            alike.setdefault(key, []).append(number)
    cut = [
        tuple(group[start : start + MOST_JOINED])
        for group in alike.values()
        for start in range(0, len(group), MOST_JOINED)
    ]
    return [group for group in cut if len(group) > 1 or problems[group[0]].open_parcels]


def _choices(group: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    sizes = range(1, len(group) + 1) if len(group) <= MOST_IN_ALL_WAYS else (1, 2, len(group))
    for size in sizes:
        yield from combinations(group, size)


def _as_one(
    orders: tuple[int, ...],
    problems: Sequence[Problem],
    alone: Sequence[Found],
    world: World,
    policy: Policy,
    tolls: Tolls | None,
    waiting: Mapping[int, OpenParcel],
) -> list[Way]:
    """Return the ways of orders that travel as one; of those with `waiting` parcels only such as come into one of them."""
    merged = _merged([problems[number] for number in orders])
    joins = {place: one.bulk for place, one in waiting.items()}
    found = search(Look(merged, world, policy, None, tolls, joins))
    if found.chosen is None:
        return []
    if tolls is not None:
        found = untolled(found)
    plans: list[Plan] = []
    single = found.best.get(1)
    if single is not None and tolls is None:
        (part,) = single.parts
        plans += [Plan((Part(part.units, part.block, place),), score) for score, place in part.block.ranked(PLACES)]
    if found.chosen is not None and (tolls is not None or len(found.chosen.parts) > 1):
        plans.append(found.chosen)
    limits = {number: _latest(problems[number], alone[number]) for number in orders}
    most = {number: len(one.parts) for number in orders if (one := alone[number].chosen) is not None}
    made = []
    for plan in plans:
        joined = {part.place: waiting[part.place].id for part in plan.parts if part.place in waiting}
        if waiting and not joined:
            continue
        inside = [{orders[_number(found.look.lines[unit])] for unit in part.units} for part in plan.parts]
        days: dict[int, int] = {}
        parts = dict.fromkeys(orders, 0)
        is_in_time = True
        for part, there in zip(plan.parts, inside, strict=True):
            days[part.place] = len(there)
            arrives = _arrives(found.look, part.block, part.place)
            for number in there:
                parts[number] += 1
                is_in_time = is_in_time and (arrives is None or arrives <= limits[number])
        if is_in_time and all(parts[number] <= most[number] for number in orders):
            made.append(Way(orders, found, plan, use(found, plan), days, joined))
    return made


def _merged(problems: Sequence[Problem]) -> Problem:
    """Return several orders as one; its lines know by their ids whose they are."""
    lines: list[Line] = []
    rejected: dict[str, frozenset[int]] = {}
    for number, problem in enumerate(problems):
        lines += [replace(line, id=f"{number}:{line.id}") for line in problem.lines]
        rejected |= {f"{number}:{line_id}": places for line_id, places in problem.rejected.items()}
    due = [problem.due_on for problem in problems if problem.due_on is not None]
    return replace(
        problems[0], lines=tuple(lines), rejected=rejected, value_minor=sum(one.value_minor for one in problems),
        due_on=min(due, default=None), priority=max(problem.priority for problem in problems),
        restrictions=tuple(dict.fromkeys(one for problem in problems for one in problem.restrictions)),
    )  # fmt: skip


def _number(line: Line) -> int:
    return int(line.id.partition(":")[0])


def _latest(problem: Problem, found: Found) -> int:
    """Return the day on which an order has to arrive: as promised, else as it would alone (ordinals)."""
    if problem.due_on is not None:
        return problem.due_on.toordinal()
    days = [_arrives(found.look, part.block, part.place) for part in found.chosen.parts] if found.chosen else []
    return max((day for day in days if day is not None), default=0)


def _arrives(look: Look, block: Block, place: int) -> int | None:
    travels = look.way(block, place)
    return None if travels is None else travels.arrives_on


# --- what came of it ----------------------------------------------------------------------------------------------------


def decisions(
    one: Way, problems: Sequence[Problem], alone: Sequence[Found], world: World, policy: Policy
) -> dict[int, Decision]:
    """Return a way of several orders, or into an open parcel, as the decision on each: its goods, and its share of the cost."""
    lines = one.found.look.lines
    together: dict[int, list[Together]] = {number: [] for number in one.orders}
    costs = dict.fromkeys(one.orders, 0)
    for part in one.plan.parts:
        grams: dict[int, int] = {}
        for unit in part.units:
            number = one.orders[_number(lines[unit])]
            grams[number] = grams.get(number, 0) + max(lines[unit].grams, 1)
        cost = part.block.value(Criterion.COST, part.place)
        for number, share in _shared(cost, grams).items():
            costs[number] += share
            others = tuple(problems[other].id for other in sorted(grams) if other != number)
            into = [box for box in problems[number].open_parcels if box.id == one.joined.get(part.place)]
            if others or into:
                known = tuple(name for box in into for name in box.orders)
                place = world.network.places[part.place]
                together[number].append(Together(place, (*known, *others), cost, share, bool(into)))
    found = {}
    for position, number in enumerate(one.orders):
        own = [unit for unit, line in enumerate(lines) if _number(line) == position]
        renamed = tuple(replace(lines[unit], id=lines[unit].id.partition(":")[2]) for unit in own)
        look = Look(problems[number], world, policy, renamed)
        parts = []
        for part in one.plan.parts:
            units = tuple(own.index(unit) for unit in part.units if unit in own)
            if units:
                parts.append(Part(units, look.block(units), part.place))
        plan = Plan(tuple(parts), sum(part.score for part in parts), one.plan.is_exact)
        base = replace(alone[number], look=look, chosen=plan, refusal=None, was_divided=one.found.was_divided)
        made = explain(look, base)
        travels = {
            world.network.places[part.place].id: one.found.look.way(part.block, part.place) for part in one.plan.parts
        }
        shares = tuple(
            replace(share, winner=replace(share.winner, way=travels[share.place.id])) for share in made.shares
        )
        found[number] = replace(made, shares=shares, cost_minor=costs[number], together=tuple(together[number]))
    return found


def parcels(one: Way) -> list[tuple[int, tuple[int, ...]]]:
    """Return the parcels of a way that several orders share as new ones: the number of the place, and the orders."""
    lines = one.found.look.lines
    found = [(part.place, sorted({one.orders[_number(lines[unit])] for unit in part.units})) for part in one.plan.parts]
    return [(place, tuple(orders)) for place, orders in found if len(orders) > 1 and place not in one.joined]


def joined(one: Way) -> list[tuple[int, int, str]]:
    """Return which orders of a way come from which place into which open parcel."""
    lines = one.found.look.lines
    return [
        (number, part.place, one.joined[part.place])
        for part in one.plan.parts
        if part.place in one.joined
        for number in sorted({one.orders[_number(lines[unit])] for unit in part.units})
    ]


def _shared(cost_minor: int, grams: dict[int, int]) -> dict[int, int]:
    """Share a cost by weight, to the last cent."""
    total, so_far, given, shares = sum(grams.values()), 0, 0, {}
    for number in sorted(grams):
        so_far += grams[number]
        shares[number] = cost_minor * so_far // total - given
        given += shares[number]
    return shares
