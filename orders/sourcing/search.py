"""Finds the best way to serve an order from one place or several: exact for small orders, a fixed heuristic for large ones. [pure]

Exact: every set of lines is measured once at all places and its few best places are kept. A plan with p parts cuts the lines into
p sets and gives each a place of its own; since at most p - 1 of a set's places can be taken by its neighbours, the best
plan uses one of the p best of each set. The bound that cuts the search short forgets that places must differ.

Large orders: places that have most are taken first, from several beginnings; the plan says that it may not be the best.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from orders.sourcing.criteria import Criterion, Refusal
from orders.sourcing.measuring import Block, Look
from orders.sourcing.policy import Mode, Policy
from orders.sourcing.problem import Line

MOST_EXACT = 7  # units that may part: 127 sets of them, and at most 715 plans of one to four parts
BEGINNINGS = 12  # from which the heuristic tries
NEVER = 1 << 4_000  # worse than every score

Units = tuple[int, ...]
Tops = list[tuple[int, int]]  # score and place, the best first


@dataclass(frozen=True, slots=True)
class Part:
    """What one place, by its number, would send: which units of the order."""

    units: Units
    block: Block
    place: int

    @property
    def score(self) -> int:
        return self.block.score(self.place)

    @property
    def cost_minor(self) -> int:
        return self.block.value(Criterion.COST, self.place)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole order, each of its parts at another place."""

    parts: tuple[Part, ...]
    score: int
    is_exact: bool = True

    @property
    def cost_minor(self) -> int:
        return sum(part.cost_minor for part in self.parts)


@dataclass(slots=True)
class Found:
    """What a search came to: the best plan for every number of parts, and the one that the policy takes."""

    look: Look
    best: dict[int, Plan] = field(default_factory=dict)
    chosen: Plan | None = None
    refusal: Refusal | None = None
    is_exact: bool = True
    was_divided: bool = False
    looked_at: int = 0  # sets of lines that were measured


class Blocks:
    """The blocks of an order, each measured once, and the best places of each."""

    def __init__(self, look: Look, most_parts: int) -> None:
        self._look, self._most = look, most_parts
        self._known: dict[Units, tuple[Block, Tops]] = {}

    def best(self, units: Units) -> tuple[Block, Tops]:
        """Return a block with its best places."""
        if units not in self._known:
            block = self._look.block(units)
            self._known[units] = (block, block.ranked(self._most))
        return self._known[units]

    def __len__(self) -> int:
        return len(self._known)


def search(look: Look) -> Found:
    """Return the plan that the policy takes for an order, or why there is none. The same problem gives the same plan."""
    policy, problem = look.policy, look.problem
    found = _whole_lines(look)
    may_divide = policy.may_divide_lines and policy.most_parts > 1 and problem.value_minor >= policy.split_from_minor
    if found.chosen is None and may_divide and problem.judges_stock and (divided := _divided(look)) is not None:
        lines, is_exact = divided
        again = _whole_lines(Look(problem, look.world, policy, lines, look.tolls))
        if again.chosen is not None:
            again.was_divided, again.is_exact = True, again.is_exact and is_exact
            return again
    if found.chosen is None and found.refusal is None:
        found.refusal = _refusal(look)
    return found


def _whole_lines(look: Look) -> Found:
    policy, number = look.policy, len(look.lines)
    most = min(policy.most_parts, number)
    may_split = most > 1 and look.problem.value_minor >= policy.split_from_minor
    blocks, everything = Blocks(look, most), tuple(range(number))
    found = Found(look)
    block, tops = blocks.best(everything)
    if tops:
        score, place = tops[0]
        found.best[1] = Plan((Part(everything, block, place),), score)
    if may_split and all(column.any() for column in look.could):
        if number <= MOST_EXACT:
            _exact(look, blocks, most, found)
        else:
            found.is_exact = False
            _heuristic(look, blocks, most, found)
    found.chosen = choose(found.best, policy)
    found.looked_at = len(blocks)
    if found.chosen is None and not may_split and most > 1 and all(column.any() for column in look.could):
        found.refusal = Refusal.SPLIT_BELOW_VALUE
    return found


def choose(best: Mapping[int, Plan], policy: Policy) -> Plan | None:
    """Return the plan that the thresholds allow: as few parts as it takes, more where each further one saves enough.

    What is saved is money: of a weighed policy the score, of a ranked one what shipping and handling cost.
    """
    if not best:
        return None
    least = min(best)
    chosen = best[least]
    for parts in sorted(best):
        plan, more = best[parts], parts - least
        if (
            more
            and _saved_milli(best[least], plan, policy) >= more * policy.split_saves_minor * 1_000
            and (plan.score < chosen.score)
        ):
            chosen = plan
    return chosen


def _saved_milli(whole: Plan, split: Plan, policy: Policy) -> int:
    """Thousandths of a minor unit."""
    if policy.mode is Mode.WEIGHED:
        return whole.score - split.score
    return (whole.cost_minor - split.cost_minor) * 1_000


# --- exact ------------------------------------------------------------------------------------------------------------


def _exact(look: Look, blocks: Blocks, most: int, found: Found) -> None:
    number = len(look.lines)
    full = (1 << number) - 1
    tops: dict[int, Tops] = {}
    for mask in range(1, full + 1):
        _block, best = blocks.best(_units(mask))
        if best:
            tops[mask] = best
    bounds = _bounds(tops, full, most)
    for parts in range(2, most + 1):
        if full in bounds[parts]:
            plan = _best_of(tops, bounds, full, parts)
            if plan is not None:
                score, chosen = plan
                found.best[parts] = Plan(
                    tuple(Part(_units(mask), blocks.best(_units(mask))[0], place) for mask, place in chosen), score
                )


def _units(mask: int) -> Units:
    return tuple(number for number in range(mask.bit_length()) if mask >> number & 1)


def _first_sets(mask: int) -> Iterator[int]:
    """Yield the subsets of a set that hold its lowest member, so that every partition is met once."""
    low = mask & -mask
    rest = mask ^ low
    sub = rest
    while True:
        yield sub | low
        if not sub:
            return
        sub = (sub - 1) & rest


def _bounds(tops: Mapping[int, Tops], full: int, most: int) -> list[dict[int, int]]:
    """Return by number of parts and set the least score of a cut in so many parts, were places free to be used twice."""
    bounds: list[dict[int, int]] = [{}, {mask: best[0][0] for mask, best in tops.items()}]
    for parts in range(2, most + 1):
        level: dict[int, int] = {}
        before, single = bounds[parts - 1], bounds[1]
        for mask in range(1, full + 1):
            if mask.bit_count() < parts:
                continue
            least = min(
                (
                    single[sub] + before[mask ^ sub]
                    for sub in _first_sets(mask)
                    if sub in single and mask ^ sub in before
                ),
                default=None,
            )
            if least is not None:
                level[mask] = least
        bounds.append(level)
    return bounds


def _best_of(
    tops: Mapping[int, Tops], bounds: list[dict[int, int]], full: int, parts: int
) -> tuple[int, list[tuple[int, int]]] | None:
    """Return the best plan of exactly so many parts at different places: its score, and set and place of each part."""
    best: list[tuple[int, list[tuple[int, int]]]] = [(NEVER, [])]

    def extend(rest: int, left: int, score: int, taken: tuple[int, ...], chosen: list[tuple[int, int]]) -> None:
        if not rest:
            best[0] = (score, chosen)
            return
        for sub in _first_sets(rest):
            remaining = rest ^ sub
            if sub not in tops or (left == 1) != (remaining == 0):
                continue
            bound = bounds[left - 1].get(remaining) if remaining else 0
            if bound is None:
                continue
            for value, place in tops[sub]:
                if score + value + bound >= best[0][0]:
                    break  # the next ones are no better
                if place not in taken:
                    extend(remaining, left - 1, score + value, (*taken, place), [*chosen, (sub, place)])

    extend(full, parts, 0, (), [])
    return best[0] if best[0][1] else None


# --- heuristic ----------------------------------------------------------------------------------------------------------


def _heuristic(look: Look, blocks: Blocks, most: int, found: Found) -> None:
    for first in _fullest(look, tuple(range(len(look.lines))), frozenset())[:BEGINNINGS]:
        parts = _greedily(look, blocks, first, most)
        if parts:
            score = sum(part.score for part in parts)
            known = found.best.get(len(parts))
            if known is None or score < known.score:
                found.best[len(parts)] = Plan(tuple(parts), score, is_exact=False)


def _greedily(look: Look, blocks: Blocks, first: int, most: int) -> list[Part] | None:
    left, taken = tuple(range(len(look.lines))), frozenset[int]()
    parts: list[Part] = []
    while left and len(parts) < most:
        places = [first] if not parts else _fullest(look, left, taken)[:BEGINNINGS]
        options = []
        for place in places:
            units = _fitting(look, left, place)
            if units:
                part = _part_at(blocks, look, units, place)
                options.append((-len(units), part.score, place, part))
        if not options:
            return None
        part = min(options, key=lambda one: one[:3])[3]
        parts.append(part)
        taken |= {part.place}
        left = tuple(number for number in left if number not in part.units)
    return None if left or len(parts) < 2 else parts


def _fullest(look: Look, units: Units, taken: frozenset[int]) -> list[int]:
    """Return the places that could serve most of some units, the fullest first, equal ones by distance and code."""
    counts = np.stack([look.could[number] for number in units]).sum(axis=0).tolist()
    order = sorted(
        (-count, int(look.km[place]), place) for place, count in enumerate(counts) if count and place not in taken
    )
    return [place for _count, _km, place in order]


def _fitting(look: Look, units: Units, place: int) -> Units:
    """Return the units that a place can serve together, earlier ones first."""
    left: dict[int, int] = {}
    fitting = []
    for number in units:
        if not look.could[number][place]:
            continue
        goods = look.lines[number].goods
        for product, _pieces in goods:
            left.setdefault(product, int(look.available(product)[place]))
        if look.problem.judges_stock and any(left[product] < pieces for product, pieces in goods):
            continue
        for product, pieces in goods:
            left[product] -= pieces
        fitting.append(number)
    return tuple(fitting)


def _part_at(blocks: Blocks, look: Look, units: Units, place: int) -> Part:
    block, _tops = blocks.best(units)
    return Part(units, block, place)


# --- lines whose pieces part --------------------------------------------------------------------------------------------


def _divided(look: Look) -> tuple[tuple[Line, ...], bool] | None:
    """Return the lines with those divided that no place has whole, and whether every cut of them is tried; or nothing.

    Kits stay whole. Few pieces part one by one; many in as large pieces as places have.
    """
    dividing = [number for number, column in enumerate(look.could) if not column.any()]
    if any(len(look.lines[number].goods) != 1 or look.lines[number].is_kit for number in dividing):
        return None
    total = sum(look.lines[one].goods[0][1] if one in dividing else 1 for one in range(len(look.lines)))
    is_exact = total <= MOST_EXACT
    lines: list[Line] = []
    for number, line in enumerate(look.lines):
        if number not in dividing:
            lines.append(line)
            continue
        ((product, pieces),) = line.goods
        sizes = [1] * pieces if is_exact else _sizes(look, number, pieces)
        if sizes is None:
            return None
        lines += [
            replace(
                line,
                goods=((product, size),),
                grams=line.grams * size // pieces,
                mm3=line.mm3 * size // pieces,
                value_minor=line.value_minor * size // pieces,
            )
            for size in sizes
        ]
    return tuple(lines), is_exact


def _sizes(look: Look, number: int, pieces: int) -> list[int] | None:
    line = look.lines[number]
    able = look.open
    for column in look.line_bars(line).values():
        able = able & ~column
    there = sorted((int(count) for count in look.available(line.goods[0][0])[able]), reverse=True)
    sizes: list[int] = []
    for most in there[: look.policy.most_parts]:
        size = min(most, pieces - sum(sizes))
        if size > 0:
            sizes.append(size)
    return sizes if sum(sizes) == pieces else None


def _refusal(look: Look) -> Refusal:
    if not look.open.any():
        return Refusal.NOBODY_ABLE
    if look.problem.judges_stock and look.policy.most_parts > 1 and all(column.any() for column in look.could):
        return Refusal.TOO_MANY_PARTS
    return Refusal.NOT_ENOUGH_STOCK
