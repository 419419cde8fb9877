"""What sets of pieces get: "buy X get Y", and bundles that share goods for the best total. [pure]

Sets are made from the dearest pieces down. Where bundles want the same pieces, combinations are searched for the largest
saving, at most MOST_NODES steps; past that the best one found so far counts, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from commerce import money
from pricing import rounding
from pricing.promotions.basket import Basket, Pool
from pricing.promotions.terms import Bundle, BuyGet, Policy, Reward

MOST_NODES = 4_000  # some milliseconds
MOST_COMBINATIONS = 300  # of pieces that make a set, over all bundles that want the same goods


@dataclass(slots=True)
class Found:
    """What sets take off lines and which pieces they use up, by position. `missing` is what the next set lacks."""

    cuts: dict[int, int] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    sets: int = 0
    is_approximate: bool = False

    @property
    def saving_minor(self) -> int:
        return sum(self.cuts.values())


def reward_of(reward: Reward, pieces: Sequence[tuple[int, int]]) -> int:
    """Return what (count, amount) pieces of one line get off; a percentage is rounded once on their sum."""
    if reward.basis_points is not None:
        return rounding.percentage(sum(count * amount for count, amount in pieces), reward.basis_points)
    if reward.amount_minor is not None:
        return sum(count * min(amount, reward.amount_minor) for count, amount in pieces)
    price = reward.price_minor or 0
    return sum(count * max(0, amount - price) for count, amount in pieces)


# --- buy X get Y ----------------------------------------------------------------------------------------------------


def buy_get(terms: BuyGet, basket: Basket, bought: Sequence[int], rewarded: Sequence[int] | None) -> Found:
    """Return what a "buy X get Y" gives on the pieces that are not used up. `rewarded` is None for the same goods."""
    if rewarded is None:
        return _same_goods(terms, basket.pools(bought))
    return _other_goods(terms, basket, set(bought), set(rewarded))


def _same_goods(terms: BuyGet, pools: Sequence[Pool]) -> Found:
    size, pieces = terms.buy + terms.get, sum(pool.pieces for pool in pools)
    sets = pieces // size if terms.most_sets is None else min(pieces // size, terms.most_sets)
    if not sets:
        return Found()
    got: list[Pool] = []
    used: list[Pool] = []
    start = 0
    first_cheap = pieces - sets * terms.get
    for pool in pools:
        end = start + pool.pieces
        if terms.policy is Policy.PER_SET:
            free = _rewarded_before(min(end, sets * size), terms) - _rewarded_before(min(start, sets * size), terms)
            gone = max(0, min(end, sets * size) - start)
        else:
            free = max(0, end - max(start, first_cheap))
            gone = free + max(0, min(end, sets * terms.buy) - start)
        if free:
            got.append(pool._replace(pieces=free))
        if gone:
            used.append(pool._replace(pieces=gone))
        start = end
    return _rewarded(terms.reward, got, used, sets)


def _rewarded_before(index: int, terms: BuyGet) -> int:
    whole, rest = divmod(index, terms.buy + terms.get)
    return whole * terms.get + max(0, rest - terms.buy)


def _other_goods(terms: BuyGet, basket: Basket, bought: set[int], rewarded: set[int]) -> Found:
    only_bought, only_got, both = bought - rewarded, rewarded - bought, bought & rewarded
    n_bought, n_got, n_both = (sum(basket.free(one) for one in group) for group in (only_bought, only_got, both))

    def is_possible(sets: int) -> bool:
        return max(0, terms.buy * sets - n_bought) + max(0, terms.get * sets - n_got) <= n_both

    low, high = 0, (n_bought + n_got + n_both) // (terms.buy + terms.get)
    if terms.most_sets is not None:
        high = min(high, terms.most_sets)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_possible(middle) else (low, middle - 1)
    if not low:
        return Found()
    for_bought = max(0, terms.buy * low - n_bought)
    pools = basket.pools(sorted(rewarded))
    if terms.policy is Policy.CHEAPEST_OVERALL:
        pools = pools[::-1]
    wanted, shared = terms.get * low, n_both - for_bought
    got: list[Pool] = []
    for pool in pools:
        count = min(wanted, pool.pieces, shared if pool.position in both else pool.pieces)
        if count:
            got.append(pool._replace(pieces=count))
            wanted -= count
            shared -= count if pool.position in both else 0
    used = list(got)
    taken_of_both = {position: sum(p.pieces for p in got if p.position == position) for position in both}
    wanted = terms.buy * low
    for group in (only_bought, both):  # first what nobody else wants
        for pool in basket.pools(sorted(group)):
            count = min(wanted, pool.pieces)
            if pool.position in both:
                count = min(count, basket.free(pool.position) - taken_of_both[pool.position])
                taken_of_both[pool.position] += count
            if count > 0:
                used.append(pool._replace(pieces=count))
                wanted -= count
    return _rewarded(terms.reward, got, used, low)


def _rewarded(reward: Reward, got: Sequence[Pool], used: Sequence[Pool], sets: int) -> Found:
    found = Found(sets=sets)
    pieces: dict[int, list[tuple[int, int]]] = {}
    for pool in got:
        pieces.setdefault(pool.position, []).append((pool.pieces, pool.amount_minor))
    for position, runs in sorted(pieces.items()):
        if off := reward_of(reward, runs):
            found.cuts[position] = off
    for pool in used:
        found.taken[pool.position] = found.taken.get(pool.position, 0) + pool.pieces
    return found if found.cuts else Found()


# --- bundles --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bundle and, for each of its parts, the lines whose goods fit."""

    terms: Bundle
    positions: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class _Combination:
    """Pieces that make one set of a bundle: (pool, pieces) each, and what the set saves."""

    bundle: int
    uses: tuple[tuple[int, int], ...]
    saving_minor: int
    pieces: int


def bundles(wanted: Sequence[Wanted], basket: Basket) -> list[Found]:
    """Return what each of some bundles gives when they share the pieces that are not used up for the best total."""
    if len(wanted) == 1 and _is_disjoint(wanted[0].positions):
        return [_alone(wanted[0], basket)]
    positions = sorted({position for one in wanted for part in one.positions for position in part})
    pools = basket.pools(positions)
    combinations, is_cut_short = _combinations(wanted, pools)
    if not combinations:
        return [Found() for _ in wanted]
    chosen, is_exhaustive = _search(combinations, [pool.pieces for pool in pools], wanted)
    per_bundle: list[list[tuple[int, _Combination]]] = [[] for _ in wanted]
    for times, combination in chosen:
        per_bundle[combination.bundle].append((times, combination))
    found = [_found(parts, pools) for parts in per_bundle]
    for one in found:
        one.is_approximate = is_cut_short or not is_exhaustive
    return found


def _is_disjoint(positions: Sequence[Sequence[int]]) -> bool:
    return len({one for part in positions for one in part}) == sum(len(part) for part in positions)


def _alone(wanted: Wanted, basket: Basket) -> Found:
    """Make sets from the dearest pieces of each part down: nothing else wants them, so no other choice saves more."""
    pools: list[Pool] = []
    queues: list[list[int]] = []
    for part in wanted.positions:
        first = len(pools)
        pools.extend(basket.pools(part))
        queues.append(list(range(first, len(pools))))
    left = [pool.pieces for pool in pools]
    most = wanted.terms.most_sets
    chosen: list[tuple[int, _Combination]] = []
    while most is None or most > 0:
        uses: dict[int, int] = {}
        for wanted_part, queue in zip(wanted.terms.parts, queues, strict=True):
            need = wanted_part.quantity
            for index in queue:
                count = min(need, left[index])
                if count:
                    uses[index] = count
                    need -= count
                if not need:
                    break
            if need:
                return _found(chosen, pools)
        combination = _combination(0, wanted.terms, tuple(uses.items()), pools)
        if combination.saving_minor <= 0:
            break
        times = min(left[index] // count for index, count in uses.items())
        if most is not None:
            times, most = min(times, most), most - min(times, most)
        for index, count in uses.items():
            left[index] -= times * count
        for queue in queues:
            while queue and not left[queue[0]]:
                queue.pop(0)
        chosen.append((times, combination))
    return _found(chosen, pools)


def _combination(bundle: int, terms: Bundle, uses: tuple[tuple[int, int], ...], pools: Sequence[Pool]) -> _Combination:
    amount = sum(count * pools[index].amount_minor for index, count in uses)
    reward = terms.reward
    if reward.basis_points is not None:
        saving = rounding.percentage(amount, reward.basis_points)
    elif reward.amount_minor is not None:
        saving = min(amount, reward.amount_minor)
    else:
        saving = max(0, amount - (reward.price_minor or 0))
    return _Combination(bundle, uses, saving, sum(count for _index, count in uses))


def _combinations(wanted: Sequence[Wanted], pools: Sequence[Pool]) -> tuple[list[_Combination], bool]:
    """Return the sets that can be made, the best per piece first, and whether some were left out."""
    found: list[_Combination] = []
    is_cut_short = False
    share = max(1, MOST_COMBINATIONS // len(wanted))
    for number, one in enumerate(wanted):
        made: dict[tuple[tuple[int, int], ...], _Combination] = {}
        fitting = [[index for index, pool in enumerate(pools) if pool.position in set(part)] for part in one.positions]
        for uses in _fill(one.terms, fitting, [pool.pieces for pool in pools]):
            if uses not in made:
                if len(made) == share:
                    is_cut_short = True
                    break
                made[uses] = _combination(number, one.terms, uses, pools)
        found.extend(one for one in made.values() if one.saving_minor > 0)
    found.sort(key=lambda one: (-one.saving_minor * 1_000_000 // one.pieces, one.bundle, one.uses))
    return found, is_cut_short


def _fill(terms: Bundle, fitting: Sequence[Sequence[int]], left: list[int]):  # type: ignore[no-untyped-def]
    """Yield the ways to fill all parts from pools, the dearest first, as sorted (pool, pieces)."""
    uses: dict[int, int] = {}

    def part(number: int, need: int, first: int):  # type: ignore[no-untyped-def]
        if not need:
            if number + 1 == len(terms.parts):
                yield tuple(sorted(uses.items()))
            else:
                yield from part(number + 1, terms.parts[number + 1].quantity, 0)
            return
        for place in range(first, len(fitting[number])):
            index = fitting[number][place]
            for count in range(min(need, left[index]), 0, -1):
                left[index] -= count
                uses[index] = uses.get(index, 0) + count
                yield from part(number, need - count, place + 1)
                left[index] += count
                uses[index] -= count
                if not uses[index]:
                    del uses[index]

    yield from part(0, terms.parts[0].quantity, 0)


def _search(
    combinations: Sequence[_Combination], counts: list[int], wanted: Sequence[Wanted]
) -> tuple[list[tuple[int, _Combination]], bool]:
    """Return how often to make which set for the largest saving, and whether every way was looked at."""
    scale = 1_000_000
    worth: list[list[int]] = [[0] * len(counts)]  # by combination on: the most that a piece of a pool can save
    for one in reversed(combinations):
        best, density = worth[-1][:], one.saving_minor * scale // one.pieces + 1
        for index, _count in one.uses:
            best[index] = max(best[index], density)
        worth.append(best)
    worth.reverse()
    left, most = counts[:], [one.terms.most_sets for one in wanted]
    chosen: list[int] = []
    best_value, best_choice, nodes = -1, [0] * len(combinations), 0

    def look(number: int, value: int) -> None:
        nonlocal best_value, best_choice, nodes
        nodes += 1
        if value > best_value:
            best_value, best_choice = value, [*chosen, *[0] * (len(combinations) - len(chosen))]
        if number == len(combinations) or nodes > MOST_NODES:
            return
        bound = sum(count * each for count, each in zip(left, worth[number], strict=True) if count)
        if value * scale + bound <= best_value * scale:
            return
        one = combinations[number]
        times = min(left[index] // count for index, count in one.uses)
        limit = most[one.bundle]
        if limit is not None:
            times = min(times, limit)
        for index, count in one.uses:
            left[index] -= times * count
        if limit is not None:
            most[one.bundle] = limit - times
        for made in range(times, -1, -1):
            chosen.append(made)
            look(number + 1, value + made * one.saving_minor)
            chosen.pop()
            if made:
                for index, count in one.uses:
                    left[index] += count
                if limit is not None:
                    most[one.bundle] = limit - made + 1
            if nodes > MOST_NODES:
                for index, count in one.uses:
                    left[index] += max(0, made - 1) * count
                most[one.bundle] = limit
                return

    look(0, 0)
    picked = [(times, one) for times, one in zip(best_choice, combinations, strict=True) if times]
    return picked, nodes <= MOST_NODES


def _found(parts: Sequence[tuple[int, _Combination]], pools: Sequence[Pool]) -> Found:
    """Share what some sets save over their lines by what the pieces in them cost."""
    found = Found()
    amounts: dict[int, int] = {}
    saving = 0
    for times, combination in parts:
        found.sets += times
        saving += times * combination.saving_minor
        for index, count in combination.uses:
            pool = pools[index]
            amounts[pool.position] = amounts.get(pool.position, 0) + times * count * pool.amount_minor
            found.taken[pool.position] = found.taken.get(pool.position, 0) + times * count
    if not saving:
        return Found()
    positions = sorted(amounts)
    shares = money.split_minor(saving, [amounts[position] for position in positions])
    found.cuts = {position: share for position, share in zip(positions, shares, strict=True) if share}
    return found
