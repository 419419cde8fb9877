"""Orders as they come in: real invoices in their order of time, one by one or in batches, from stock that is filled now and then.

One by one, each order is served in full as it comes, in a parcel of its own. In batches, orders are decided together, and one may
come into its customer's parcel as long as that waits: while WAITS further orders come in, which are some minutes of a busy shop.
Both follow the same rules and take from the same shelves; nothing comes back. What is saved is carriage and handling of all
orders, also where batches serve more of them, which costs more.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from orders.sourcing import batch
from orders.sourcing.decision import Decision
from orders.sourcing.measuring import World
from orders.sourcing.network import Shelf
from orders.sourcing.problem import OpenParcel, Problem
from tests.benchmarks import real_orders

FILLED = 600  # orders for which stock is there, then it is filled anew
WAITS = 400  # orders that come in while a parcel waits for its picker
MOST_ORDERS = 6  # in one parcel


@dataclass
class Total:
    cost_minor: int = 0
    unserved: int = 0
    joined: int = 0  # orders that came into a parcel that waited
    shared: int = 0  # orders that got one parcel together
    score: int = 0  # of the batches whose least is known
    least: int = 0


@dataclass
class _Box:
    made: int
    recipient: str
    place_id: int
    id: str
    grams: int
    orders: list[str] = field(default_factory=list)


def replay(asked: list[Problem], world: World, *, size: int) -> Total:
    """Serve orders in batches of a size."""
    total, taken, boxes = Total(), Counter[tuple[int, int]](), list[_Box]()
    for number, start in enumerate(range(0, len(asked), size)):
        boxes = [box for box in boxes if (number - box.made) * size <= WAITS]
        new = [_with_boxes(one, boxes) for one in asked[start : start + size]]
        made = batch.plan_batch(new, _left(world, taken), real_orders.POLICY)
        total.cost_minor += made.total.cost_minor
        total.unserved += made.total.unserved
        total.joined += len(made.joined)
        total.shared += sum(len(orders) for _place, orders in made.parcels)
        if made.least_score is not None:
            total.score, total.least = total.score + made.total.score, total.least + made.least_score
        for decision in made.decisions:
            for share in decision.shares:
                for product, pieces in share.goods.items():
                    taken[product, world.network.index[share.place.id]] += pieces
        _pack(number, new, made, boxes)
    return total


def _with_boxes(problem: Problem, boxes: list[_Box]) -> Problem:
    if not problem.recipient or problem.is_express:
        return problem
    found = tuple(
        OpenParcel(box.id, box.place_id, box.grams, tuple(box.orders))
        for box in boxes
        if box.recipient == problem.recipient and len(box.orders) < MOST_ORDERS
    )
    return replace(problem, open_parcels=found)


def _left(world: World, taken: Counter[tuple[int, int]]) -> World:
    shelves = dict(world.shelves)
    for (product, place), pieces in taken.items():
        available = shelves[product].available.copy()
        available[place] -= pieces
        shelves[product] = Shelf(available)
    return World(world.network, shelves)


def _pack(number: int, problems: list[Problem], made: batch.Batch, boxes: list[_Box]) -> None:
    """Keep what waits from now on: parcels that were entered, shared ones, and those of one order."""
    into = {(order, place_id): box_id for order, place_id, box_id in made.joined}
    group = {(order, place_id): orders for place_id, orders in made.parcels for order in orders}
    new: dict[tuple[int, tuple[int, ...]], _Box] = {}
    for order, (problem, decision) in enumerate(zip(problems, made.decisions, strict=True)):
        if not problem.recipient or problem.is_express:
            continue
        for place_id, grams in _grams(problem, decision).items():
            key = place_id, group.get((order, place_id), (order,))
            if (order, place_id) in into:
                box = next(one for one in boxes if one.id == into[order, place_id])
            elif key in new:
                box = new[key]
            else:
                box = new[key] = _Box(number, problem.recipient, place_id, f"{problem.id}:{place_id}", 0)
                boxes.append(box)
            box.grams += grams
            box.orders.append(problem.id)


def _grams(problem: Problem, decision: Decision) -> dict[int, int]:
    """Return what an order's parts weigh, by place."""
    each = {line.goods[0][0]: line.grams // line.pieces for line in problem.lines}
    return {
        share.place.id: sum(pieces * each[product] for product, pieces in share.goods.items())
        for share in decision.shares
    }


def saved(orders: int, percent: int, size: int) -> dict[str, float]:
    """Return what batches save with so many percent of what is asked for in stock: in all, and of that without shared parcels."""
    net, points = real_orders.stores(), real_orders.homes()
    found = real_orders.invoices(max(orders // FILLED, 1) * FILLED)
    numbers = real_orders.numbered(found)
    sums: dict[str, Counter[str]] = {name: Counter() for name in ("one", "joining", "apart", "together")}
    for start in range(0, len(found), FILLED):
        asked = real_orders.problems(found[start : start + FILLED], points, numbers)
        world = real_orders.scarce(net, asked, percent=percent, deals=f"stock{start}")
        strangers = [replace(one, recipient="") for one in asked]
        for name, total in (
            ("one", replay(strangers, world, size=1)),
            ("joining", replay(asked, world, size=1)),
            ("apart", replay(strangers, world, size=size)),
            ("together", replay(asked, world, size=size)),
        ):
            sums[name].update(vars(total))
    one, together = sums["one"]["cost_minor"], sums["together"]
    return {
        f"saved_with_{percent}_percent_in_stock": 100 * (1 - together["cost_minor"] / one),
        f"of_that_each_in_its_own_parcel_with_{percent}": 100 * (1 - sums["apart"]["cost_minor"] / one),
        f"one_by_one_into_parcels_that_wait_with_{percent}": 100 * (1 - sums["joining"]["cost_minor"] / one),
        f"unserved_one_by_one_with_{percent}": float(sums["one"]["unserved"]),
        f"unserved_together_with_{percent}": float(together["unserved"]),
        f"orders_in_shared_parcels_with_{percent}": float(together["shared"] + together["joined"]),
        f"percent_above_the_least_with_{percent}": 100 * (together["score"] / max(together["least"], 1) - 1),
    }
