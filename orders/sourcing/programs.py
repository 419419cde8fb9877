"""The programs that choose one way for each order, so that no shelf and no place's day is used twice. [pure]

The whole-number one says which ways; it goes stage by stage, and no stage undoes the one before it. The linear one says what a
piece on a shelf and an order of a place's day are worth: so much less would all orders cost, were there one more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from orders.sourcing.consignments import Way
from orders.sourcing.measuring import Tolls, World
from orders.sourcing.policy import Mode, Policy
from orders.sourcing.problem import Problem

GAP = 1e-9
MILLI = 1_000  # of a minor unit, in which scores are counted

Floats = NDArray[np.float64]
Key = tuple[
    str, int, int
]  # "order" and its number, "stock" with product and place, "day" and its place, "parcel" by number


@dataclass(frozen=True, slots=True)
class Rows:
    """What a choice must keep to: for each key what a way takes of it (columns are ways), and how much there is."""

    keys: tuple[Key, ...]
    matrix: sparse.csr_matrix
    limits: Floats


@dataclass(frozen=True, slots=True)
class Worth:
    """What the linear program says: what is scarce is worth to others, what each order costs all, and what all cost at least.

    `least` is a bound on the score of the orders that are served, among the ways that were offered; None where some are not.
    """

    tolls: Tolls
    orders: Floats
    least: float | None


def choice(
    problems: Sequence[Problem], ways: Sequence[Way], world: World, policy: Policy, seconds: float
) -> tuple[list[Way | None] | None, bool]:
    """Return the best choice of ways, and whether that is proven; nothing when the program found none in time."""
    kept = rows(problems, ways, world)
    matrix, limits = kept.matrix, kept.limits
    stages = [*_served(problems, ways), *_measures(ways, policy)]
    is_optimal, picked = True, None
    for stage in stages:
        result = optimize.milp(
            stage,
            integrality=np.ones(len(ways)),
            bounds=optimize.Bounds(0, 1),
            constraints=optimize.LinearConstraint(sparse.csr_matrix(matrix), -np.inf, limits),
            options={"time_limit": seconds, "mip_rel_gap": GAP},
        )
        if result.x is None:
            return None, False
        is_optimal = is_optimal and result.status == 0
        picked = np.rint(result.x).astype(np.int64)
        reached = float(stage @ picked)
        matrix = sparse.vstack([matrix, sparse.csr_matrix(stage)])
        limits = np.append(limits, reached + 0.5)  # what is whole stays whole: the next stage may not undo this one
    chosen: list[Way | None] = [None] * len(problems)
    for way, is_picked in zip(ways, picked if picked is not None else (), strict=True):
        if is_picked:
            for number in way.orders:
                chosen[number] = way
    return chosen, is_optimal


def worth(problems: Sequence[Problem], ways: Sequence[Way], world: World) -> Worth | None:
    """Return what goods and days are worth, were orders divisible; nothing when the program fails. For weighed policies.

    An order that nobody serves costs more than any way of any order, an express one more than all others.
    """
    kept = rows(problems, ways, world)
    scores = np.array([way.plan.score for way in ways], dtype=np.float64) / MILLI
    dear = 4 * max(float(np.abs(scores).max()), 1.0)
    unserved = np.array([dear * (8 if problem.is_express else 1) for problem in problems])
    wanting = sparse.csr_matrix(
        (np.ones(len(problems)), (_orders(kept, len(problems)), np.arange(len(problems)))),
        shape=(len(kept.keys), len(problems)),
    )
    is_order = np.array([key[0] == "order" for key in kept.keys])
    whole = sparse.hstack([kept.matrix, wanting]).tocsr()
    result = optimize.linprog(
        np.concatenate([scores, unserved]),
        A_ub=whole[~is_order] if (~is_order).any() else None,
        b_ub=kept.limits[~is_order] if (~is_order).any() else None,
        A_eq=whole[is_order],
        b_eq=np.ones(int(is_order.sum())),
        bounds=(0, None),
        method="highs",
    )
    if result.x is None or result.status != 0:
        return None
    goods: dict[int, NDArray[np.int64]] = {}
    day = np.zeros(world.network.size, dtype=np.int64)
    for (kind, one, two), price in zip(
        (key for key in kept.keys if key[0] != "order"), result.ineqlin.marginals.tolist(), strict=True
    ):
        toll = max(round(-price * MILLI), 0)
        if not toll:
            continue
        if kind == "stock":
            goods.setdefault(one, np.zeros(world.network.size, dtype=np.int64))[two] = toll
        elif kind == "day":
            day[one] = toll
    orders = np.zeros(len(problems))
    numbers = [key[1] for key in kept.keys if key[0] == "order"]
    orders[numbers] = result.eqlin.marginals * MILLI
    are_served = not (result.x[len(ways) :] > GAP).any()
    return Worth(Tolls(goods, day), orders, float(result.fun) * MILLI if are_served else None)


def _orders(kept: Rows, count: int) -> list[int]:
    numbers = {key[1]: row for row, key in enumerate(kept.keys) if key[0] == "order"}
    return [numbers[number] for number in range(count)]


def rows(problems: Sequence[Problem], ways: Sequence[Way], world: World) -> Rows:
    """Return what the choice must keep to: one way per order, pieces that are there, and the places' days."""
    demand: dict[Key, list[tuple[int, int]]] = {("order", number, 0): [] for number in range(len(problems))}
    open_ones = {one: row for row, one in enumerate(sorted({one for way in ways for one in way.joined.values()}))}
    for column, way in enumerate(ways):
        for one in way.joined.values():
            demand.setdefault(("parcel", open_ones[one], 0), []).append((column, 1))
        for number in way.orders:
            demand["order", number, 0].append((column, 1))
        if problems[way.orders[0]].judges_stock:
            for (product, place), pieces in way.use.items():
                demand.setdefault(("stock", product, place), []).append((column, pieces))
        for place, orders in way.days.items():
            if world.network.places[place].capacity_left is not None:
                demand.setdefault(("day", place, 0), []).append((column, orders))
    entries: list[tuple[int, int, int]] = []
    keys: list[Key] = []
    limits: list[float] = []
    for key, columns in demand.items():
        kind, first, second = key
        limit = 1
        if kind == "stock":
            limit = int(world.shelves[first].available[second])
        elif kind == "day":
            limit = world.network.places[first].capacity_left or 0
        if kind != "order" and sum(pieces for _column, pieces in columns) <= limit:
            continue
        entries += [(len(limits), column, pieces) for column, pieces in columns]
        keys.append(key)
        limits.append(limit)
    numbers, columns_of, values = zip(*entries, strict=True)
    matrix = sparse.csr_matrix((values, (numbers, columns_of)), shape=(len(limits), len(ways)), dtype=np.float64)
    return Rows(tuple(keys), matrix, np.array(limits, dtype=np.float64))


def _served(problems: Sequence[Problem], ways: Sequence[Way]) -> list[Floats]:
    """Return the first stages: serve as many express orders as can be, then as many orders."""
    express = np.array([-float(sum(problems[number].is_express for number in way.orders)) for way in ways])
    orders = np.array([-float(len(way.orders)) for way in ways])
    return [express, orders] if express.any() else [orders]


def _measures(ways: Sequence[Way], policy: Policy) -> list[Floats]:
    """Return the stages of the policy: the one score of a weighed policy, or every criterion of a ranked one in turn."""
    if policy.mode is Mode.WEIGHED:
        return [np.array([float(way.plan.score) for way in ways])]
    stages = []
    for term in policy.terms:
        values = [
            sum(-(-part.block.value(term.criterion, part.place) // term.step) for part in way.plan.parts)
            for way in ways
        ]
        if any(
            value * len(ways[0].orders) != values[0] * len(way.orders) for value, way in zip(values, ways, strict=True)
        ):
            stages.append(np.array(values, dtype=np.float64))
    return stages
